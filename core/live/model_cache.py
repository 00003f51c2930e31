"""The networks that one process holds: loaded when they are needed, let go when memory gets short.

Only the thread that does all work with Keras changes it; others may look.
"""

import gc
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import psutil

from core.datasets.storage import open_dataset
from core.errors import BadInput
from core.experiments.run_files import read_weights
from core.experiments.store import Store
from core.jobs.kinds import find_kind
from core.networks.restore import RestoredModel, restored_model

FAILED_SECONDS = 60.0
# The words for one network of this process that fails.
NETWORK = replace(find_kind("live"), noun="network")
SHORT_OF_MEMORY_BYTES = 512 * 1024**2


class RunKey(NamedTuple):
    """A run, and the moment that tells it apart from the same run made again."""

    run_id: str
    finished_at: str | None
    strategy: str


@dataclass(frozen=True)
class Memory:
    """What this process takes, and what the machine has left; replaced by tests."""

    limit_bytes: int
    used_bytes: Callable[[], int] = lambda: psutil.Process().memory_info().rss
    available_bytes: Callable[[], int] = lambda: psutil.virtual_memory().available

    @property
    def is_short(self) -> bool:
        return (
            self.used_bytes() > self.limit_bytes or self.available_bytes() < SHORT_OF_MEMORY_BYTES
        )


class ModelCache:
    """Networks by run, the longest unused first.

    Everything is computed on the processor in float32, whatever the run's precision was: a
    training may be using the GPU, and heat maps need the digits.
    """

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store = store
        self.memory = memory
        self._held: OrderedDict[RunKey, RestoredModel] = OrderedDict()
        self._failed: dict[RunKey, tuple[float, str]] = {}

    @property
    def held(self) -> list[RunKey]:
        return list(self._held)

    def failure(self, key: RunKey) -> str | None:
        """Why that network could not be loaded or asked, for a minute; None if it may be."""
        at, reason = self._failed.get(key, (float("-inf"), ""))
        return reason if time.monotonic() - at < FAILED_SECONDS else None

    def missing(self, keys: Collection[RunKey]) -> list[RunKey]:
        """Those that are still to be loaded."""
        return [key for key in keys if key not in self._held and self.failure(key) is None]

    def take(self, key: RunKey) -> RestoredModel | None:
        """The network of a run, loaded where it is not held; None where that failed."""
        if self.missing([key]):
            self.make_room()
            try:
                self._held[key] = self._restored(key)
            except Exception as error:  # noqa: BLE001 - one network fails, the others answer
                self.note_failure(key, error)
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key]

    def note_failure(self, key: RunKey, error: Exception) -> None:
        print(f"{key.run_id}: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        self._failed[key] = (time.monotonic(), NETWORK.failure_message(error))
        self.let_go(key)

    def make_room(self, keep: Collection[RunKey] = ()) -> bool:
        """Let networks go, the longest unused first, until memory is no longer short.

        Those in ``keep`` stay. False where it is still short then.
        """
        while self.memory.is_short:
            victim = next((key for key in self._held if key not in keep), None)
            if victim is None:
                return False
            self.let_go(victim)
        return True

    def let_go(self, key: RunKey) -> None:
        if self._held.pop(key, None) is not None:
            gc.collect()  # a network and its compiled functions refer to each other

    def _restored(self, key: RunKey) -> RestoredModel:
        for other in self.held:
            if other.run_id == key.run_id:  # an earlier attempt of the same run
                self.let_go(other)
        run = self._store.run(key.run_id)
        if run.finished_at != key.finished_at or run.state != "finished":
            raise BadInput(f"Run {run.id} was started again meanwhile.", "run")
        spec = self._store.experiment(run.experiment_id).training_spec(run)
        spec = spec.model_copy(update={"precision": "float32"})
        restored = restored_model(spec, read_weights(run.id), open_dataset(spec.dataset_id))
        # The first answer traces and compiles: not while somebody waits.
        restored.probabilities(np.zeros((1, *restored.image_shape), np.uint8))
        return restored

"""The networks that one process holds: put together when they are needed, let go when memory gets
short. One thread alone may use it: it does all that the process does with Keras.
"""

import gc
import hashlib
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
from core.networks.explain import explain
from core.networks.restore import RestoredModel, restored_model

FAILED_SECONDS = 60.0
# What to say of one network of this process that fails.
NETWORK = replace(find_kind("live"), noun="network")
SHORT_OF_MEMORY_BYTES = 512 * 1024**2
PREDICTIONS_REMEMBERED = 256


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
    """Networks by run, the one that was asked longest ago first.

    Everything is computed on the processor in float32, whatever the run's precision was: a
    training may be using the GPU, and heat maps need the digits.
    """

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store = store
        self.memory = memory
        self._held: OrderedDict[RunKey, RestoredModel] = OrderedDict()
        self._failed: dict[RunKey, tuple[float, str]] = {}
        self._predicted: OrderedDict[tuple[RunKey, bytes], int] = OrderedDict()

    @property
    def held(self) -> list[RunKey]:
        return list(self._held)

    def failure(self, key: RunKey) -> str | None:
        """Why that network could not be put together or asked, for a minute; None if it may be."""
        at, reason = self._failed.get(key, (float("-inf"), ""))
        return reason if time.monotonic() - at < FAILED_SECONDS else None

    def take(self, key: RunKey) -> RestoredModel | None:
        """The network of a run, put together where it is not held; None where that failed.

        Its first answer, which traces and compiles, is given here and thrown away.
        """
        if key not in self._held and self.failure(key) is None:
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

    def probabilities(self, key: RunKey, picture: np.ndarray) -> tuple[np.ndarray | None, float]:
        """float32 ``(classes,)`` and the seconds they took; ``picture`` uint8 ``(h, w, c)``.

        Raises ``BadInput`` for a picture of another shape. None where there is no network.
        """
        network = self.take(key)
        if network is None:
            return None, 0.0
        network.check_images(picture[None])
        started = time.perf_counter()
        found = network.probabilities(picture[None])[0]
        seconds = time.perf_counter() - started
        self._predicted[key, _mark(picture)] = int(found.argmax())
        while len(self._predicted) > PREDICTIONS_REMEMBERED:
            self._predicted.popitem(last=False)
        return found, seconds

    def heat_map(self, key: RunKey, picture: np.ndarray) -> np.ndarray | None:
        """float32 ``(h, w)``, 0 to 1, for the class that the network predicts; see ``explain``."""
        network = self.take(key)
        if network is None:
            return None
        remembered = (key, _mark(picture))
        if remembered not in self._predicted:
            self.probabilities(key, picture)
        predicted = np.array([self._predicted[remembered]])
        return explain(network, picture[None], predicted)[0]

    def make_room(self, keep: Collection[RunKey] = ()) -> bool:
        """Let networks go, the longest unused first, until memory is not short any more.

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
            gc.collect()  # a network and its compiled functions know each other

    def forget_others_of(self, key: RunKey) -> None:
        """Drop what earlier attempts of the same run left."""
        for other in self.held:
            if other.run_id == key.run_id and other != key:
                self.let_go(other)

    def _restored(self, key: RunKey) -> RestoredModel:
        self.forget_others_of(key)
        run = self._store.run(key.run_id)
        if run.finished_at != key.finished_at or run.state != "finished":
            raise BadInput(f"Run {run.id} was started again meanwhile.", "run")
        spec = self._store.experiment(run.experiment_id).training_spec(run)
        spec = spec.model_copy(update={"precision": "float32"})
        restored = restored_model(spec, read_weights(run.id), open_dataset(spec.dataset_id))
        restored.probabilities(np.zeros((1, *restored.image_shape), np.uint8))
        return restored


def _mark(picture: np.ndarray) -> bytes:
    """What tells a picture apart without keeping it: visitors are told that theirs is forgotten."""
    return hashlib.sha256(picture.tobytes()).digest()

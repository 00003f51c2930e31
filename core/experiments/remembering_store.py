"""A run store for a process that asks the same again and again, as pages of many visitors do."""

import threading
from collections.abc import Callable, Collection, Hashable
from hashlib import blake2b
from typing import Any, TypeVar

from core.experiments.records import (
    DamagedExperiment,
    ExperimentRecord,
    ExperimentSpec,
    RunRecord,
    read_spec,
)
from core.experiments.store import Store

T = TypeVar("T")

MOST_REMEMBERED = 256
# Specs hardly ever change, and a commit a second while a run trains must not cost reading them all.
MOST_SPECS = 20_000


class RememberingStore(Store):
    """What it has read of experiments and runs is handed out again until something is committed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._changes = self.database.changes()
        self._lock = threading.Lock()
        self._moment: Hashable | None = None
        self._remembered: dict[Hashable, Any] = {}
        self._specs: dict[bytes, ExperimentSpec] = {}

    def _every(self, removed: bool = False) -> list[ExperimentRecord | DamagedExperiment]:
        read = super()._every
        return self.unless_changed(("every", removed), lambda: read(removed))

    def _spec_of(self, text: str) -> ExperimentSpec:
        digest = blake2b(text.encode(), digest_size=16).digest()
        found = self._specs.get(digest)
        if found is None:
            if len(self._specs) >= MOST_SPECS:
                self._specs.clear()
            found = self._specs[digest] = read_spec(text)
        return found

    def experiment(self, experiment_id: str) -> ExperimentRecord:
        read = super().experiment
        return self.unless_changed(("experiment", experiment_id), lambda: read(experiment_id))

    def runs(
        self, experiment_id: str | None = None, states: Collection[str] | None = None
    ) -> list[RunRecord]:
        read = super().runs
        name = ("runs", experiment_id, None if states is None else frozenset(states))
        return list(self.unless_changed(name, lambda: read(experiment_id, states)))

    def epoch_counts(self, experiment_id: str) -> dict[str, int]:
        read = super().epoch_counts
        return dict(self.unless_changed(("epochs", experiment_id), lambda: read(experiment_id)))

    def unless_changed(self, name: Hashable, read: Callable[[], T]) -> T:
        """What ``read`` gave under that name since the last commit; it is shared, so frozen."""
        # Before reading: what is committed meanwhile is seen next time.
        moment = self._changes()
        if moment is None:
            return read()
        with self._lock:
            if moment != self._moment:
                self._moment = moment
                self._remembered.clear()
            if name in self._remembered:
                found: T = self._remembered[name]
                return found
        found = read()
        with self._lock:
            if moment == self._moment and len(self._remembered) < MOST_REMEMBERED:
                self._remembered[name] = found
        return found

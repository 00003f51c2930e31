"""A stopwatch that can be paused, so that only training is inside the training time.

Idea from the ``Chrono`` of google-research/big_vision: training, pauses and the whole program are
kept apart. The source of time is replaceable; tests put exact seconds in.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]
MONOTONIC: Clock = time.perf_counter


class Stopwatch:
    """Adds up seconds between ``resume`` and ``pause``; runs from the start."""

    def __init__(self, clock: Clock = MONOTONIC) -> None:
        self._clock = clock
        self._added = 0.0
        self._resumed_at: float | None = clock()

    @property
    def seconds(self) -> float:
        if self._resumed_at is None:
            return self._added
        return self._added + self._clock() - self._resumed_at

    def pause(self) -> None:
        self._added = self.seconds
        self._resumed_at = None

    def resume(self) -> None:
        if self._resumed_at is None:
            self._resumed_at = self._clock()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep what happens inside out of the measured time."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

"""A stopwatch that can be paused, and progress of work that reports through a callback.

Idea of the stopwatch from the ``Chrono`` of google-research/big_vision: training, pauses and the
whole program are kept apart. The source of time is replaceable; tests put exact seconds in.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from core.training.events import Progress

Clock = Callable[[], float]
Result = TypeVar("Result")
MONOTONIC: Clock = time.perf_counter
SECONDS_BETWEEN_PROGRESS = 0.5


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


def progress_of(
    step: str, work: Callable[[Callable[[int, int], None]], Result]
) -> Generator[Progress, None, Result]:
    """Run ``work(report)`` in a thread and yield a ``Progress`` for its reports, at most two a
    second; the generator's return value is the work's. What the work raises is raised here."""
    reports: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work(lambda done, total: reports.put((done, total))))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            future.set_exception(error)
        finally:
            reports.put(None)

    started = last = MONOTONIC()
    threading.Thread(target=run, name=step, daemon=True).start()
    yield Progress(step)
    while (report := reports.get()) is not None:
        now = MONOTONIC()
        done, total = report
        if done and now - last >= SECONDS_BETWEEN_PROGRESS:
            last = now
            speed = done / (now - started)
            yield Progress(step, done, total, speed, (total - done) / speed)
    return future.result()

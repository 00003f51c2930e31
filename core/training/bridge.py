"""Turn work that reports through a callback into an iterator of progress."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from core.training.clock import MONOTONIC
from core.training.events import Progress

Result = TypeVar("Result")
SECONDS_BETWEEN_PROGRESS = 0.5


def progress_of(
    step: str, work: Callable[[Callable[[int, int], None]], Result]
) -> Generator[Progress, None, Result]:
    """Run ``work(report)`` in a thread and yield a ``Progress`` for its reports, at most two a
    second; the generator's return value is the work's. What the work raises is raised here."""
    reports: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work(lambda done, total: reports.put((done, total))))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failure.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=run, name=step, daemon=True)
    started = last = MONOTONIC()
    thread.start()
    yield Progress(step, 0, 0)
    while (report := reports.get()) is not None:
        now = MONOTONIC()
        done, total = report
        if now - last < SECONDS_BETWEEN_PROGRESS or not done:
            continue
        last = now
        speed = done / (now - started)
        yield Progress(step, done, total, speed, (total - done) / speed)
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]

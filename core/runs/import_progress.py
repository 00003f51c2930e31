"""How far an import is, and how long it still takes."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

WRITTEN_EVERY_SECONDS = 0.5
SHOWN_AFTER_SECONDS = 1.0
RATE_OVER_SECONDS = 10.0

LOOKING = "Looking at the files"
WAITING = "Waiting for another import to end"
READING = "Reading images"
COMPARING = "Looking for duplicates"


def step(text: str, done: int = 0, total: int = 0) -> dict[str, Any]:
    """Progress of which no time is known."""
    return {"step": text, "done": done, "total": total, "seconds_left": None}


class ImportProgress:
    """A ``progress(done, total)`` that passes on what is worth telling, twice a second at most.

    The time left follows from the rate of the last ten seconds; in the first second it is not
    told. After the last image the step says that duplicates are looked for.
    """

    def __init__(
        self, write: Callable[[dict[str, Any]], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._started_at = clock()
        self._written_at = float("-inf")
        self._seen: deque[tuple[float, int]] = deque([(self._started_at, 0)])

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if done >= total:
            self._write(step(COMPARING, done, total))
        elif now - self._written_at >= WRITTEN_EVERY_SECONDS:
            self._written_at = now
            self._seen.append((now, done))
            while len(self._seen) > 2 and now - self._seen[0][0] > RATE_OVER_SECONDS:
                self._seen.popleft()
            left = self._seconds_left(now, done, total)
            self._write(step(READING, done, total) | {"seconds_left": left})

    def _seconds_left(self, now: float, done: int, total: int) -> float | None:
        since, done_then = self._seen[0]
        if now - self._started_at < SHOWN_AFTER_SECONDS or done <= done_then:
            return None
        return (now - since) / (done - done_then) * (total - done)

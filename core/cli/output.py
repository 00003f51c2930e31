"""How the command line writes (JSON, tables, progress), ends and is stopped."""

import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from core.text import printable_text, rough_seconds_text

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130
RATE_AFTER_SECONDS = 1.0


def stop_on_termination() -> None:
    """Let SIGTERM end the process like Ctrl-C, so that a worker stops its jobs first."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as wide as they need to be; None is shown as a dash."""
    cells = [
        ["-" if value in (None, "") else printable_text(value) for value in row]
        for row in [headings, *rows]
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def say(text: str) -> None:
    """Tell the person in front of the terminal; never part of the result."""
    print(text, file=sys.stderr, flush=True)


def log_line(text: str) -> None:
    """``say`` with the moment before it (UTC), for what runs for days."""
    say(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}")


def counter(what: str) -> Callable[[int, int], None]:
    """A ``progress(done, total)`` that reports ten times on the whole way, with the time left.

    It starts again where ``done`` does.
    """
    reported, latest = -1, -1
    since, first = 0.0, 0

    def progress(done: int, total: int) -> None:
        nonlocal reported, latest, since, first
        now = time.monotonic()
        if latest < 0 or done < latest:
            reported, since, first = -1, now, done
        latest = done
        tenth = 10 * done // max(total, 1)
        if tenth > reported:
            reported = tenth
            left = ""
            if now - since >= RATE_AFTER_SECONDS and first < done < total:
                seconds = (now - since) / (done - first) * (total - done)
                left = f", about {rough_seconds_text(seconds)} left"
            say(f"{what}: {done} of {total}{left}")

    return progress


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)

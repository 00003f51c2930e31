"""A handler that does as its arguments say, in place of that of every kind.

``python -m tests.jobs.stand_in ID --parent PID`` is the child process with it.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.jobs import child
from core.jobs.cached import output_of, unfinished_folder
from core.jobs.context import JobContext, JobFailed, StartAgain
from core.jobs.kinds import KINDS
from core.jobs.launchers import ProcessLauncher
from core.jobs.progress import Progress

HANDLER = "tests.jobs.stand_in:run"
PIECE_BYTES = 8 * 1024**2


class QuietContext:
    """For a handler's parts that are called without a job."""

    def report(self, step: str, done: int = 0, total: int = 0) -> None:
        """Nobody listens."""

    def report_progress(self, progress: Progress) -> None:
        """Nobody listens."""

    def check(self) -> None:
        """Nobody cancels."""

    def should_stop(self) -> bool:
        return False


class StandInLauncher(ProcessLauncher):
    """``HEADSTART_LAUNCHER`` of workers whose jobs do as they are told."""

    def __init__(self) -> None:
        super().__init__("tests.jobs.stand_in")


def take_the_place_of_all() -> None:
    for name, kind in KINDS.items():
        KINDS[name] = replace(kind, handler=HANDLER)


def run(arguments: dict[str, Any], context: JobContext) -> dict[str, Any] | None:
    do = arguments["do"]
    if "tally" in arguments:
        with open(arguments["tally"], "a", encoding="utf-8") as tally:
            tally.write(f"{context.job.id}\n")
    if do == "wait":
        for done in range(10_000):
            context.report("Waiting", done, 10_000)
            context.check()
            time.sleep(0.02)
    elif do == "take":
        for done in range(10 * arguments["seconds"]):
            context.report("Working", done, 10 * arguments["seconds"])
            time.sleep(0.1)
    elif do == "until":
        while not Path(arguments["mark"]).exists():
            context.report("Waiting for a mark")
            time.sleep(0.02)
        return {"attempt": context.job.attempts}
    elif do == "devour":
        if context.job.error:
            return {"after": context.job.error}
        taken: list[bytes] = []
        while len(taken) * PIECE_BYTES < arguments["most_bytes"]:
            taken.append(b"1" * PIECE_BYTES)
        raise AssertionError("there was no limit")
    elif do == "deaf":
        context.report("Not listening")
        mark = Path(arguments["mark"])
        mark.touch()
        try:
            time.sleep(120)
        finally:
            mark.unlink()  # a part of its result that nobody must find
    elif do == "stone deaf":
        context.report("Not listening")
        while True:
            try:
                time.sleep(120)
            except KeyboardInterrupt:
                continue
    elif do == "again":
        context.folder.mkdir(parents=True, exist_ok=True)
        first = context.folder / "first"
        if not first.exists():
            first.touch()
            raise StartAgain
    elif do == "refuse":
        raise BadInput("This is not one of ours.")
    elif do == "ask":
        raise JobFailed("Which column?", {"columns": ["a", "b"]})
    elif do == "break":
        raise ZeroDivisionError("division by zero\nand more")
    elif do == "memory":
        raise MemoryError
    elif do == "full":
        raise OSError(28, "No space left on device")
    elif do == "write":
        output_of(arguments).write_text("done")
    elif do == "write on the way":
        with unfinished_folder(output_of(arguments)) as folder:
            (folder / "half").touch()
            context.report("Half way")
            time.sleep(120)
    elif do == "where" or (do == "die in a used process" and not context.process_is_used):
        os.write(2, f"done in {os.getpid()}\n".encode())  # as a C library does
        return {"process": os.getpid(), "is_used": context.process_is_used}
    elif do == "die in a used process":
        os.kill(os.getpid(), signal.SIGKILL)
    elif do == "finish":
        context.finish({"by": "the handler"})
    return {"did": do}


if __name__ == "__main__":
    take_the_place_of_all()
    sys.exit(child.main(sys.argv[1:]))

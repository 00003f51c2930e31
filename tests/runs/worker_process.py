"""A worker in a process of its own, for tests: ``python worker_process.py LEASE_SECONDS [TALLY]``.

With a tally file it works through the queue inside its own process and notes each run there: two
of them must never note the same one. Without, it serves like ``python -m core worker``.
"""

import sys
from pathlib import Path

from core.experiments.store import Store, open_store
from core.runs.child import execute
from core.runs.launchers import ProcessLauncher
from core.runs.worker import serve


class HandleOfDone:
    def __init__(self, status: int) -> None:
        self._status = status

    def poll(self) -> int:
        return self._status

    def stop(self) -> None:
        """It ended before it was handed out."""

    def last_words(self) -> str:
        return ""


class InlineLauncher:
    """Does each run in this process: a tenth of a second instead of five."""

    def __init__(self, store: Store, tally: Path) -> None:
        self._store = store
        self._tally = tally

    def start(self, run_id: str) -> HandleOfDone:
        with open(self._tally, "a", encoding="utf-8") as tally:
            tally.write(f"{run_id}\n")
        return HandleOfDone(execute(self._store, run_id))


if __name__ == "__main__":
    store = open_store(lease_seconds=float(sys.argv[1]))
    if len(sys.argv) > 2:
        serve(store, InlineLauncher(store, Path(sys.argv[2])), exit_when_idle=0)
    else:
        serve(store, ProcessLauncher(), exit_when_idle=60)

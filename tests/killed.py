"""Kill a process with SIGKILL right before one of its changes: of a file, or of the database.

Each process is forked from one that has loaded all that is needed, so that hundreds of kills take
seconds. The work lies here, because that process must find it without loading the tests.
"""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from core.experiments import removal
from core.experiments.sharing import import_file
from core.experiments.store import Store, open_store
from core.jobs.workers import utc_now
from core.operations.disk import cache_entries, drop, droppable
from core.settings import current_settings

# What Python tells its audit hooks. SQLite connects anew for each transaction, which is then whole
# or not at all; to open a file counts where it is for writing.
_CHANGES = frozenset(("os.mkdir", "os.remove", "os.rename", "os.rmdir", "sqlite3.connect"))
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.killed"])
PATIENCE_SECONDS = 60


def killed_at_each_change(
    home: Path, work: Callable[..., object], *arguments: Any
) -> Iterator[bool]:
    """Do ``work(*arguments)`` again and again on a fresh copy of ``home``, in its place, killed
    before its first change, its second and so on. True says that it was killed; the last time it
    came to its end. What was in ``home`` before is beside it."""
    fresh = home.with_name(f"{home.name}-fresh")
    home.rename(fresh)
    for number in count(1):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(fresh, home)
        child = _FORKED.Process(target=_do, args=(number, dict(os.environ), work, arguments))
        child.start()
        child.join(PATIENCE_SECONDS)
        if child.exitcode not in (0, -signal.SIGKILL):
            raise AssertionError(f"the work ended with status {child.exitcode}")
        yield child.exitcode != 0
        if child.exitcode == 0:
            return


def _do(
    number: int,
    environment: dict[str, str],
    work: Callable[..., object],
    arguments: tuple[Any, ...],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    seen = 0

    def watch(event: str, given: tuple[Any, ...]) -> None:
        nonlocal seen
        writes = event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in _CHANGES:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    work(*arguments)


# The work ---------------------------------------------------------------------------------------


def an_hour_later() -> Store:
    return Store(current_settings().database_url, now=lambda: utc_now() + timedelta(seconds=3601))


def remove(experiment_id: str) -> None:
    removal.remove_experiments(open_store(), [experiment_id], "ada")


def delete_removed() -> None:
    removal.delete_removed(an_hour_later())


def drop_weights(experiment_id: str) -> None:
    removal.drop_weights(open_store(), [experiment_id])


def clean() -> None:
    """As ``storage clean --keep-gb 0 --yes`` does."""
    drop(open_store(), droppable(cache_entries(), keep_bytes=0))


def import_shared(file: Path) -> None:
    import_file(open_store(), file)

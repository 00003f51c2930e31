"""The database, its clock, the queue and the stored datasets, for ``headstart doctor``."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, make_url, select

from core.datasets.storage import open_dataset
from core.errors import HeadstartError
from core.experiments.store import Store
from core.jobs.database import BUSY_TIMEOUT_SECONDS
from core.jobs.overview import overview
from core.jobs.records import SCHEMA_VERSIONS, jobs, workers
from core.jobs.sqlite_file import SqliteFile
from core.jobs.workers import moment_text, new_worker_id
from core.operations.check import Check
from core.operations.machine_checks import MOST_NAMED, network_file_system
from core.settings import Settings
from core.text import count_text, milliseconds_text, rough_seconds_text, some_text

# A lease is renewed every four seconds and lasts fifteen.
CLOCK_NOTE_SECONDS, CLOCK_PROBLEM_SECONDS = 2.0, 10.0


def check_database(settings: Settings, quick: bool) -> Iterator[Check]:
    """Whether it opens, is whole, of this version, and can be written; then clock and workers.

    A SQLite file that is not there, or of an older version, is left as it is. ``quick`` reads
    only.
    """
    url = make_url(settings.database_url)
    place = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database).absolute()
        place = f"SQLite, {path}"
        kind = network_file_system(path)
        if kind is not None:
            yield Check(
                "database",
                "problem",
                f"{path} is on a network file system ({kind}), where SQLite's locks do not hold.",
                "Set HEADSTART_DATABASE_URL to PostgreSQL, or to a file on a local disk.",
            )
        file = SqliteFile(path, BUSY_TIMEOUT_SECONDS)
        found = file.version(every_page=not quick)
        if found is None:
            file.refuse_lost()
            yield Check("database", "note", f"{place}: not there yet; the first start makes it.")
            return
        if found != SCHEMA_VERSIONS[-1]:
            newest = SCHEMA_VERSIONS[-1]
            words = f"{place} has version {found}; the next start upgrades it to {newest}."
            yield Check("database", "note", words, "A copy from before is kept beside it.")
            return
    store = Store(settings.database_url)
    if quick:
        yield Check("database", "ok", f"{place}: opens, version {SCHEMA_VERSIONS[-1]}.")
    else:
        yield _written(store, place)
        yield from _damaged(store)
    yield _clock(store)
    yield from check_workers(store)


def _written(store: Store, place: str) -> Check:
    """Write a row and take it away, as a worker of a group that nobody asks for."""
    name = new_worker_id()
    started = time.perf_counter()
    store.register_worker(name, os.getpid(), group_id=f"doctor-{os.getpid()}")
    store.forget_worker(name)
    took = milliseconds_text((time.perf_counter() - started) / 2)
    whole = "every page whole" if store.database.file else "opens"
    return Check(
        "database", "ok", f"{place}: {whole}, version {SCHEMA_VERSIONS[-1]}, a write took {took}."
    )


def _damaged(store: Store) -> Iterator[Check]:
    for entry in store.damaged_experiments():
        yield Check("database", "problem", entry.sentence)


def _clock(store: Store) -> Check:
    """This machine's clock against the server's; with SQLite against the newest entry."""
    if store.database.file is None:
        with store.database.reading() as connection:
            theirs = store.clock(connection)
        apart = abs((datetime.now(UTC) - theirs).total_seconds())
        found = f"{apart:.1f} s apart from the clock of the database."
        if apart < CLOCK_NOTE_SECONDS:
            return Check("clock", "ok", found)
        to_do = "Let both machines follow a time server: timedatectl set-ntp true"
        return Check("clock", "problem" if apart > CLOCK_PROBLEM_SECONDS else "note", found, to_do)
    with store.database.reading() as connection:
        newest = (func.max(jobs.c.created_at), func.max(workers.c.lease_expires_at))
        moments = [connection.execute(select(each)).scalar() for each in newest]
        now = moment_text(store.clock(connection))
        late = (store.seconds_since(connection, moment) for moment in moments if moment)
        ahead = -min(late, default=0.0)
    if ahead > store.lease_seconds + CLOCK_PROBLEM_SECONDS:
        return Check(
            "clock",
            "problem",
            f"The database has entries {rough_seconds_text(ahead)} ahead of this machine's clock.",
            "Set the clock right: timedatectl set-ntp true. Until it has caught up, a worker that "
            "died then still counts as alive.",
        )
    return Check("clock", "ok", f"{now[:19]} UTC, no entry of the database is later.")


def check_workers(store: Store) -> Iterator[Check]:
    """Whether somebody serves what waits, and no job runs without a worker."""
    found = overview(store)
    alive = len(found.live_workers)
    lost = [job.id for job in found.abandoned]
    lost += [job.id for one in found.workers if one.is_silent for job in one.at_work]
    start = "Run: python -m core worker, or open a page, which starts one."
    if lost:
        named = some_text(lost, MOST_NAMED)
        yield Check("worker", "problem", f"{named}: running, but their worker is silent.", start)
    elif alive == 0 and found.waiting:
        words = f"{count_text(found.waiting, 'job')} in the queue, and no worker."
        yield Check("worker", "problem", words, start)
    elif alive == 0:
        words = "None is there, and nothing waits; a page starts one when it is needed."
        yield Check("worker", "note", words)
    else:
        silent = max(one.silent_seconds for one in found.live_workers)
        words = f"{count_text(alive, 'worker')}, last beat {silent:.0f} s ago at most"
        yield Check("worker", "ok", f"{words}; {count_text(found.waiting, 'job')} in the queue.")


def check_datasets(settings: Settings) -> Iterator[Check]:
    """Whether each stored dataset can be opened; no image is read."""
    count, damaged = 0, []
    if settings.datasets_folder.is_dir():
        for folder in sorted(settings.datasets_folder.iterdir()):
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            count += 1
            try:
                open_dataset(folder.name)
            except HeadstartError as error:
                damaged.append(str(error))
    for sentence in damaged:
        to_do = "Add it again, or take it from a backup."
        yield Check("datasets", "problem", sentence, to_do)
    if not damaged:
        yield Check("datasets", "ok", f"{count_text(count, 'dataset')}, each can be opened.")

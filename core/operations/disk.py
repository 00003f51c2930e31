"""What the home holds on this machine, and caches that can be dropped: they are made again.

A cache entry is what one key names: prepared images, features of a backbone, hashes of images.
Results for pages (heat maps, maps, exports) have limits of their own (``core.jobs.cached``).
``storage clean`` drops them by a rule that somebody types, workers once a day by that of the
settings; it is off by default.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.backbones.feature_cache import features_folder
from core.errors import BadInput, StorageUnavailable
from core.experiments.limits import stored_bytes
from core.experiments.removal import delete_removed
from core.experiments.store import Store
from core.jobs.queue import JobQueue
from core.jobs.records import ACTIVE_STATES
from core.settings import CACHE_DAYS_VARIABLE, CACHE_GB_VARIABLE, Settings, current_settings
from core.text import count_text, list_text, size_text

SECONDS_A_DAY = 86_400
# A worker that found jobs at work looks again so soon.
LOOK_AGAIN_SECONDS = 10.0
# Of these an entry is two files, and the manifest says that it is whole.
_WITH_MANIFEST = ("features", "prepared")


@dataclass(frozen=True)
class Part:
    """A part of the home by its name, what it is for, and its size in bytes."""

    name: str
    meaning: str
    size_bytes: int


@dataclass(frozen=True)
class CacheEntry:
    """``kind``: the folder it lies in. ``used_at``: seconds since 1970 when it was last used, 0 for
    half an entry, which a process that was killed left and nobody can use."""

    kind: str
    key: str
    files: tuple[Path, ...]
    size_bytes: int
    used_at: float


def disk_use() -> list[Part]:
    """The parts of the home, the largest first."""
    settings = current_settings()
    parts = [
        ("datasets", "the images that were added", settings.datasets_folder),
        ("runs", "predictions, trained weights and logs", settings.runs_folder),
        ("features", "cache: what backbones made of images", features_folder()),
        ("prepared", "cache: images of one size", settings.cache_folder / "prepared"),
        ("copies", "cache: hashes that find duplicates", settings.cache_folder / "copies"),
        ("side", "heat maps, maps, exports; has limits of its own", settings.cache_folder / "side"),
        ("weights", "the backbones, as fetched", settings.weights_folder),
        ("backbones", "backbones of your own", settings.backbones_folder),
        ("imports", "uploads on their way", settings.imports_folder),
    ]
    found = [Part(name, meaning, stored_bytes(folder)) for name, meaning, folder in parts]
    found.append(Part("database", "the run store and its daily copies", _database_bytes(settings)))
    return sorted(found, key=lambda part: -part.size_bytes)


def cache_entries() -> list[CacheEntry]:
    """All that can be dropped, the longest unused first."""
    cache = current_settings().cache_folder
    found = []
    for folder in (features_folder(), cache / "prepared", cache / "copies"):
        by_key: dict[str, list[Path]] = {}
        for path in folder.glob("*"):
            if path.is_file() and not path.name.startswith("."):  # still being written
                by_key.setdefault(path.name.partition(".")[0], []).append(path)
        for key, files in by_key.items():
            status = [path.stat() for path in files]
            is_half = folder.name in _WITH_MANIFEST and len(files) < 2
            used_at = max(max(one.st_mtime, one.st_atime) for one in status)
            found.append(
                CacheEntry(
                    folder.name,
                    key,
                    tuple(sorted(files)),
                    sum(one.st_size for one in status),
                    0.0 if is_half else used_at,
                )
            )
    return sorted(found, key=lambda entry: entry.used_at)


def droppable(
    entries: Iterable[CacheEntry],
    unused_days: float | None = None,
    keep_bytes: int | None = None,
    now: float | None = None,
) -> list[CacheEntry]:
    """Those unused for so many days, and of the others the longest unused until the caches fit.

    ``entries`` as ``cache_entries`` gives them. Without a rule: none.
    """
    kept = list(entries)
    before = (time.time() if now is None else now) - SECONDS_A_DAY * (unused_days or 0)
    dropped = [one for one in kept if unused_days is not None and one.used_at < before]
    kept = [one for one in kept if one not in dropped]
    while keep_bytes is not None and kept and sum(one.size_bytes for one in kept) > keep_bytes:
        dropped.append(kept.pop(0))
    return dropped


def drop(queue: JobQueue, entries: Iterable[CacheEntry]) -> int:
    """Delete them; returns the bytes. Raises ``BadInput`` while a job waits or works: it may need
    them. The manifest goes first, so that half an entry never counts."""
    active = [job for job in queue.jobs() if job.state in ACTIVE_STATES]
    if active:
        raise BadInput(
            f"{active[0].id} waits or works, and may need what would be dropped. Wait until the "
            "queue is empty.",
            "queue",
        )
    total = 0
    for entry in entries:
        for path in sorted(entry.files, key=lambda path: path.suffix != ".json"):
            path.unlink(missing_ok=True)
        total += entry.size_bytes
    return total


def daily_tidying(
    store: Store, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """What a worker calls all the time: it tidies up at first and then once a day, as soon as no
    job waits or works, with a line to ``report`` for what it did."""
    due = clock()

    def tidy() -> None:
        nonlocal due
        if clock() >= due:
            due = clock() + (SECONDS_A_DAY if tidy_up(store, report) else LOOK_AGAIN_SECONDS)

    return tidy


def tidy_up(store: Store, report: Callable[[str], None]) -> bool:
    """Delete what was removed more than an hour ago, and drop caches by the rule of the settings.

    False while a job waits or works, which may need them. What the disk refuses is reported.
    """
    try:
        for experiment_id in delete_removed(store):
            report(f"experiment {experiment_id}: deleted, it was removed more than an hour ago")
        settings = current_settings()
        rule = settings.cache_unused_days, settings.cache_bytes
        if rule == (None, None):
            return True
        found = droppable(cache_entries(), *rule)
        dropped = drop(store, found)
    except BadInput:
        return False
    except (OSError, StorageUnavailable) as error:
        report(f"Tidying up broke off: {error}")
        return True
    if found:
        given = {CACHE_DAYS_VARIABLE: rule[0], CACHE_GB_VARIABLE: rule[1]}
        names = list_text([name for name, value in given.items() if value is not None])
        entries = count_text(len(found), "cache entry", "cache entries")
        report(f"dropped {entries}, {size_text(dropped)}, by {names}")
    return True


def _database_bytes(settings: Settings) -> int:
    return sum(path.stat().st_size for path in settings.home.glob("headstart*.db*"))

"""The machine and what is installed on it, for ``headstart doctor``."""

import math
import os
import platform
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

import psutil
from packaging.markers import Marker

from core.backbones.backend import configure_backend
from core.backbones.registry import BACKBONES
from core.backbones.weights import access
from core.devices import processor_name
from core.experiments.limits import stored_bytes
from core.files import write_bytes
from core.operations.check import Check
from core.settings import MOST_STORED_VARIABLE, PROJECT_ROOT, STREAMLIT_UPLOAD_VARIABLE, Settings
from core.text import count_text, list_text, size_text, some_text
from core.training.policy import DevicePolicy, choose_policy, memory_limit_bytes

LOCKED = PROJECT_ROOT / "requirements.txt"
PYTHONS = ((3, 11), (3, 13))
DEVICE_SECONDS = 120.0
# Room for the database, logs and features beside what a person uploads.
SPARE_BYTES = 2 * 10**9
FEWEST_FILES_LEFT = 10_000
# SQLite's locks and its shared memory need a file system of one machine.
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")
MOST_NAMED = 5
_LOCKED_LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+))?")


def check_home(settings: Settings) -> Iterator[Check]:
    """Whether it is there, can be written, belongs to one user, and others cannot change it."""
    home = settings.home
    if not home.exists():
        yield Check("home", "note", f"{home} is not there yet; the first start makes it.")
        return
    probe = home / f".doctor-{uuid.uuid4().hex}"
    write_bytes(probe, b"written by headstart doctor")
    probe.unlink()
    status = home.stat()
    foreign = [entry.name for entry in home.iterdir() if entry.lstat().st_uid != status.st_uid]
    if foreign:
        yield Check(
            "home",
            "problem",
            f"{some_text(sorted(foreign), MOST_NAMED)} in {home} belong to another user than "
            "the home itself, so a worker or a page may not be able to change them.",
            f"Stop Headstart and run: chown -R {_owner(status.st_uid)} {home}",
        )
    elif status.st_mode & stat.S_IWOTH:
        found = f"Every user of this machine may change {home}."
        yield Check("home", "problem", found, f"Run: chmod o-w {home}")
    elif status.st_mode & stat.S_IROTH:
        found = f"{home} can be written; every user of this machine may read it."
        yield Check("home", "note", found, f"If they should not, run: chmod o-rwx {home}")
    else:
        yield Check("home", "ok", f"{home} can be written, and others cannot read it.")


def _owner(user_id: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(user_id).pw_name
    except (ImportError, KeyError):
        return str(user_id)


def check_disk(settings: Settings, measured: bool) -> Iterator[Check]:
    """Whether it has room for the largest upload; with ``measured`` also for all that pages may
    store."""
    place = _nearest_there(settings.home)
    free = free_bytes(settings.home)
    # An upload is kept for a week beside the dataset that is made of it.
    needed = 2 * settings.upload_limit_bytes + SPARE_BYTES
    room = f"The disk of {settings.home} has {size_text(free)} free"
    files_left = _files_left(place)
    if free < needed:
        yield Check(
            "disk",
            "problem",
            f"{room}; an upload of the largest size needs {size_text(needed)} with what is made "
            "of it.",
            "Make room, set HEADSTART_HOME to a folder on another disk, or allow smaller uploads "
            f"({STREAMLIT_UPLOAD_VARIABLE}).",
        )
    elif files_left is not None and files_left < FEWEST_FILES_LEFT:
        found = f"{room}, but takes only {count_text(files_left, 'more file')} (inodes)."
        yield Check("disk", "problem", found, "Remove files there, or use another disk.")
    elif not measured:
        yield Check("disk", "ok", f"{room}.")
    else:
        yield _compared_with_limit(settings, free, room)


def free_bytes(home: Path) -> int:
    """The room on the disk of a home, which need not be there yet."""
    return shutil.disk_usage(_nearest_there(home)).free


def _nearest_there(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _compared_with_limit(settings: Settings, free: int, room: str) -> Check:
    stored = stored_bytes(settings.home)
    limit = settings.most_stored_bytes
    found = f"{room}; the home holds {size_text(stored)}, and pages store up to {size_text(limit)}."
    if stored > limit:
        return Check(
            "disk",
            "problem",
            f"{found} So pages refuse uploads and runs.",
            f"Remove datasets that are no longer needed, or raise {MOST_STORED_VARIABLE}.",
        )
    if limit - stored > free:
        gigabytes = max(1, math.floor(0.9 * (stored + free) / 1e9))
        to_do = f"Set {MOST_STORED_VARIABLE}={gigabytes}, so that pages refuse before it is full."
        return Check("disk", "note", f"{found} The disk is full before.", to_do)
    return Check("disk", "ok", found)


def _files_left(place: Path) -> int | None:
    """How many more files its file system takes; None where it has no such limit."""
    if not hasattr(os, "statvfs"):
        return None
    found = os.statvfs(place)
    return found.f_favail if found.f_files else None


def network_file_system(path: Path) -> str | None:
    """The kind of network file system that ``path`` is on (``nfs4``); None for a local one."""
    inside = [
        (len(Path(one.mountpoint).parts), one.fstype)
        for one in psutil.disk_partitions(all=True)
        if path.is_relative_to(one.mountpoint)
    ]
    kind = max(inside, default=(0, ""))[1]
    return kind if kind.startswith(NETWORK_FILE_SYSTEMS) else None


def check_weights() -> Iterator[Check]:
    """The weights of each backbone: here, missing, or refused."""
    for backbone in BACKBONES.values():
        found, name = access.status_of(backbone.weights), f"weights {backbone.name}"
        if found.refused:
            yield Check(name, "problem", " ".join(found.refused), "Move the file away.")
        elif found.available:
            yield Check(name, "ok", found.message)
        else:
            to_do = access.what_to_do(backbone.weights)
            yield Check(name, "note", "They are not here; its strategies are not offered.", to_do)


def check_device(asked: bool) -> Iterator[Check]:
    """The processor, and with ``asked`` what Keras trains on, found in a child process."""
    memory = f"{processor_name()}, {size_text(memory_limit_bytes())} of memory"
    if not asked:
        to_do = "Add --devices to load Keras and see what it trains on."
        yield Check("device", "ok", f"{memory}.", to_do)
        return
    started = time.perf_counter()
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            policy = pool.submit(_policy).result(timeout=DEVICE_SECONDS)
    # Whatever a library raises while it is loaded, and the end of the process, are an answer.
    except Exception as error:  # noqa: BLE001
        found = f"Keras cannot be loaded: {type(error).__name__}: {error}"
        yield Check("device", "problem", found, "See the line versions, and drivers of the GPU.")
        return
    seconds = time.perf_counter() - started
    found = f"{policy.device} by {policy.backend}, precision {policy.precision}"
    if policy.kind == "cpu" and (gpus := _gpu_files()):
        yield Check(
            "device",
            "problem",
            f"{policy.backend} trains on the processor, although the driver shows "
            f"{count_text(len(gpus), 'GPU')}.",
            "Install what the GPU needs: pip install --require-hashes -r requirements-gpu.txt, "
            "and look at CUDA_VISIBLE_DEVICES.",
        )
    else:
        yield Check("device", "ok", f"{found}; {memory}. Keras was loaded in {seconds:.0f} s.")


def _policy() -> DevicePolicy:
    configure_backend()
    return choose_policy()


def _gpu_files() -> list[Path]:
    """The GPUs that NVIDIA's driver shows (Linux)."""
    return sorted(Path("/proc/driver/nvidia/gpus").glob("*"))


def check_versions() -> Iterator[Check]:
    """Python, and every library against the locked requirements."""
    lowest, highest = PYTHONS
    python = tuple(map(int, platform.python_version_tuple()[:2]))
    if not lowest <= python <= highest:
        wanted = " to ".join(".".join(map(str, one)) for one in PYTHONS)
        found = f"This is Python {platform.python_version()}; Headstart needs {wanted}."
        yield Check("versions", "problem", found, "Make the environment with another Python.")
    if not LOCKED.exists():
        yield Check("versions", "note", f"There is no {LOCKED}, so nothing to compare with.")
        return
    to_do = f"Run: python -m pip install --require-hashes -r {LOCKED}"
    missing, others, count = [], [], 0
    for name, wanted in locked_versions(LOCKED.read_text(encoding="utf-8")):
        count += 1
        try:
            installed = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if installed != wanted:
            others.append(f"{name} {installed} instead of {wanted}")
    if missing:
        yield Check("versions", "problem", f"Missing: {some_text(missing, MOST_NAMED)}.", to_do)
    if others:
        found = f"Not what was tested: {some_text(others, MOST_NAMED)}."
        yield Check("versions", "note", found, to_do)
    if not missing and not others:
        found = f"Python {platform.python_version()}, {count} libraries as locked."
        yield Check("versions", "ok", found)


def locked_versions(text: str) -> Iterator[tuple[str, str]]:
    """Name and version of each requirement in a locked file that holds for this machine."""
    for line in text.splitlines():
        found = _LOCKED_LINE.match(line)
        if found and (found[3] is None or Marker(found[3].strip()).evaluate()):
            yield found[1], found[2]


def check_uploads(settings: Settings) -> Iterator[Check]:
    """The largest upload against the memory that it takes, and the folders that pages may read."""
    limit, memory = settings.upload_limit_bytes, memory_limit_bytes()
    found = f"Up to {limit // 1024**2:,} MB from the browser."
    if limit > memory / 4:
        yield Check(
            "uploads",
            "note",
            f"{found} The server keeps an upload in memory, and this machine has "
            f"{size_text(memory)}.",
            f"Lower {STREAMLIT_UPLOAD_VARIABLE}, and put larger datasets into "
            f"{list_text([str(folder) for folder in settings.import_folders], last='or')}.",
        )
    else:
        yield Check("uploads", "ok", f"{found} A reverse proxy in front must allow as much.")
    for folder in settings.import_folders:
        if not folder.is_relative_to(settings.home) and not os.access(folder, os.R_OK | os.X_OK):
            found = f"Pages may import from {folder}, which cannot be read."
            yield Check(
                "uploads", "problem", found, "Check HEADSTART_IMPORT_FOLDERS and its owner."
            )

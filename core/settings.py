"""Paths and environment of Headstart, read in one place.

=================================  ========================================  =====================
variable                           meaning                                   default
=================================  ========================================  =====================
``HEADSTART_HOME``                 datasets, cache, runs, weights, database  ``data/workspace``
``HEADSTART_DATABASE_URL``         ``postgresql://...`` for several machines  SQLite in the home
                                   or ``sqlite:///PATH``
``HEADSTART_STORAGE_URL``          where several machines share files: a     the home alone
                                   folder, or ``s3://BUCKET/FOLDER``
``HEADSTART_STORAGE_ENDPOINT``     the server of ``s3://``, as               Amazon's
                                   ``http://HOST:PORT``
``HEADSTART_NODE_CACHE_GB``        most disk space (GB) that a machine       100
                                   fills with copies of shared files
``HEADSTART_IMPORT_FOLDERS``       folders on this machine from which a      ``inbox`` in the home
                                   page may add datasets; written like
                                   ``PATH``
``HEADSTART_WEIGHTS_SOURCE``       folder (URL) with the official weights    those that Keras uses
``HEADSTART_PRECISION``            ``auto``, ``float32``,                    ``auto``
                                   ``mixed_bfloat16``, ``mixed_float16``
``HEADSTART_MODELS_MEMORY_MB``     most memory of the process that holds     3072
                                   networks for live answers
``HEADSTART_MODELS_IDLE_MINUTES``  that process ends after this long         15
                                   without a question
``HEADSTART_EDITORS``              who may change things where sign-in is    nobody
                                   configured: e-mail addresses or
                                   ``*@example.org``, separated by commas
``HEADSTART_VIEWERS``              who may look, likewise                    all who sign in
``HEADSTART_SIGN_IN_HOURS``        after this long people sign in again      12
``HEADSTART_MOST_QUEUED_RUNS``     most runs that pages may have waiting     1000
``HEADSTART_MOST_STORED_GB``       most disk space (GB) before pages refuse  200
                                   uploads
``HEADSTART_CACHE_UNUSED_DAYS``    workers drop caches that were not used   never
                                   for so many days
``HEADSTART_CACHE_GB``             workers drop the longest unused caches    never
                                   above so much disk space (GB)
``HEADSTART_DEVICE``               name of the device of this worker, where  all of the machine
                                   several of one machine have a worker
                                   each (with ``CUDA_VISIBLE_DEVICES``)
``HEADSTART_POOLS``                which jobs workers of this machine take:  all
                                   ``device`` (train), ``import``, ``cpu``,
                                   ``live``, separated by commas
``HEADSTART_LAUNCHER``             the class that starts jobs, as            child processes
                                   ``module:class``                          on this machine
=================================  ========================================  =====================

The largest upload is Streamlit's ``server.maxUploadSize`` (``.streamlit/config.toml``, or the
variable ``STREAMLIT_SERVER_MAX_UPLOAD_SIZE``), so that the browser and Headstart agree; 500 MB
without either.
"""

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar, get_args

from core.errors import BadInput, UnknownName
from core.text import shorten_start

VERSION = "0.1.0"
PROJECT_ROOT = Path(__file__).resolve().parent.parent
BUNDLED_DATA = PROJECT_ROOT / "data"
SHOWCASE_FOLDER = BUNDLED_DATA / "showcase"

HOME_VARIABLE = "HEADSTART_HOME"
DATABASE_NAME = "headstart.db"
# SQLite takes paths of 512 bytes, those of the files that it makes beside the database included.
LONGEST_HOME_BYTES = 504 - len(f"/{DATABASE_NAME}")
LONGEST_PATH_SHOWN = 200

STREAMLIT_CONFIG = PROJECT_ROOT / ".streamlit" / "config.toml"
STREAMLIT_UPLOAD_VARIABLE = "STREAMLIT_SERVER_MAX_UPLOAD_SIZE"
UPLOAD_MEGABYTES = 500

STORAGE_VARIABLE, ENDPOINT_VARIABLE = "HEADSTART_STORAGE_URL", "HEADSTART_STORAGE_ENDPOINT"
NODE_CACHE_VARIABLE, NODE_CACHE_GB = "HEADSTART_NODE_CACHE_GB", 100
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?")
_ENDPOINT = re.compile(r"https?://[^/?#\s]+/?")

POOLS_VARIABLE = "HEADSTART_POOLS"
LOCAL_LAUNCHER = "core.jobs.launchers:ProcessLauncher"
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
MODELS_MEMORY_VARIABLE = "HEADSTART_MODELS_MEMORY_MB"
MODELS_IDLE_VARIABLE = "HEADSTART_MODELS_IDLE_MINUTES"
# Eight networks at 96 pixels with their libraries take about 1.3 GB.
MODELS_MEMORY_MB = 3072
MODELS_IDLE_MINUTES = 15

EDITORS_VARIABLE, VIEWERS_VARIABLE = "HEADSTART_EDITORS", "HEADSTART_VIEWERS"
SIGN_IN_HOURS_VARIABLE, SIGN_IN_HOURS = "HEADSTART_SIGN_IN_HOURS", 12
# A learning curve of all strategies, fractions and seeds that the page offers is 720 runs.
MOST_QUEUED_VARIABLE, MOST_QUEUED_RUNS = "HEADSTART_MOST_QUEUED_RUNS", 1000
MOST_STORED_VARIABLE, MOST_STORED_GB = "HEADSTART_MOST_STORED_GB", 200
CACHE_DAYS_VARIABLE, CACHE_GB_VARIABLE = "HEADSTART_CACHE_UNUSED_DAYS", "HEADSTART_CACHE_GB"
_ADDRESSES = re.compile(r"(\*|[^@\s*]+)@[^@\s*]+")


@dataclass(frozen=True)
class Settings:
    """The variables above, parsed.

    ``editors`` and ``viewers`` are in small letters; they and ``sign_in_seconds`` apply only where
    sign-in is configured. ``most_queued_runs`` and ``most_stored_bytes`` are limits for pages, not
    for the command line. ``storage_url`` is ``s3://...`` or an absolute path, empty where this
    machine shares no files. ``cache_unused_days`` and ``cache_bytes`` are None where nothing is
    dropped by itself.
    """

    home: Path
    database_url: str
    weights_source: str
    precision: str
    import_folders: tuple[Path, ...]
    upload_limit_bytes: int
    models_memory_bytes: int
    models_idle_seconds: float
    editors: tuple[str, ...]
    viewers: tuple[str, ...]
    sign_in_seconds: float
    most_queued_runs: int
    most_stored_bytes: int
    launcher: str = LOCAL_LAUNCHER
    device: str = ""
    pools: tuple[str, ...] = ()
    storage_url: str = ""
    storage_endpoint: str = ""
    node_cache_bytes: int = NODE_CACHE_GB * 10**9
    cache_unused_days: int | None = None
    cache_bytes: int | None = None

    @property
    def datasets_folder(self) -> Path:
        return self.home / "datasets"

    @property
    def cache_folder(self) -> Path:
        return self.home / "cache"

    @property
    def runs_folder(self) -> Path:
        return self.home / "runs"

    @property
    def imports_folder(self) -> Path:
        return self.home / "imports"

    @property
    def weights_folder(self) -> Path:
        return self.home / "weights"

    @property
    def backbones_folder(self) -> Path:
        return self.home / "backbones"

    @property
    def locks_folder(self) -> Path:
        return self.home / "locks"


def current_settings() -> Settings:
    """Read the environment now, so that tests and child processes see their own.

    Raises ``BadInput`` for a value that cannot be used, and for a home that cannot be one.
    """
    home = _home()
    cache_gigabytes = _whole_number(CACHE_GB_VARIABLE, None, "GB")
    precision = os.environ.get("HEADSTART_PRECISION") or "auto"
    if precision not in PRECISIONS:
        raise UnknownName("HEADSTART_PRECISION", precision, PRECISIONS)
    database = os.environ.get("HEADSTART_DATABASE_URL")
    return Settings(
        home=home,
        database_url=database or f"sqlite:///{home / DATABASE_NAME}",
        weights_source=os.environ.get("HEADSTART_WEIGHTS_SOURCE", ""),
        precision=precision,
        import_folders=_import_folders(home),
        upload_limit_bytes=_upload_megabytes() * 1024**2,
        models_memory_bytes=_whole_number(MODELS_MEMORY_VARIABLE, MODELS_MEMORY_MB, "MB") * 1024**2,
        models_idle_seconds=60.0
        * _whole_number(MODELS_IDLE_VARIABLE, MODELS_IDLE_MINUTES, "minutes"),
        editors=_addresses(EDITORS_VARIABLE),
        viewers=_addresses(VIEWERS_VARIABLE),
        sign_in_seconds=_whole_number(SIGN_IN_HOURS_VARIABLE, SIGN_IN_HOURS, "hours") * 3600.0,
        most_queued_runs=_whole_number(MOST_QUEUED_VARIABLE, MOST_QUEUED_RUNS, "runs"),
        most_stored_bytes=_whole_number(MOST_STORED_VARIABLE, MOST_STORED_GB, "GB") * 10**9,
        launcher=os.environ.get("HEADSTART_LAUNCHER") or LOCAL_LAUNCHER,
        device=os.environ.get("HEADSTART_DEVICE", ""),
        pools=tuple(filter(None, os.environ.get(POOLS_VARIABLE, "").replace(" ", "").split(","))),
        storage_url=_storage_url(),
        storage_endpoint=_storage_endpoint(),
        node_cache_bytes=_whole_number(NODE_CACHE_VARIABLE, NODE_CACHE_GB, "GB") * 10**9,
        cache_unused_days=_whole_number(CACHE_DAYS_VARIABLE, None, "days"),
        cache_bytes=None if cache_gigabytes is None else cache_gigabytes * 10**9,
    )


def has_shared_storage() -> bool:
    """Whether a shared storage is set; much faster than ``current_settings``."""
    return bool(os.environ.get(STORAGE_VARIABLE))


def _home() -> Path:
    given = os.environ.get(HOME_VARIABLE) or str(BUNDLED_DATA / "workspace")
    try:
        home = Path(given).expanduser().resolve()
        reason = _why_no_home(home)
    except (OSError, RuntimeError) as error:  # a name too long, a user or a link that leads nowhere
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".").lower()
    if reason is not None:
        raise BadInput(
            f"{HOME_VARIABLE} is {shorten_start(given, LONGEST_PATH_SHOWN)!r}, which cannot be "
            f"used: {reason}. Set {HOME_VARIABLE} to a folder that you may write.",
            HOME_VARIABLE,
        )
    return home


def _why_no_home(home: Path) -> str | None:
    """Why nothing can be kept in ``home``, which need not be there yet; None if it can."""
    length = len(os.fsencode(home))
    if length > LONGEST_HOME_BYTES:
        return f"its path has {length:,} bytes, and at most {LONGEST_HOME_BYTES} are possible"
    nearest, status = _nearest_there(home)
    shown = "it" if nearest == home else shorten_start(str(nearest), LONGEST_PATH_SHOWN)
    if not stat.S_ISDIR(status.st_mode):
        return f"{shown} is not a folder"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{shown} may not be written by this user"
    return None


def _nearest_there(path: Path) -> tuple[Path, os.stat_result]:
    for folder in (path, *path.parents):
        try:
            return folder, folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise FileNotFoundError(str(path))


def _storage_url() -> str:
    given = os.environ.get(STORAGE_VARIABLE) or ""
    if _BUCKET.fullmatch(given):
        return given.rstrip("/")
    if "://" in given:
        raise BadInput(
            f"{STORAGE_VARIABLE} is {given!r}; it must be a folder, or s3://BUCKET/FOLDER.",
            STORAGE_VARIABLE,
        )
    return str(Path(given).expanduser().resolve()) if given else ""


def _storage_endpoint() -> str:
    given = os.environ.get(ENDPOINT_VARIABLE) or ""
    if given and not _ENDPOINT.fullmatch(given):
        raise BadInput(
            f"{ENDPOINT_VARIABLE} is {given!r}; it must be http://HOST:PORT or https://HOST.",
            ENDPOINT_VARIABLE,
        )
    return given.rstrip("/")


def _import_folders(home: Path) -> tuple[Path, ...]:
    given = os.environ.get("HEADSTART_IMPORT_FOLDERS") or ""
    folders = [Path(part).expanduser().resolve() for part in given.split(os.pathsep) if part]
    return tuple(folders) or (home / "inbox",)


def _addresses(variable: str) -> tuple[str, ...]:
    """E-mail addresses and ``*@domain``, in small letters."""
    given = os.environ.get(variable) or ""
    found = tuple(part.strip().lower() for part in given.split(",") if part.strip())
    for address in found:
        if not _ADDRESSES.fullmatch(address):
            raise BadInput(
                f"{variable} has {address!r} in it; it takes e-mail addresses and *@example.org,"
                " separated by commas.",
                variable,
            )
    return found


Default = TypeVar("Default", int, None)


def _whole_number(variable: str, default: Default, unit: str) -> int | Default:
    """The value of the variable, 1 or more, or the default where it is not set."""
    given = os.environ.get(variable)
    if given is None:
        return default
    if not given.isdecimal() or int(given) < 1:
        raise BadInput(f"{variable} is {given!r}; it must be a whole number of {unit}.", variable)
    return int(given)


def _upload_megabytes() -> int:
    if STREAMLIT_UPLOAD_VARIABLE in os.environ:
        return _whole_number(STREAMLIT_UPLOAD_VARIABLE, UPLOAD_MEGABYTES, "MB")
    return _configured_upload_megabytes()


@lru_cache(maxsize=1)
def _configured_upload_megabytes() -> int:
    """The limit in Streamlit's file; the default without a file or a limit in it."""
    if not STREAMLIT_CONFIG.exists():
        return UPLOAD_MEGABYTES
    config = tomllib.loads(STREAMLIT_CONFIG.read_text(encoding="utf-8"))
    return config.get("server", {}).get("maxUploadSize", UPLOAD_MEGABYTES)

"""Paths and environment of Headstart, read in one place.

============================  ==========================================  =========================
variable                      meaning                                     default
============================  ==========================================  =========================
``HEADSTART_HOME``            datasets, cache, runs, weights, database    ``data/workspace``
``HEADSTART_DATABASE_URL``    SQLAlchemy URL of the run store             SQLite in the home
``HEADSTART_IMPORT_FOLDERS``  folders on this machine from which a page   ``inbox`` in the home
                              may add datasets, separated like ``PATH``
``HEADSTART_WEIGHTS_SOURCE``  base URL of the official VGG16 download     the one Keras uses
``HEADSTART_PRECISION``       ``auto``, ``float32``, ``mixed_bfloat16``,  ``auto``
                              ``mixed_float16``
============================  ==========================================  =========================

How large an upload may be is Streamlit's ``server.maxUploadSize`` (``.streamlit/config.toml``, or
the variable ``STREAMLIT_SERVER_MAX_UPLOAD_SIZE``), so that the browser and Headstart say the same.
"""

import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.errors import BadInput, UnknownName

PROJECT_ROOT = Path(__file__).resolve().parent.parent
BUNDLED_DATA = PROJECT_ROOT / "data"
OFFICIAL_WEIGHTS_SOURCE = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"

STREAMLIT_CONFIG = PROJECT_ROOT / ".streamlit" / "config.toml"
STREAMLIT_UPLOAD_VARIABLE = "STREAMLIT_SERVER_MAX_UPLOAD_SIZE"

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Settings:
    """Where this installation keeps its state, and what it may use.

    ``import_folders`` are the folders on this machine below which a page may read datasets;
    ``upload_limit_bytes`` is what one upload may have.
    """

    home: Path
    database_url: str
    weights_source: str
    precision: str
    import_folders: tuple[Path, ...]
    upload_limit_bytes: int

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
    def locks_folder(self) -> Path:
        return self.home / "locks"


def current_settings() -> Settings:
    """Read the environment now, so that tests and child processes see their own."""
    home = Path(os.environ.get("HEADSTART_HOME") or BUNDLED_DATA / "workspace").expanduser()
    home = home.resolve()
    precision = os.environ.get("HEADSTART_PRECISION") or "auto"
    if precision not in PRECISIONS:
        raise UnknownName("HEADSTART_PRECISION", precision, PRECISIONS)
    return Settings(
        home=home,
        database_url=os.environ.get("HEADSTART_DATABASE_URL")
        or f"sqlite:///{home / 'headstart.db'}",
        weights_source=os.environ.get("HEADSTART_WEIGHTS_SOURCE") or OFFICIAL_WEIGHTS_SOURCE,
        precision=precision,
        import_folders=_import_folders(home),
        upload_limit_bytes=_upload_limit_bytes(),
    )


def _import_folders(home: Path) -> tuple[Path, ...]:
    given = os.environ.get("HEADSTART_IMPORT_FOLDERS") or ""
    folders = [Path(part).expanduser().resolve() for part in given.split(os.pathsep) if part]
    return tuple(folders) or (home / "inbox",)


def _upload_limit_bytes() -> int:
    given = os.environ.get(STREAMLIT_UPLOAD_VARIABLE)
    if given is None:
        return _configured_upload_megabytes() * 1024**2
    if not given.isdecimal() or int(given) < 1:
        raise BadInput(
            f"{STREAMLIT_UPLOAD_VARIABLE} is {given!r}; it must be a whole number of MB.",
            STREAMLIT_UPLOAD_VARIABLE,
        )
    return int(given) * 1024**2


@lru_cache(maxsize=1)
def _configured_upload_megabytes() -> int:
    return tomllib.loads(STREAMLIT_CONFIG.read_text(encoding="utf-8"))["server"]["maxUploadSize"]

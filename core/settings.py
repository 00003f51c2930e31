"""Paths and environment of Headstart, read in one place.

============================  ==========================================  =========================
variable                      meaning                                     default
============================  ==========================================  =========================
``HEADSTART_HOME``            datasets, cache, runs, weights, database    ``data/workspace``
``HEADSTART_DATABASE_URL``    SQLAlchemy URL of the run store             SQLite in the home
``HEADSTART_WEIGHTS_SOURCE``  base URL of the official VGG16 download     the one Keras uses
``HEADSTART_PRECISION``       ``auto``, ``float32``, ``mixed_bfloat16``,  ``auto``
                              ``mixed_float16``
============================  ==========================================  =========================
"""

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import UnknownName

PROJECT_ROOT = Path(__file__).resolve().parent.parent
BUNDLED_DATA = PROJECT_ROOT / "data"
OFFICIAL_WEIGHTS_SOURCE = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Settings:
    """Where this installation keeps its state, and what it may use."""

    home: Path
    database_url: str
    weights_source: str
    precision: str

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
    )

"""Arrays in ``.npz`` files that a reader finds whole or not at all; without pickle."""

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
"""What files raise that are missing, cut short or something else."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> int:
    """Write under a temporary name, sync and rename; returns the size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}-", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        size_bytes = temporary.stat().st_size
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return size_bytes


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of the file by name; raises one of ``UNREADABLE``."""
    # Opened here: np.load leaves the file open when it turns out not to be whole.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}

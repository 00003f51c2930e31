"""The code and the libraries of an installation, so that those of several machines can be compared.

A run is only comparable with others, and a job only understood, where both are the same.
"""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions

from core.operations.machine_checks import LOCKED, MOST_NAMED, locked_versions
from core.settings import PROJECT_ROOT
from core.text import some_text

LOCKED_FOR_CLUSTERS = LOCKED.with_name("requirements-cluster.txt")


@dataclass(frozen=True)
class Versions:
    """``code`` is a SHA-256 of every module; ``libraries`` are the locked ones that are here."""

    code: str
    python: str
    libraries: Mapping[str, str]


def versions_here() -> Versions:
    """Those of this process."""
    code = hashlib.sha256()
    for module in sorted((PROJECT_ROOT / "core").rglob("*.py")):
        code.update(f"{module.relative_to(PROJECT_ROOT).as_posix()}\0".encode())
        code.update(module.read_bytes())
    locked = {
        name
        for file in (LOCKED, LOCKED_FOR_CLUSTERS)
        for name, _ in locked_versions(file.read_text(encoding="utf-8"))
    }
    here = {found.name.lower().replace("_", "-"): found.version for found in distributions()}
    libraries = {name: here[name] for name in sorted(locked) if name in here}
    return Versions(code.hexdigest(), platform.python_version(), libraries)


def difference(wanted: Versions, found: Versions) -> str | None:
    """How an installation differs from the one that is wanted, for people; None if it does not."""
    if found.python != wanted.python:
        return f"it has Python {found.python} instead of {wanted.python}"
    names = sorted({*wanted.libraries, *found.libraries})
    others = [
        f"{name} {found.libraries.get(name, 'missing')} instead of "
        f"{wanted.libraries.get(name, 'none')}"
        for name in names
        if found.libraries.get(name) != wanted.libraries.get(name)
    ]
    if others:
        return f"its libraries differ: {some_text(others, MOST_NAMED)}"
    return None if found.code == wanted.code else "its code of Headstart is another"

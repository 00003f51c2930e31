"""Arrays out of the two kinds of pickle in which weights are published, without running any code.

A pickle names functions that ``pickle.load`` calls: whoever writes one can run anything. Here each
name that the two files use stands for a plain record of this module, every other name is refused,
and the arrays are made of the records afterwards. Callers check the file's sha256 first.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from core.errors import WeightsRefused

# Source: torch/serialization.py, "legacy" format of versions before 1.6.
_TORCH_MAGIC, _TORCH_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# What damage makes the unpickler raise, and what records of the wrong kind raise afterwards.
_DAMAGE = (
    pickle.UnpicklingError,
    *(EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    *(MemoryError, RecursionError, ImportError),
)


class _Reader(pickle.Unpickler):
    """Knows ``allowed`` names (module, name) alone; ``stored`` makes what the file says of a piece
    of data that lies outside the pickle."""

    def __init__(
        self, file: io.BytesIO, allowed: Mapping[tuple[str, str], Any], stored: Any = None
    ) -> None:
        super().__init__(file)
        self._allowed = allowed
        self._stored = stored

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise _Unknown(f"it asks for {module}.{name}, which weights do not need")
        return self._allowed[module, name]

    def persistent_load(self, identifier: Any) -> Any:
        if self._stored is None:
            raise pickle.UnpicklingError("it refers to data outside of it")
        return self._stored(*identifier)


class _Unknown(Exception):
    """A name that is not allowed."""


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_pickle(content: bytes, what: str) -> dict[str, np.ndarray]:
    """The tensors of a ``.pth`` file in PyTorch's legacy format, by name, in PyTorch's layout.

    Three small pickles, the state, the list of storage keys, then for each storage a little-endian
    int64 count and the raw values. Raises ``WeightsRefused``, naming ``what`` the file is, for
    anything else in it.
    """
    return _read_whole(content, what, _torch_tensors)


def read_numpy_pickle(content: bytes, what: str) -> dict[str, list[np.ndarray]]:
    """A pickled dictionary of lists of numpy arrays. Raises as ``read_torch_pickle``."""
    return _read_whole(content, what, _numpy_lists)


def _read_whole(content: bytes, what: str, read: Any) -> Any:
    file = io.BytesIO(content)
    try:
        found = read(file)
        if rest := len(content) - file.tell():
            raise ValueError(f"{rest:,} bytes follow its end")
    except _Unknown as error:
        raise WeightsRefused(f"{what} was refused: {error}.") from error
    except _DAMAGE as error:
        raise WeightsRefused(
            f"{what} was refused: it is incomplete or damaged ({error})."
        ) from error
    return found


def _torch_tensors(file: io.BytesIO) -> dict[str, np.ndarray]:
    for expected in (_TORCH_MAGIC, _TORCH_PROTOCOL):
        if (found := _Reader(file, {}).load()) != expected:
            raise ValueError(f"{found!r:.40} instead of {expected}")
    _Reader(file, {}).load()  # sizes of C's types on the writer's machine: nothing depends on them
    allowed = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
    }
    state = _Reader(file, allowed, _storage).load()
    keys = _Reader(file, {}).load()
    tensors = {name: value for name, value in state.items() if isinstance(value, _Tensor)}
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sorted(storages) != sorted(keys):
        raise ValueError("its list of storages does not fit")
    values = {key: _values(file, storages[key]) for key in keys}
    return {name: _strided(tensor, values) for name, tensor in tensors.items()}


def _storage(kind: Any, dtype: Any, key: Any, _device: Any, count: Any, view: Any) -> _Storage:
    if kind != "storage" or view is not None:
        raise pickle.UnpicklingError("a storage of another kind")
    return _Storage(str(key), dtype, int(count))


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_gradient: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _values(file: io.BytesIO, storage: _Storage) -> np.ndarray:
    (count,) = np.frombuffer(file.read(8), "<i8")
    found = np.frombuffer(
        file.read(storage.count * np.dtype(storage.dtype).itemsize), storage.dtype
    )
    if count != storage.count or len(found) != storage.count:
        raise ValueError(f"storage {storage.key} has {len(found):,} of {storage.count:,} values")
    return found


def _strided(tensor: _Tensor, values: Mapping[str, np.ndarray]) -> np.ndarray:
    flat = values[tensor.storage.key][tensor.offset :]
    contiguous = tuple(prod(tensor.shape[place + 1 :]) for place in range(len(tensor.shape)))
    steps = zip(tensor.shape, tensor.strides, strict=True)
    last = sum((length - 1) * step for length, step in steps)
    if min((0, *tensor.strides)) < 0 or last >= len(flat):
        raise ValueError("a tensor reaches beyond its storage")
    if tensor.strides == contiguous:
        return flat[: prod(tensor.shape)].reshape(tensor.shape)
    strides = tuple(step * flat.itemsize for step in tensor.strides)
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, tensor.shape, strides))


@dataclass
class _Dtype:
    """Of ``numpy.dtype`` only the name counts, and the byte order of its state."""

    name: str
    rest: tuple[Any, ...] = ()
    order: str = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


@dataclass
class _Array:
    state: tuple[Any, ...] = field(default=())

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def values(self) -> np.ndarray:
        _version, shape, dtype, by_column, content = self.state
        if (dtype.name, dtype.order) != ("f4", "<"):
            raise ValueError(f"an array of {dtype.order}{dtype.name} instead of <f4")
        values = np.frombuffer(content, "<f4")
        shape = tuple(map(int, shape))
        return values.reshape(shape[::-1]).T if by_column else values.reshape(shape)


def _numpy_lists(file: io.BytesIO) -> dict[str, list[np.ndarray]]:
    allowed = {
        ("numpy.core.multiarray", "_reconstruct"): lambda *_start: _Array(),
        ("numpy", "ndarray"): "ndarray",
        ("numpy", "dtype"): lambda name, *rest: _Dtype(name, rest),
    }
    found = _Reader(file, allowed).load()
    return {str(name): [array.values() for array in arrays] for name, arrays in found.items()}

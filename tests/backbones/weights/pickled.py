"""Writes the two kinds of pickle that weights are published in, without PyTorch."""

import pickle
import struct

import numpy as np

ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def whole_number(value):
    return b"J" + struct.pack("<i", value)


def row(values):
    return b"(" + b"".join(map(whole_number, values)) + b"t"


def tensor(key, array):
    """A call of ``_rebuild_tensor_v2`` on the storage ``key``."""
    kind = b"ctorch\nFloatStorage\n" if array.dtype == np.float32 else b"ctorch\nLongStorage\n"
    storage = b"(" + text("storage") + kind + text(key) + text("cpu") + whole_number(array.size)
    strides = [step // array.itemsize for step in array.strides]
    shape_and_strides = row(array.shape) + row(strides)
    arguments = b"(" + storage + b"NtQ" + whole_number(0) + shape_and_strides
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"\x89" + ORDERED_DICT + b"tR"


def torch_file(arrays, state=None, keys=None):
    """A ``.pth`` file of the legacy format; ``state`` replaces its main pickle."""
    if state is None:
        items = b"".join(
            text(name) + tensor(str(n), a) for n, (name, a) in enumerate(arrays.items())
        )
        state = b"\x80\x02" + ORDERED_DICT + b"(" + items + b"u."
    start = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    content = b"".join(pickle.dumps(part, protocol=2) for part in start) + state
    names = [str(number) for number in range(len(arrays))] if keys is None else keys
    content += pickle.dumps(names, protocol=2)
    for array in arrays.values():
        # The values in the order of memory, as PyTorch keeps them.
        content += struct.pack("<q", array.size) + array.ravel(order="K").tobytes()
    return content


def numpy_file(lists):
    """A ``.pkl`` as a numpy before 2 wrote it."""
    return pickle.dumps(lists, protocol=3).replace(b"cnumpy._core.", b"cnumpy.core.")

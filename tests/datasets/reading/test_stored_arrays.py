"""Files of arrays that are damaged, that lie about themselves, or that are larger than allowed."""

import struct

import numpy as np
import pytest

from core.datasets.reading import array_files, stored_arrays
from core.errors import BadInput
from tests.datasets.listings import listing_of, the_reading
from tests.datasets.reading.test_array_files import GREY, LABELS, npy, npz, read


def header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


DAMAGED = {
    "cut short": (npy(GREY)[:-1], "X.npy is cut short: its header promises 12 x 6 x 5 numbers"),
    "promises too much": (header("(1000000, 1000, 1000)"), "its header promises 1,000,000 x"),
    "impossible": (header("(-3, 4, 5)"), "X.npy: its header has the impossible shape (-3, 4, 5)"),
    "no tuple": (header("open('x')"), "X.npy: its header is damaged or too long"),
    "long header": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(99), "is damaged or too long"),
    "something else": (b"<html>", "X.npy is not a NumPy array"),
    "empty": (b"", "X.npy is not a NumPy array"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_arrays_are_told(case):
    data, message = DAMAGED[case]
    with pytest.raises(BadInput) as caught:
        read({"X.npy": data, "y.npy": npy(LABELS)})
    assert message in str(caught.value)


def test_damage_and_lies_in_an_archive(monkeypatch):
    whole = npz(False, x=GREY, y=LABELS)
    with pytest.raises(BadInput, match=r"set\.npz: cannot be read, or damaged"):
        read({"set.npz": whole[: len(whole) // 2]})
    at = whole.index(GREY.tobytes()) + 7
    with pytest.raises(BadInput, match=r"set\.npz: cannot be read, or damaged \(Bad CRC"):
        read({"set.npz": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]})
    monkeypatch.setattr(stored_arrays, "MOST_ARRAYS_IN_A_FILE", 1)
    with pytest.raises(BadInput, match=r"set\.npz: more than 1 arrays"):
        read({"set.npz": whole})
    monkeypatch.setattr(stored_arrays, "_LONGEST_DIRECTORY_BYTES", 50)
    with pytest.raises(BadInput, match=r"set\.npz: more than 1 arrays"):
        read({"set.npz": whole})


def test_limits(monkeypatch):
    members = {"X.npy": npy(GREY), "y.npy": npy(LABELS)}
    monkeypatch.setattr(stored_arrays, "PIECE_BYTES", 5 * GREY[0].nbytes)
    listing = listing_of(members)
    found = the_reading(array_files, listing).found
    assert [len(batch.pixels) for batch, _ in found.batches()] == [5, 5, 2]
    monkeypatch.setattr(stored_arrays, "LARGEST_ROW_BYTES", 20)
    with pytest.raises(BadInput, match=r"one row of 12 x 6 x 5 takes 0 MiB; the limit is"):
        read(members)
    monkeypatch.undo()
    monkeypatch.setattr(stored_arrays, "LARGEST_WHOLE_BYTES", 100)
    with pytest.raises(BadInput, match=r"X\.npy is stored column by column and too large"):
        read({"X.npy": npy(np.asfortranarray(GREY)), "y.npy": npy(LABELS)})
    monkeypatch.setattr(array_files, "MOST_FILES", 11)
    with pytest.raises(BadInput, match=r"12 images in all; the limit is 11"):
        read(members)

"""Files of arrays that are damaged, that lie about themselves, or that are larger than allowed."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest

from core.datasets.reading import array_files, stored_arrays, zip_archive
from core.datasets.reading.sources import open_source
from core.errors import BadInput
from tests.datasets.listings import listing_of, refused, the_reading
from tests.datasets.reading.test_array_files import GREY, LABELS, npy, npz, read

OPEN = zipfile.ZipFile.open


def header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


DAMAGED = {
    "cut short": (npy(GREY)[:-1], "X.npy is cut short: its header promises 12 x 6 x 5 numbers"),
    "promises too much": (header("(1000000, 1000, 1000)"), "its header promises 1,000,000 x"),
    "impossible": (header("(-3, 4, 5)"), "X.npy: its header is damaged or too long"),
    "far too large": (header(f"(0x{'f' * 9000}, 4)"), "X.npy: its header is damaged or too long"),
    "open bracket": (header("(12, 6, 5"), "X.npy: its header is damaged or too long"),
    "no type": (
        header("(12,)").replace(b"'|u1'", b"()   "),
        "X.npy: its header is damaged or too long",
    ),
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
    monkeypatch.setattr(zip_archive, "LONGEST_ENTRY_BYTES", 50)
    with pytest.raises(BadInput, match=r"set\.npz: more than 1 arrays"):
        read({"set.npz": whole})


def test_words_of_letters_that_do_not_exist_are_told():
    words = npy(np.array(["cat", "dog", "owl"] * 4))
    at = words.index("cat".encode("utf-32-le"))
    with pytest.raises(BadInput, match=r"y\.npy: it is damaged: it contains letters that do not"):
        read({"X.npy": npy(GREY), "y.npy": words[:at] + b"\xff\xff\xff\x7f" + words[at + 4 :]})


def test_words_without_letters_are_no_labels():
    empty = header("(12,)").replace(b"'|u1'", b"'<U0'")
    with pytest.raises(BadInput, match="there are images, but no array of labels"):
        read({"X.npy": npy(GREY), "y.npy": empty})


def test_impossible_places_and_names_in_an_archive_are_told():
    whole = npz(False, x=GREY, y=LABELS)
    at = whole.index(b"PK\5\6") + 16  # where the list of members begins
    moved = whole[:at] + struct.pack("<I", struct.unpack("<I", whole[at : at + 4])[0] + 9)
    with pytest.raises(BadInput, match=r"set\.npz: cannot be read, or damaged \(negative seek"):
        read({"set.npz": moved + whole[at + 4 :]})
    first = whole.index(b"PK\3\4")
    marked = bytearray(whole)
    marked[first + 7] |= 8  # its name is UTF-8
    marked[first + 30] = 0xFF
    with pytest.raises(BadInput, match=r"set\.npz: cannot be read, or damaged"):
        read({"set.npz": bytes(marked)})


def test_of_two_arrays_with_one_name_the_last_counts():
    buffer = io.BytesIO(npz(False, x=GREY[:3], y=LABELS))
    with zipfile.ZipFile(buffer, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("x.npy", npy(GREY))
    assert (read({"set.npz": buffer.getvalue()})[0] == GREY).all()


@pytest.mark.usefixtures("home")
def test_an_archive_of_arrays_in_a_zip_is_unpacked_once(tmp_path, monkeypatch):
    arrays = {"train_images": GREY, "test_images": GREY}
    labels = {"train_labels": LABELS, "test_labels": LABELS}
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set.npz", npz(False, **arrays, **labels))
    opened = []
    monkeypatch.setattr(
        zipfile.ZipFile,
        "open",
        lambda self, member, *rest: opened.append(member) or OPEN(self, member, *rest),
    )
    with open_source(tmp_path / "a.zip") as listing:
        found = the_reading(array_files, listing).found
        assert sum(len(batch.pixels) for batch, _ in found.batches()) == 24
    names = [getattr(member, "filename", member) for member in opened]
    assert names.count("set.npz") == 1


def test_labels_that_would_fill_the_memory_are_told(monkeypatch):
    monkeypatch.setattr(stored_arrays, "LARGEST_WHOLE_BYTES", 50)
    with pytest.raises(BadInput, match=r"y\.npy: 12 int64 are larger than 0 MiB, which is the li"):
        read({"X.npy": npy(GREY), "y.npy": npy(LABELS)})
    monkeypatch.setattr(array_files, "LARGEST_WHOLE_BYTES", 29)
    images = {f"{name}/{at}.npy": npy(GREY[at, :5]) for name in ("a", "b") for at in range(2)}
    *_, listing = read(images | {"b/3.npy": npy(GREY[3])})
    assert refused(listing) == {"b/3.npy": "larger than 0 MiB"}


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


def test_a_damaged_array_is_refused_under_its_whole_name_beside_good_ones():
    *_, listing = read({
        "my cells/set one.npz": npz(x=GREY, y=LABELS),
        "my cells/other notes.npy": b"no array",
        "my cells/set two.npz": npz(extra=np.array([None, "a"], object)),
    })  # fmt: skip
    reasons = refused(listing)
    assert reasons.pop("my cells/set two.npz").startswith("extra contains Python objects")
    assert reasons == {
        "my cells/other notes.npy": "is not a NumPy array. Save it again with np.save or np.savez."
    }

"""I6: archives that cannot be read; one sentence says which of these it is."""

import zipfile

import pytest

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip, files_below, reasons
from tests.datasets.pictures import two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
ENCRYPTED = 1


def with_flags(data: bytes, most: int = 1_000_000) -> bytes:
    """The first members of a zip marked as encrypted, ``most`` of them."""
    changed = bytearray(data)
    at = changed.find(b"PK\x01\x02")
    while at >= 0 and most > 0:
        changed[at + 8] |= ENCRYPTED
        most -= 1
        at = changed.find(b"PK\x01\x02", at + 1)
    return bytes(changed)


WHOLE = {
    "empty": (lambda _: b"", "the file is empty"),
    "truncated": (lambda data: data[: len(data) // 2], "the zip is damaged or cut short"),
    "start alone": (lambda _: b"PK\3\4" + bytes(40), "the zip is damaged or cut short"),
    "rar": (lambda data: b"Rar!\x1a\x07\x01\0" + data, "RAR archive"),
    "7z": (lambda _: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), "7-Zip archive"),
    "encrypted": (with_flags, "the zip is encrypted; pack it again without a password"),
    "other bytes": (lambda _: b"\0\1\2\3" * 200, "not a zip"),
}


@pytest.mark.parametrize(
    ("change", "message"), WHOLE.values(), ids=[f"I6-{name}" for name in WHOLE]
)
def test_i6_an_archive_that_cannot_be_read(home, tmp_path, change, message):
    path = write_zip(tmp_path / "pets.zip", two_classes())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput) as caught:
        add_dataset(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith("pets.zip")
    assert caught.value.field == "path"
    assert list_datasets() == []
    assert files_below(home) == {}


WITHOUT = {
    "no member": ({}, "upload.zip: the zip is empty."),
    "only a text": (
        {"cats/readme.txt": b"no picture"},
        "Found 1 file: 1 .txt, but no image. Expected one folder per class",
    ),
    "only what systems leave": (
        {"__MACOSX/cats/1.png": b"x", "cats/.DS_Store": b"x"},
        "There is no image in it. Expected one folder per class",
    ),
    "only an archive": (
        {"pets/train.zip": b"PK\3\4"},
        "There is no image in it. pets/train.zip: the zip is damaged or cut short; make it or send"
        " it again. Expected one folder per class",
    ),
    "archives and a table": (
        {"train.zip": b"PK\3\4", "sample.csv": b"id,label\n1,0\n"},
        "Found 1 file: 1 .csv, but no image. train.zip: the zip is damaged or cut short; make it or"
        " send it again. Expected one folder per class",
    ),
    "only names that lead elsewhere": (
        {"/cats/1.png": b"x", "/dogs/1.png": b"x"},
        "There is no image in it. /cats/1.png and 1 more: the name is an absolute path. Expected",
    ),
    "text named png": (
        {"cats/1.png": b"a", "dogs/1.png": b"b"},
        "None of the files is an image that can be used. cats/1.png and 1 more:"
        " a text, not an image.",
    ),
}


@pytest.mark.parametrize(
    ("members", "message"), WITHOUT.values(), ids=[f"I6-{name}" for name in WITHOUT]
)
def test_i6_a_zip_without_a_picture(tmp_path, members, message):
    with pytest.raises(BadInput) as caught:
        add_zip(tmp_path, members)
    assert message in str(caught.value)
    assert list_datasets() == []


def test_i6_one_encrypted_member_among_others(tmp_path):
    path = write_zip(tmp_path / "pets.zip", two_classes())
    path.write_bytes(with_flags(path.read_bytes(), most=1))
    dataset = add_dataset(path)
    assert dataset.image_count == 5
    assert reasons(dataset) == {"cats/0.png": "encrypted; pack it again without a password"}


def test_i6_a_bad_checksum_costs_one_member(tmp_path):
    members = two_classes()
    path = tmp_path / "crc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    data = bytearray(path.read_bytes())
    data[data.index(members["cats/1.png"]) + 60] ^= 0xFF
    path.write_bytes(bytes(data))
    dataset = add_dataset(path)
    assert dataset.image_count == 5
    assert reasons(dataset) == {
        "cats/1.png": "cannot be read, or damaged (Bad CRC-32 for file 'cats/1.png')"
    }

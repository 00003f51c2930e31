"""I3: archives that unpack to far more than they are."""

import bz2
import lzma
import zipfile
import zlib

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import raw_files
from core.datasets.reading.inner_archives import BESIDE_IMAGES
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.limited import add_under_limits
from tests.datasets.bad_inputs.making import (
    Entry,
    add_zip,
    deflated_zeros,
    files_below,
    huge_png,
    quoted_overlap,
    reasons,
    stored,
    write_entries,
)
from tests.datasets.pictures import noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
TEN_GIGABYTES = 10 * 1000**3
ONE_GIGABYTE = 1000**3
OVERLAPS = "it shares its bytes with another file of the zip"


@pytest.fixture(scope="session")
def upload_with_bombs(tmp_path_factory):
    """Six good pictures, ten gigabytes of zeros twice (once as one kilobyte), 600 megapixels."""
    packed = deflated_zeros(TEN_GIGABYTES)
    assert len(packed) < 11_000_000
    one_kilobyte = zlib.crc32(bytes(1000))
    entries = [
        *(stored(name, data) for name, data in two_classes().items()),
        stored("cats/600 megapixels.png", huge_png(30_000, 20_000)),
        Entry("cats/bomb.bmp", packed, TEN_GIGABYTES),
        Entry("dogs/liar.bmp", packed, 1000, one_kilobyte),
        Entry("dogs/liar with a wrong sum.bmp", packed, 1000, one_kilobyte ^ 1),
    ]
    return write_entries(tmp_path_factory.mktemp("bombs") / "upload.zip", entries)


def test_i3_i10_bombs_inside_a_normal_upload(upload_with_bombs, home):
    report = add_under_limits(upload_with_bombs, home, ONE_GIGABYTE, file_bytes=1_000_000)
    assert report["images"] == 6
    assert report["reasons"] == {
        "cats/600 megapixels.png": "the image is over the limit of 51 megapixels: save it smaller",
        "cats/bomb.bmp": "unpacked larger than 4 GiB",
        "dogs/liar with a wrong sum.bmp": (
            "cannot be read, or damaged (Bad CRC-32 for file 'dogs/liar with a wrong sum.bmp')"
        ),
        "dogs/liar.bmp": ("nothing but zeros: the file was not copied or downloaded as a whole"),
    }
    assert report["peak_bytes"] < ONE_GIGABYTE / 4
    assert sum(map(len, files_below(home).values())) < 100_000


@pytest.mark.parametrize(
    ("method", "name", "pack"),
    [
        (zipfile.ZIP_BZIP2, "bzip2", bz2.compress),
        (zipfile.ZIP_LZMA, "LZMA", lzma.compress),
        (9, "Deflate64", zlib.compress),
        (99, "number 99", zlib.compress),
    ],
    ids=["I3-bzip2", "I3-lzma", "I3-deflate64", "I3-unknown method"],
)
def test_i3_what_cannot_be_unpacked_under_a_limit_is_not(tmp_path, method, name, pack):
    entries = [stored(name, data) for name, data in two_classes().items()]
    liar = Entry("cats/liar.bmp", pack(bytes(1000)), 10, 0, method)
    dataset = add_dataset(write_entries(tmp_path / "upload.zip", [*entries, liar]))
    assert reasons(dataset) == {
        "cats/liar.bmp": (
            f"packed by a method that cannot be read ({name}); pack it as an ordinary zip"
        )
    }


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        ("zip", BESIDE_IMAGES),
        ("tar.gz", BESIDE_IMAGES),
        ("7z", BESIDE_IMAGES),
        ("jpg", "an archive, not an image: unpack it"),
    ],
    ids=["I3-nested zip", "I3-nested tar", "I3-nested 7z", "I3-nested and named jpg"],
)
def test_i3_archives_beside_images_are_not_opened(tmp_path, suffix, reason):
    inner = write_zip(tmp_path / "inner.zip", two_classes(prefix="more/")).read_bytes()
    dataset = add_zip(tmp_path, two_classes() | {f"cats/nested.{suffix}": inner})
    assert reasons(dataset) == {f"cats/nested.{suffix}": reason}
    assert dataset.image_count == 6


def test_i3_one_member_that_swells_is_refused(tmp_path):
    noise = np.random.default_rng(0).bytes(300_000)
    swelling = {"cats/big.bmp": bytes(20 * 1024**2), "cats/fill.bin": noise}
    dataset = add_zip(tmp_path, two_classes() | swelling)
    assert reasons(dataset)["cats/big.bmp"] == "would unpack to more than 200 times its size"


def test_i3_many_small_bombs_are_refused_together(home, tmp_path):
    small = {f"cats/{number}.bmp": bytes(9 * 1024**2) for number in range(3)}
    with pytest.raises(BadInput, match=r"it would unpack to \d+ times its size; .* is 200 times"):
        add_zip(tmp_path, small)
    assert list_datasets() == []
    assert files_below(home) == {}


def test_i3_more_in_all_than_the_limit(home, tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "LARGEST_TOTAL_BYTES", 1000)
    with pytest.raises(BadInput, match=r"unpacked it would take .* GiB; the limit is 0 GiB"):
        add_zip(tmp_path, two_classes())
    assert files_below(home) == {}


def test_i3_members_that_quote_each_other(tmp_path):
    kernel = deflated_zeros(1_000_000)
    overlapping = quoted_overlap([f"cats/{letter}.bmp" for letter in "abc"], kernel, 1_000_000)
    good = [stored(name, data) for name, data in two_classes().items()]
    path = write_entries(tmp_path / "upload.zip", [*overlapping, *good])
    with zipfile.ZipFile(path) as archive_file:
        first, second = archive_file.infolist()[:2]
        assert second.header_offset == len(Entry("cats/a.bmp", b"", 0).local_header()) + 5
        assert first.header_offset + first.compress_size > second.header_offset
    dataset = add_dataset(path)
    assert reasons(dataset) == dict.fromkeys(["cats/a.bmp", "cats/b.bmp", "cats/c.bmp"], OVERLAPS)
    assert dataset.image_count == 6


def test_i3_one_member_listed_many_times(tmp_path):
    good = [stored(name, data) for name, data in two_classes().items()]
    shared = stored("cats/shared.png", noise_png(50))
    again = Entry(shared.name, shared.packed, shared.size, shared.crc, shared.method, at=0)
    path = write_entries(tmp_path / "upload.zip", [shared, again, again, *good])
    dataset = add_dataset(path)
    assert dataset.health.quarantined == (("cats/shared.png", OVERLAPS),) * 3
    assert dataset.image_count == 6

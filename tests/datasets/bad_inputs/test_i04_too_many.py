"""I4: too many members, too long names, too deep folders."""

import struct
import tracemalloc

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import raw_files, zip_archive
from core.errors import BadInput
from tests.datasets.bad_inputs.making import (
    Entry,
    add_zip,
    directory_end,
    files_below,
    reasons,
    write_folder,
)
from tests.datasets.pictures import noise_png, two_classes

pytestmark = pytest.mark.usefixtures("home")


def test_i4_a_million_members_are_refused_before_a_record_is_made_of_each(home, tmp_path):
    record = Entry("cats/1.png", b"", 0).directory_record(at=0)
    path = tmp_path / "million.zip"
    path.write_bytes(b"PK\3\4" + directory_end(record * 1_000_000, 4, 1_000_000))
    tracemalloc.start()
    with pytest.raises(
        BadInput, match=r"^million\.zip: 1,000,000 members; the limit is 200,000\.$"
    ):
        add_dataset(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * path.stat().st_size
    assert files_below(home) == {}


def test_i4_a_directory_too_long_to_be_read(tmp_path):
    path = tmp_path / "long.zip"
    declared = raw_files.MOST_FILES * zip_archive.LONGEST_ENTRY_BYTES + 1
    with open(path, "wb") as file:
        file.write(b"PK\3\4")
        file.truncate(declared + 4)
        file.seek(0, 2)
        file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 9, 9, declared, 4, 0))
    with pytest.raises(BadInput, match="more than 200,000 members; the limit is 200,000"):
        add_dataset(path)


def test_i4_one_member_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "MOST_FILES", 5)
    with pytest.raises(BadInput, match=r"^upload\.zip: 6 members; the limit is 5\.$"):
        add_zip(tmp_path, two_classes())


def test_i4_one_file_too_many_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "MOST_FILES", 5)
    with pytest.raises(BadInput, match="more than 5 files, which is the limit"):
        add_dataset(write_folder(tmp_path / "pets", two_classes()))


NAMES = {
    "300 characters": ("cats/" + "n" * 300 + ".png", "a name longer than 255 characters"),
    "40 levels": ("/".join(["deep"] * 40) + "/x.png", "more than 20 folders deep"),
}


@pytest.mark.parametrize(("name", "reason"), NAMES.values(), ids=[f"I4-{name}" for name in NAMES])
def test_i4_a_name_over_a_limit_is_refused(tmp_path, name, reason):
    dataset = add_zip(tmp_path, two_classes() | {name: noise_png(9)})
    ((shown, found),) = reasons(dataset).items()
    assert found == reason
    assert len(shown) == 120
    assert shown == f"{name[:117]}..."
    assert dataset.image_count == 6

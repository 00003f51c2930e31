"""Archives that were split into parts: joined where that is safe, else told with what to do."""

import io
import zipfile

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading.split_archives import part_of
from core.errors import BadInput
from core.experiments.uploads import keep_upload
from tests.datasets.bad_inputs.making import reasons, write_folder
from tests.datasets.field.building import split_zip
from tests.datasets.pictures import noise_png, two_classes, write_zip


def large():
    """Enough for several parts of 16 KB."""
    return {f"{pet}/{n}.png": noise_png(n, 64) for pet in ("cats", "dogs") for n in range(6)}


pytestmark = pytest.mark.usefixtures("home")

NAMES = {
    "x.zip.001": ("x.zip", 1),
    "X.ZIP.012": ("X.ZIP", 12),
    "x.tar.gz.002": ("x.tar.gz", 2),
    "x.7z.001": ("x.7z", 1),
    "x.z01": ("x.zip", 1),
    "x.part2.rar": ("x.rar", 2),
    "x.zip": None,
    "scan.001": None,  # also what instruments call their files
    "x-001.zip": None,
    "z01.png": None,
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_what_names_of_parts_look_like(name, expected):
    part = part_of(name)
    assert (part and (part.whole, part.number)) == expected


def cut_zip(tmp_path):
    """A zip as ``split`` and 7-Zip cut it."""
    data = write_zip(tmp_path / "whole.zip", two_classes(prefix="pets/")).read_bytes()
    size = -(-len(data) // 3)
    return {f"pets.zip.{n + 1:03}": data[n * size : (n + 1) * size] for n in range(3)}


def test_parts_in_a_folder_are_joined(tmp_path):
    dataset = add_dataset(write_folder(tmp_path / "given", cut_zip(tmp_path)))
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.health.quarantined == ()


@pytest.mark.parametrize("number", [1, 3])
def test_one_part_finds_the_others_beside_it(tmp_path, number):
    folder = write_folder(tmp_path / "given", cut_zip(tmp_path))
    assert add_dataset(folder / f"pets.zip.00{number}").class_counts == {"cats": 3, "dogs": 3}


def test_parts_dropped_together_are_joined(tmp_path):
    files = [(name, io.BytesIO(data)) for name, data in cut_zip(tmp_path).items()]
    assert add_dataset(keep_upload("a1", files).path).class_counts == {"cats": 3, "dogs": 3}


@pytest.mark.parametrize("missing", ["pets.zip.001", "pets.zip.002"])
def test_a_missing_part_is_told(tmp_path, missing):
    parts = cut_zip(tmp_path)
    del parts[missing]
    folder = write_folder(tmp_path / "given", parts)
    with pytest.raises(BadInput, match=r"a part is missing\. This is part \d of the archive"):
        add_dataset(folder)
    with pytest.raises(BadInput, match=r"^pets\.zip\.003 is part 3 of the archive pets\.zip,"):
        add_dataset(folder / "pets.zip.003")


def test_the_last_part_missing_is_told(tmp_path):
    parts = cut_zip(tmp_path)
    del parts["pets.zip.003"]
    folder = write_folder(tmp_path / "given", parts)
    with pytest.raises(BadInput, match=r"pets\.zip: the zip is damaged or cut short"):
        add_dataset(folder)
    with pytest.raises(BadInput, match=r"^pets\.zip, joined from 2 parts: the zip is damaged"):
        add_dataset(folder / "pets.zip.001")


@pytest.mark.parametrize("name", ["x.z01", "x.zip"])
def test_a_part_of_a_zip_that_knows_its_parts_is_told(tmp_path, name):
    folder = write_folder(tmp_path / "given", split_zip(large()))
    with pytest.raises(BadInput, match=r"split\. Put all parts into one folder and join them"):
        add_dataset(folder / name)


def test_such_parts_beside_a_whole_archive_cost_nothing_else(tmp_path):
    whole = write_zip(tmp_path / "whole.zip", two_classes()).read_bytes()
    given = split_zip(large()) | {"pets.zip": whole}
    dataset = add_dataset(write_folder(tmp_path / "given", given))
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert list(reasons(dataset)) == ["x.z01"]


def test_a_split_zip_under_another_name_is_known_by_its_content(tmp_path):
    parts = split_zip(large())
    (tmp_path / "first.zip").write_bytes(parts["x.z01"])
    with pytest.raises(BadInput, match=r"^first\.zip: this is the first part of a zip"):
        add_dataset(tmp_path / "first.zip")
    (tmp_path / "last.zip").write_bytes(parts["x.zip"])
    with pytest.raises(BadInput, match=r"^last\.zip: this is the last of \d+ parts of a zip"):
        add_dataset(tmp_path / "last.zip")


def test_an_ordinary_zip_with_a_long_comment_is_no_part(tmp_path):
    path = write_zip(tmp_path / "pets.zip", two_classes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"x" * 65000
    assert add_dataset(path).image_count == 6

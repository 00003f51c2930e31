"""Archives in a folder, in an archive, or dropped together: one source."""

import io
import tarfile
import zipfile

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import members, raw_files
from core.datasets.reading.inner_archives import BESIDE_IMAGES, TOO_DEEP
from core.datasets.reading.sources import open_source
from core.errors import BadInput
from core.experiments.uploads import keep_upload
from tests.datasets.bad_inputs.making import files_below, reasons, write_folder
from tests.datasets.pictures import noise_png, two_classes

pytestmark = pytest.mark.usefixtures("home")


def zipped(files, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def pngs(*names):
    return {name: noise_png(sum(name.encode()) * 31 + at) for at, name in enumerate(names)}


def numbered(prefix, count=3, first=0):
    return pngs(*(f"{prefix}/{number}.png" for number in range(first, first + count)))


WITH_README = {"readme.txt": b"About these images.", "figure.png": noise_png(7777)}
# What is given, and the paths that are listed.
PLACES = {
    "one for each class": (
        {"cats.zip": zipped(pngs("0.png", "1.png")), "dogs.tar": tarred(pngs("2.png"), "w")},
        ["cats/0.png", "cats/1.png", "dogs/2.png"],
    ),
    "the name is repeated inside": (
        {"train.zip": zipped(numbered("train", 1)), "Test.tgz": tarred(numbered("test", 1))},
        ["test/0.png", "train/0.png"],
    ),
    "parts of Google": (
        {
            "x-20240110T101500Z-001.zip": zipped(numbered("x/cats", 1)),
            "x-20240110T101500Z-1-002.zip": zipped(numbered("x/dogs", 1)),
        },
        ["x/cats/0.png", "x/dogs/0.png"],
    ),
    "numbered parts with class folders": (
        {"part1.zip": zipped(numbered("cats", 1)), "part2.zip": zipped(numbered("dogs", 1))},
        ["cats/0.png", "dogs/0.png"],
    ),
    "numbered classes": (
        {"class1.zip": zipped(pngs("0.png")), "class2.zip": zipped(pngs("1.png"))},
        ["class1/0.png", "class2/1.png"],
    ),
    "numbered classes, images in a folder": (
        {"1.zip": zipped(numbered("images", 1)), "2.zip": zipped(numbered("images", 1))},
        ["1/images/0.png", "2/images/0.png"],
    ),
    "a table in its zip": ({"train.csv.zip": zipped({"train.csv": b"a,b"})}, ["train.csv"]),
    "in a folder of its own": (
        {"data/raw/pets.tar.xz": tarred(numbered("cats", 1), "w:xz")},
        ["data/raw/pets/cats/0.png"],
    ),
}


@pytest.mark.parametrize("as_zip", [True, False], ids=["in a zip", "in a folder"])
@pytest.mark.parametrize(("given", "paths"), PLACES.values(), ids=PLACES)
def test_where_the_files_of_an_archive_come(tmp_path, given, paths, as_zip):
    (tmp_path / "given.zip").write_bytes(zipped(given))
    folder = write_folder(tmp_path / "given", given)
    with open_source(tmp_path / "given.zip" if as_zip else folder) as listing:
        assert sorted(raw.path for raw in listing.files) == paths
        assert all(raw.read() for raw in listing.files)
        assert listing.refused == []


@pytest.mark.parametrize("outer", [zipped, tarred, lambda files: tarred(files, "w")])
def test_what_is_in_an_inner_archive_is_read_whatever_packed_both(tmp_path, outer):
    files = two_classes(prefix="train/")
    given = {"train.zip": zipped(files), "notes.tar.gz": tarred(WITH_README)}
    (tmp_path / "given").write_bytes(outer(given))
    with open_source(tmp_path / "given") as listing:
        found = {raw.path: raw.read() for raw in listing.files}
        assert listing.notes == ["Archives inside were opened: train.zip, notes.tar.gz."]
    assert found == files | {f"notes/{name}": data for name, data in WITH_README.items()}


def test_archives_beside_a_few_images_of_a_description_are_opened(tmp_path):
    given = {"pets.zip": zipped(two_classes()), "figure.png": noise_png(70)}
    dataset = add_dataset(write_folder(tmp_path / "given", given))
    assert dataset.class_counts == {"cats": 3, "dogs": 3}


@pytest.mark.parametrize("where", ["", "cats/"])
def test_an_archive_beside_the_unpacked_images_stays_closed(tmp_path, where):
    given = two_classes() | {f"{where}pets.tgz": tarred(two_classes())}
    dataset = add_dataset(write_folder(tmp_path / "given", given))
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert reasons(dataset) == {f"{where}pets.tgz": BESIDE_IMAGES}


BAD = {
    "cut short": zipped(two_classes())[:200],
    "empty": b"",
    "rar": b"Rar!\x1a\x07\0" + bytes(99),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(99),
    "a bomb": zipped({f"cats/{number}.bmp": bytes(9 * 1024**2) for number in range(3)}),
    "a tar bomb": tarred({"cats/0.bmp": bytes(30 * 1024**2)}),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("as_zip", [True, False], ids=["in a zip", "in a folder"])
def test_one_that_cannot_be_opened_costs_nothing_else(tmp_path, bad, as_zip):
    given = {"train.zip": zipped(two_classes()), "other.zip": bad}
    (tmp_path / "given.zip").write_bytes(zipped(given))
    folder = write_folder(tmp_path / "given", given)
    dataset = add_dataset(tmp_path / "given.zip" if as_zip else folder)
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert list(reasons(dataset)) == ["other.zip"]


def test_an_archive_three_levels_down_is_told(tmp_path):
    inner = zipped({"cats/deep.zip": zipped(two_classes())} | two_classes(prefix="more/"))
    (tmp_path / "given.zip").write_bytes(zipped({"train.zip": inner}))
    dataset = add_dataset(tmp_path / "given.zip")
    assert reasons(dataset) == {"train/cats/deep.zip": TOO_DEEP}
    assert dataset.class_counts == {"cats": 3, "dogs": 3}


def test_files_in_all_archives_together_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "MOST_FILES", 10)
    given = {name: zipped(two_classes(prefix=f"{name}/")) for name in ("1.zip", "2.zip")}
    dataset = add_dataset(write_folder(tmp_path / "given", given))
    assert dataset.image_count == 6
    assert reasons(dataset) == {"2.zip": "12 members; the limit is 10"}


def test_bytes_in_all_archives_together_are_limited(home, tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "LARGEST_TOTAL_BYTES", 1500)
    given = {"1.zip": zipped({"0.bin": bytes(1000)}), "2.tgz": tarred({"0.bin": bytes(1000)})}
    with open_source(write_folder(tmp_path / "given", given)) as listing:
        assert [raw.path for raw in listing.files] == ["1/0.bin"]
        assert "the limit is 0 GiB" in listing.refused[0].reason
    assert files_below(home) == {}


def test_a_bomb_of_bombs_is_measured_by_the_outer_archive(tmp_path, monkeypatch):
    """Each level alone stays below the ratio."""
    monkeypatch.setattr(members, "RATIO_MATTERS_FROM_BYTES", 100_000)
    swelling = zipped({"0.bmp": bytes(60_000) + np.random.default_rng(0).bytes(400)})
    inner = {f"{number:03}.zip": swelling for number in range(100)}
    (tmp_path / "given.tgz").write_bytes(tarred(inner))
    assert len(swelling) * 200 > 60_400
    with open_source(tmp_path / "given.tgz") as listing:
        assert len(listing.files) < 100
        assert "times its size" in listing.refused[-1].reason


def test_archives_dropped_together_are_one_source():
    dropped = {
        "cats-001.zip": zipped(numbered("pets/cats", 2)),
        "cats-002.zip": zipped(numbered("pets/cats", 2, 2) | numbered("pets/dogs")),
    }
    kept = keep_upload("a1", [(name, io.BytesIO(data)) for name, data in dropped.items()])
    dataset = add_dataset(kept.path)
    assert dataset.class_counts == {"cats": 4, "dogs": 3}
    assert dataset.health.quarantined == ()


def test_an_archive_in_one_of_those_dropped_together_is_still_opened():
    kaggle = zipped({"train.zip": zipped(two_classes(prefix="train/"))})
    files = [("pets.zip", io.BytesIO(kaggle)), ("about.txt", io.BytesIO(b"About."))]
    assert add_dataset(keep_upload("a1", files).path).class_counts == {"cats": 3, "dogs": 3}


def test_the_same_archive_twice_counts_once(tmp_path):
    given = {"pets.zip": zipped(two_classes()), "pets (1).zip": zipped(two_classes())}
    dataset = add_dataset(write_folder(tmp_path / "given", given))
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.health.notes[0].startswith("Left out: 6 files ")


def test_nothing_but_bad_archives_is_told(tmp_path):
    folder = write_folder(tmp_path / "given", {"a.zip": b"PK\3\4", "b.7z": b"7z\xbc\xaf\x27\x1c"})
    with pytest.raises(BadInput, match=r"a\.zip: the zip is damaged.* b\.7z: this is a 7-Zip"):
        add_dataset(folder)

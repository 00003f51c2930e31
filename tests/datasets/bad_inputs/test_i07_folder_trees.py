"""I7: what systems leave behind, wrapping folders, deeper folders, pictures beside the classes.

The trees that people really have are in ``test_new_user_trees.py``.
"""

import shutil
from pathlib import Path

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading.class_folders import EMPTY
from core.datasets.reading.raw_files import NOT_DOWNLOADED
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip, reasons, write_folder
from tests.datasets.pictures import noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
PICTURE = noise_png(7)
LEFT = "Left out: 1 file outside the class folders."

# What is added to two class folders, by what it is: files ignored, notes.
BESIDE = {
    "__MACOSX": ({"__MACOSX/cats/._0.png": PICTURE}, 1, []),
    ".DS_Store": ({".DS_Store": b"x", "cats/.DS_Store": b"x"}, 2, []),
    "Thumbs.db": ({"cats/Thumbs.db": b"x", "dogs/desktop.ini": b"x"}, 2, []),
    "old thumbnails": ({"cats/ehthumbs.db": b"x", "dogs/Thumbs.db:encryptable": b"x"}, 2, []),
    "icons of folders": ({"Icon\r": b"", "cats/Icon\r": b""}, 2, []),
    "thumbnails of a server": (
        {f"{name}/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg": PICTURE for name in ("cats", "dogs")},
        2,
        [],
    ),
    "a bin": ({"#recycle/old/1.png": PICTURE, "$RECYCLE.BIN/S-1/2.png": PICTURE}, 2, []),
    "hidden folder": ({".git/objects/0.png": PICTURE}, 1, []),
    "image in the root": ({"9.png": PICTURE}, 1, [LEFT]),
    "text in the root": ({"README.txt": b"about"}, 1, [LEFT]),
}


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "folder"])
@pytest.mark.parametrize(
    ("extra", "ignored", "notes"), BESIDE.values(), ids=[f"I7-{kind}" for kind in BESIDE]
)
def test_i7_what_is_beside_the_classes_is_ignored_and_said(tmp_path, extra, ignored, notes, as_zip):
    members = two_classes() | extra
    path = tmp_path / "pets"
    path = write_zip(path, members) if as_zip else write_folder(path, members)
    dataset = add_dataset(path)
    assert dataset.file_names == tuple(sorted(two_classes()))
    assert reasons(dataset) == {}
    if as_zip:
        # Hidden folders on a disk are not gone into, so what is in them is not counted.
        assert dataset.health.ignored_files == ignored
    assert dataset.health.notes == tuple(notes)


def test_i7_photos_that_are_still_in_icloud_are_named(tmp_path):
    members = two_classes() | {f"owls/.IMG_{at}.jpg.icloud": b"bplist" for at in (1, 2)}
    dataset = add_zip(tmp_path, members)
    assert dataset.classes == ("cats", "dogs")
    assert reasons(dataset) == {f"owls/.IMG_{at}.jpg.icloud": NOT_DOWNLOADED for at in (1, 2)}
    assert dataset.health.ignored_files == 0


@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_i7_a_class_folder_without_a_file_is_named(tmp_path, kind):
    """One holds nothing, one what a Mac leaves behind; folders elsewhere are no classes."""
    members = two_classes(prefix="all/") | {"all/owls/.DS_Store": b"x"}
    path = write_folder(tmp_path / "pets", members)
    for folder in ("all/fish", "all/cats/old", "raw"):
        (path / folder).mkdir()
    if kind != "folder":
        path = Path(shutil.make_archive(str(tmp_path / "packed"), kind, path))
    dataset = add_dataset(path)
    assert dataset.classes == ("cats", "dogs")
    assert reasons(dataset) == {"all/fish/": EMPTY, "all/owls/": EMPTY}


def test_i7_one_class_beside_an_empty_folder_is_told_of_it(tmp_path):
    path = write_folder(tmp_path / "pets", {"cats/1.png": PICTURE, "cats/2.png": noise_png(8)})
    (path / "dogs").mkdir()
    with pytest.raises(BadInput, match=rf"Found one class \('cats'\).* dogs/: {EMPTY}\. Expected"):
        add_dataset(path)


@pytest.mark.parametrize(
    "prefix", ["pets/", "a/b/c/", "pets/pets/"], ids=["I7-one", "I7-three", "I7-same name twice"]
)
def test_i7_wrapping_folders_are_unwrapped(tmp_path, prefix):
    extra = {f"{prefix}README.txt": b"about", "__MACOSX/pets/._1.png": b"x"}
    dataset = add_zip(tmp_path, two_classes(prefix=prefix) | extra)
    assert dataset.file_names == tuple(sorted(two_classes()))
    assert dataset.health.quarantined == ()
    assert dataset.health.ignored_files == 2
    assert dataset.health.notes == (LEFT,)


def test_i7_deeper_folders_belong_to_their_class(tmp_path):
    dataset = add_zip(tmp_path, two_classes() | {"dogs/small/puppy.png": noise_png(7)})
    assert dataset.class_counts == {"cats": 3, "dogs": 4}


@pytest.mark.parametrize(
    ("first", "second"),
    [("train", "test"), ("Training", "Testing"), ("TRAIN", "val")],
    ids=["I7-train and test", "I7-other words", "I7-train and val"],
)
def test_i7_train_and_test_folders_are_the_split(tmp_path, first, second):
    members = two_classes(prefix=f"{first}/") | {
        f"{second}/cats/0.png": noise_png(50),
        f"{second}/dogs/0.png": noise_png(51),
    }
    dataset = add_zip(tmp_path, members)
    assert dataset.class_counts == {"cats": 4, "dogs": 4}
    named = sorted([first, second])
    assert dataset.health.notes[0] == f"The folders {', '.join(named)} were used as the split."
    in_second = [f"/{second}/" in name for name in dataset.file_names]
    assert dataset.predefined_subsets.tolist() == [2 if tested else 0 for tested in in_second]


def test_i7_pictures_in_no_class_folder_are_explained(tmp_path):
    with pytest.raises(BadInput, match="Expected one folder per class with its images inside"):
        add_zip(tmp_path, {"holiday.png": noise_png(1), "beach.png": noise_png(2)})
    assert list_datasets() == []

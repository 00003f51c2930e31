"""I1: names that lead elsewhere, or that are not what they look like."""

import os

import pytest

from core.datasets.add import add_dataset
from tests.datasets.bad_inputs.making import add_zip, files_below, reasons, write_folder
from tests.datasets.pictures import noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
OUT = "the name leads out of its folder (..)"
ABSOLUTE = "the name is an absolute path"
CONTROL = "the name contains control characters"
STORED = ("index.npz", "manifest.json", "source.bin")
DIRECTION = "the name contains marks that change the reading direction"

NAMES = [
    ("../x.png", "../x.png", OUT),
    ("cats/../../x.png", "cats/../../x.png", OUT),
    ("a\\..\\..\\x.png", "a\\..\\..\\x.png", OUT),
    ("/abs/x.png", "/abs/x.png", ABSOLUTE),
    ("C:\\x\\x.png", "C:\\x\\x.png", ABSOLUTE),
    ("c:x.png", "c:x.png", ABSOLUTE),
    ("\\\\host\\share\\x.png", "\\\\host\\share\\x.png", ABSOLUTE),
    ("cats/\x07.png", "cats/\\x07.png", CONTROL),
    ("cats/\x1b[31m.png", "cats/\\x1b[31m.png", CONTROL),
    ("cats/a\nb.png", "cats/a\\nb.png", CONTROL),
    ("cats/\u202egnp.exe", "cats/\\u202egnp.exe", DIRECTION),
    ("ca\u2066ts/x.png", "ca\\u2066ts/x.png", DIRECTION),
    ("cats/ /x.png", "cats/ /x.png", "a blank name"),
]


@pytest.mark.parametrize(
    ("name", "shown", "reason"), NAMES, ids=[f"I1-{shown}" for _, shown, _ in NAMES]
)
def test_i1_a_hostile_name_is_refused_and_the_others_kept(home, tmp_path, name, shown, reason):
    dataset = add_zip(tmp_path, two_classes() | {name: noise_png(9)})
    assert reasons(dataset) == {shown: reason}
    assert dataset.file_names == tuple(sorted(two_classes()))
    assert set(files_below(tmp_path)) == {
        "upload.zip",
        "home/locks/datasets.lock",
        *(f"home/datasets/{dataset.id[:16]}/{stored}" for stored in STORED),
    }
    assert dataset.folder.parent == home / "datasets"


def test_i1_a_nul_in_a_member_name_is_refused(tmp_path):
    path = write_zip(tmp_path / "nul.zip", two_classes() | {"cats/a_.png": noise_png(8)})
    path.write_bytes(path.read_bytes().replace(b"cats/a_.png", b"cats/a\0.png"))
    assert reasons(add_dataset(path)) == {"cats/a\\x00.png": CONTROL}


def test_i1_hostile_names_in_a_folder(tmp_path):
    hostile = {"cats/\x07.png": noise_png(8), "cats/\u202egnp.exe": noise_png(9)}
    root = write_folder(tmp_path / "pets", two_classes() | hostile)
    (root / "cats" / os.fsdecode(b"\xff.png")).write_bytes(noise_png(10))
    dataset = add_dataset(root)
    assert reasons(dataset) == {"cats/\\x07.png": CONTROL, "cats/\\u202egnp.exe": DIRECTION}
    # A name that is no text is shown with a mark in its place.
    assert dataset.file_names[3] == "cats/\ufffd.png"


def test_i1_a_folder_whose_own_name_is_no_text(tmp_path):
    root = write_folder(tmp_path / os.fsdecode(b"pets\xff"), two_classes())
    dataset = add_dataset(root, "pets")
    assert dataset.provenance == "added from pets\\udcff"

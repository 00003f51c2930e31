"""I5: names that a file system would take for one another, or for a device."""

import zipfile

import pytest

from core.datasets.add import add_dataset
from tests.datasets.bad_inputs.making import files_below
from tests.datasets.pictures import noise_png

pytestmark = pytest.mark.usefixtures("home")

TWINS = {
    "same name": ["cats/a.png", "cats/a.png"],
    "letter case": ["cats/A.png", "cats/a.png"],
    "NFC and NFD": ["cats/caf\u00e9.png", "cats/cafe\u0301.png"],
    "device name": ["cats/CON.png", "cats/con.png"],
    "trailing dots": ["cats/x.png", "cats/x.png."],
    "point folder": ["cats/x.png", "./cats//x.png"],
}
SHOWN = {"NFC and NFD": ["cats/caf\u00e9.png"] * 2, "point folder": ["cats/x.png"] * 2}


@pytest.mark.parametrize("kind", TWINS, ids=[f"I5-{kind}" for kind in TWINS])
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_i5_twins_are_both_kept_and_nothing_is_overwritten(tmp_path, kind):
    path = tmp_path / "twins.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate([*TWINS[kind], "dogs/1.png"]):
            archive.writestr(name, noise_png(number))
    dataset = add_dataset(path)
    assert dataset.image_count == 3
    assert sorted(dataset.file_names[:2]) == sorted(SHOWN.get(kind, TWINS[kind]))
    assert len(set(dataset.groups.tolist())) == 3
    assert set(files_below(dataset.folder)) == {"index.npz", "manifest.json", "source.bin"}

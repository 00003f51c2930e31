"""I14: too large a file, very many files, the same upload again, half an upload.

What the web server does with an upload before it is read is in the tests of imports.
"""

import shutil

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import raw_files
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip, files_below, reasons, write_folder
from tests.datasets.pictures import noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("as_zip", [True, False], ids=["I14-in a zip", "I14-in a folder"])
def test_i14_a_file_over_the_limit(tmp_path, monkeypatch, as_zip):
    assert raw_files.LARGEST_FILE_BYTES == 100 * 1024**2
    monkeypatch.setattr(raw_files, "LARGEST_FILE_BYTES", 1024**2)
    members = two_classes() | {"cats/big.png": np.random.default_rng(0).bytes(1024**2 + 1)}
    write = write_zip if as_zip else write_folder
    dataset = add_dataset(write(tmp_path / "pets", members))
    assert reasons(dataset) == {"cats/big.png": "larger than 1 MiB"}


def test_i14_a_file_that_grows_while_it_is_read(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "pets", two_classes())
    growing = root / "cats/0.png"
    original = raw_files.RawFile.read

    def read(raw):
        if raw.path == "cats/0.png":
            growing.write_bytes(growing.read_bytes() + b"more")
        return original(raw)

    monkeypatch.setattr(raw_files.RawFile, "read", read)
    dataset = add_dataset(root)
    assert reasons(dataset) == {"cats/0.png": "longer than declared; is it still being written?"}


def test_i14_5000_files_at_once(tmp_path):
    members = {f"{'cats' if n % 2 else 'dogs'}/{n}.png": noise_png(n, 6) for n in range(5000)}
    dataset = add_zip(tmp_path, members)
    assert dataset.class_counts == {"cats": 2500, "dogs": 2500}
    assert len(set(dataset.groups.tolist())) == 5000


@pytest.mark.parametrize(
    ("first", "again"),
    [("zip", "zip"), ("zip", "folder"), ("folder", "zip")],
    ids=["I14-zip again", "I14-folder after zip", "I14-zip after folder"],
)
def test_i14_the_same_upload_twice_is_stored_once(home, tmp_path, first, again):
    stored = []
    for number, kind in enumerate((first, again)):
        (tmp_path / str(number)).mkdir()
        write = write_zip if kind == "zip" else write_folder
        stored.append(add_dataset(write(tmp_path / str(number) / f"pets{number}", two_classes())))
    assert stored[0] == stored[1]
    assert [dataset.name for dataset in list_datasets()] == ["pets0"]
    assert [path.name for path in (home / "datasets").iterdir()] == [stored[0].id[:16]]


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999], ids=lambda fraction: f"I14-{fraction}")
def test_i14_half_an_upload_leaves_nothing(home, tmp_path, fraction):
    data = write_zip(tmp_path / "whole.zip", two_classes()).read_bytes()
    path = tmp_path / "half.zip"
    path.write_bytes(data[: round(len(data) * fraction)])
    with pytest.raises(BadInput, match=r"^half\.zip: the zip is damaged or cut short"):
        add_dataset(path)
    assert files_below(home) == {}


def test_i14_an_upload_that_vanishes_while_it_is_read(home, tmp_path):
    root = write_folder(tmp_path / "pets", two_classes())

    def vanish(done: int, _: int) -> None:
        if done == 1:
            shutil.rmtree(root)

    # Those that wait to be decoded are in memory already.
    dataset = add_dataset(root, progress=vanish)
    assert dataset.image_count + len(reasons(dataset)) == 6
    assert [path.name for path in (home / "datasets").iterdir()] == [dataset.id[:16]]

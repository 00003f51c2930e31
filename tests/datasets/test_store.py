import io
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.storage import incoming_folder, list_datasets, open_dataset, remove_dataset
from core.errors import HeadstartError, UnknownName
from tests.datasets.pictures import encoded, two_classes, write_zip


def test_open_by_name_id_and_prefix(tiny_dataset):
    for key in ("tiny", tiny_dataset.id, tiny_dataset.id[:8], tiny_dataset.id[:16].upper()):
        assert open_dataset(key) == tiny_dataset
    for key in ("tin", tiny_dataset.id[:7], "", "0" * 64):
        with pytest.raises(UnknownName, match="Known: tiny") as caught:
            open_dataset(key)
        assert caught.value.known == ["tiny"]


def test_no_dataset_yet(home):
    assert list_datasets() == []
    with pytest.raises(UnknownName, match="Known: none yet"):
        open_dataset("x")
    assert not home.exists()


def test_remove(tiny_dataset):
    remove_dataset("tiny")
    assert list_datasets() == []
    assert not tiny_dataset.folder.exists()
    with pytest.raises(UnknownName):
        remove_dataset("tiny")


def test_a_dataset_called_like_the_id_of_another_hides_nothing(tiny_dataset, tmp_path):
    other = add_dataset(write_zip(tmp_path / "pets.zip", two_classes()), tiny_dataset.id)
    assert open_dataset(tiny_dataset.id) == tiny_dataset
    remove_dataset(tiny_dataset.id)
    assert list_datasets() == [other]
    assert open_dataset(tiny_dataset.id) == other


def test_a_cut_source_is_noticed(tiny_dataset, caplog):
    source = tiny_dataset.folder / "source.bin"
    source.write_bytes(source.read_bytes()[:-10])
    with pytest.raises(HeadstartError, match=r"damaged .*Remove it and add it again"):
        open_dataset("tiny")
    assert list_datasets() == []
    assert "dataset left out of the list" in caplog.text
    with pytest.raises(HeadstartError, match="cut short"):
        tiny_dataset.image(59)
    remove_dataset("tiny")
    assert not tiny_dataset.folder.exists()


def stored_arrays(dataset):
    with np.load(dataset.folder / "index.npz") as archive:
        return {name: archive[name] for name in archive.files}


def test_a_dataset_stored_before_grey_and_one_colour_were_looked_at_opens(tiny_dataset):
    index = stored_arrays(tiny_dataset)
    for name in ("grey", "one_colour", "look_alikes"):
        del index[name]
    np.savez(tiny_dataset.folder / "index.npz", **index)
    opened = open_dataset("tiny")
    assert not (opened.grey | opened.one_colour | opened.look_alikes).any()
    assert len(opened.grey) == opened.image_count


def test_arrays_under_their_names_of_the_first_edition_are_read(tiny_dataset):
    index = stored_arrays(tiny_dataset)
    del index["one_colour"]
    count = tiny_dataset.image_count
    index["plain"] = np.arange(count) == 1
    index["given_sides"] = np.arange(count, dtype=np.int8) % 3
    np.savez(tiny_dataset.folder / "index.npz", **index)
    opened = open_dataset("tiny")
    assert np.flatnonzero(opened.one_colour).tolist() == [1]
    assert opened.predefined_subsets.tolist()[:4] == [0, 1, 2, 0]


@pytest.mark.parametrize("name", ["manifest.json", "index.npz"])
def test_a_damaged_file_hides_only_its_dataset_and_adding_again_mends(
    tiny_dataset, tiny_folder, tmp_path, name
):
    other = add_dataset(write_zip(tmp_path / "pets.zip", two_classes()))
    path = tiny_dataset.folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert list_datasets() == [other]
    again = add_dataset(tiny_folder, "tiny")
    assert again.id == tiny_dataset.id
    assert [dataset.name for dataset in list_datasets()] == ["pets", "tiny"]


def test_what_killed_processes_left_is_swept_and_the_work_of_others_kept(home, tiny_folder):
    names = (".incoming-killed", ".removed-old", ".removed-young")
    killed, old, young = (home / "datasets" / name for name in names)
    for folder in (killed, old, young):
        folder.mkdir(parents=True)
    long_ago = time.time() - 2 * 3600
    os.utime(old, (long_ago, long_ago))
    with incoming_folder(0) as at_work:
        add_dataset(tiny_folder)
        assert at_work.exists()
    assert not killed.exists()
    assert not old.exists()
    assert young.exists()


def test_thumbnails(tiny_dataset, digits):
    shrunk = Image.open(io.BytesIO(tiny_dataset.thumbnail(0, 20)))
    assert (shrunk.format, shrunk.size) == ("PNG", (20, 16))
    enlarged = Image.open(io.BytesIO(digits.thumbnail(0, 64)))
    assert enlarged.size == (64, 64)
    assert enlarged.getpixel((24, 7)) == enlarged.getpixel((31, 0)) == (207, 207, 207)


@pytest.mark.usefixtures("home")
def test_thumbnails_carry_no_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    data = encoded(Image.new("RGB", (40, 20), "red"), "JPEG", exif=exif)
    dataset = add_dataset(write_zip(tmp_path / "gps.zip", two_classes() | {"cats/gps.jpg": data}))
    position = dataset.file_names.index("cats/gps.jpg")
    assert (dataset.widths[position], dataset.heights[position]) == (20, 40)
    thumbnail = Image.open(io.BytesIO(dataset.thumbnail(position, 32)))
    assert thumbnail.size == (16, 32)
    assert dict(thumbnail.getexif()) == {}
    assert thumbnail.info == {}


def _add(path: Path, home: Path, results: "multiprocessing.Queue[str]") -> None:
    os.environ["HEADSTART_HOME"] = str(home)
    results.put(add_dataset(path).id)


def test_processes_that_add_the_same_at_once_store_it_once(home, tiny_folder):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    children = [context.Process(target=_add, args=(tiny_folder, home, results)) for _ in range(3)]
    for child in children:
        child.start()
    ids = {results.get(timeout=60) for _ in children}
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert len(ids) == 1
    assert [path.name for path in (home / "datasets").iterdir()] == [ids.pop()[:16]]

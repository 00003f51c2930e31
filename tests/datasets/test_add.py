import io
import json

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset, add_pixels
from core.datasets.storage import list_datasets
from core.errors import BadInput, HeadstartError
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


def add_zip(tmp_path, members, name="upload.zip"):
    return add_dataset(write_zip(tmp_path / name, members))


def reasons(dataset):
    return {entry.file: entry.reason for entry in dataset.health.quarantined}


def test_folder_and_zip_of_the_same_pictures_are_one_dataset(tmp_path):
    members = two_classes()
    for name, data in members.items():
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    from_folder = add_dataset(tmp_path / "pets")
    from_zip = add_dataset(write_zip(tmp_path / "other.zip", members), "another name")
    assert from_folder.name == from_zip.name == "pets"
    assert from_folder == from_zip
    assert len(list_datasets()) == 1


def test_what_is_stored(tmp_path):
    members = two_classes()
    progress = []
    path = write_zip(tmp_path / "pets.zip", members)
    dataset = add_dataset(path, progress=lambda done, total: progress.append((done, total)))
    assert dataset.classes == ("cats", "dogs")
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.labels.dtype == np.int32
    assert dataset.groups.tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.groups.dtype == np.int64
    assert dataset.file_names == tuple(sorted(members))
    assert dataset.heights.tolist() == dataset.widths.tolist() == [12] * 6
    assert dataset.channels == 3
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.majority_class == "cats"
    assert dataset.majority_fraction == 0.5
    assert progress == [(done, 6) for done in range(1, 7)]
    for index, name in enumerate(dataset.file_names):
        stored = np.asarray(dataset.image(index))
        assert (stored == np.asarray(Image.open(io.BytesIO(members[name])))).all()


def test_the_id_changes_with_one_pixel_one_label_or_one_class_name(tmp_path):
    members = two_classes()
    other_pixel = members | {"cats/0.png": noise_png(999)}
    other_name = {name.replace("dogs", "wolves"): data for name, data in members.items()}
    moved = dict(members)
    moved["dogs/00.png"] = moved.pop("cats/2.png")
    ids = {
        add_zip(tmp_path, given, f"{number}.zip").id
        for number, given in enumerate([members, other_pixel, other_name, moved])
    }
    assert len(ids) == 4


def test_the_same_pixels_saved_again_are_the_same_dataset(tmp_path):
    members = two_classes()
    again = {name: encoded(Image.open(io.BytesIO(data)), "BMP") for name, data in members.items()}
    assert add_zip(tmp_path, members, "a.zip") == add_zip(tmp_path, again, "b.zip")


def test_there_is_nothing_at_the_path(tmp_path):
    with pytest.raises(BadInput, match="There is no folder or zip"):
        add_dataset(tmp_path / "absent")


def test_grey_pictures_make_a_grey_dataset(tmp_path):
    grey = {
        name: encoded(Image.open(io.BytesIO(data)).convert("L"))
        for name, data in two_classes().items()
    }
    assert add_zip(tmp_path, grey).channels == 1


def test_names(tmp_path):
    members = two_classes()
    first = add_dataset(write_zip(tmp_path / "pets.zip", members))
    other = write_zip(tmp_path / "sub.zip", members | {"cats/9.png": noise_png(9)})
    with pytest.raises(BadInput, match="already a dataset named 'pets'") as caught:
        add_dataset(other, "pets")
    assert caught.value.field == "name"
    for bad in ("", "   ", "a\nb", "x" * 101):
        with pytest.raises(BadInput, match="cannot be used"):
            add_dataset(other, bad)
    third = add_dataset(other.rename(tmp_path / "pets2.zip"))
    assert (first.name, third.name) == ("pets", "pets2")


def test_a_default_name_that_is_taken_gets_a_number(tmp_path):
    (tmp_path / "b").mkdir()
    add_dataset(write_zip(tmp_path / "pets.zip", two_classes()))
    other = two_classes() | {"cats/9.png": noise_png(9)}
    assert add_dataset(write_zip(tmp_path / "b" / "pets.zip", other)).name == "pets (2)"


def test_no_room_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "core.datasets.storage.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})
    )
    with pytest.raises(HeadstartError, match=r"has 0\.1 MB free; this dataset would take 0\.1 MB"):
        add_zip(tmp_path, two_classes())


def test_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
    labels = np.array([1, 0, 1, 0, 1, 1])
    dataset = add_pixels(pixels, labels, ["a", "b"], "arrays", "made here")
    assert dataset.labels.tolist() == labels.tolist()
    assert dataset.channels == 1
    assert dataset.provenance == "made here"
    for index in range(6):
        assert (np.asarray(dataset.image(index))[..., 1] == pixels[index]).all()


@pytest.mark.parametrize(
    ("pixels", "classes", "message"),
    [
        (np.zeros((2, 4, 4), np.float32), ["a", "b"], "Expected uint8 pixels"),
        (np.zeros((3, 4, 4), np.uint8), ["a", "b"], "with 2 labels"),
        (np.zeros((2, 4, 4), np.uint8), ["b", "a"], "must be sorted"),
    ],
)
def test_pixels_that_cannot_be_used(pixels, classes, message):
    with pytest.raises(BadInput) as caught:
        add_pixels(pixels, np.array([0, 1]), classes, "x", "")
    assert message in str(caught.value)


def test_the_manifest_is_plain_json(tmp_path):
    dataset = add_zip(tmp_path, two_classes())
    manifest = json.loads((dataset.folder / "manifest.json").read_text())
    assert manifest["id"] == dataset.id
    assert dataset.folder.name == dataset.id[:16]

"""The exported zip: what is in it, what is not, and that added again it is the same dataset."""

import csv
import io
import json
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset, add_pixels
from core.datasets.export import export_zip, quarantine_csv
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.datasets.storage import remove_dataset
from core.datasets.versions import Changes, make_version
from core.errors import HeadstartError
from tests.datasets.bad_inputs.test_i11_kinds_of_pixels import GOLDEN
from tests.datasets.decoding.test_metadata import SECRETS, exif_with_a_place, photo, with_secrets
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


def exported(dataset):
    buffer = io.BytesIO()
    export_zip(dataset, buffer)
    return buffer.getvalue()


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def rows_of(data):
    text = members_of(data)["labels.csv"].decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def added_again(dataset, tmp_path, monkeypatch):
    """The export of a dataset, added in a home where nothing is."""
    path = tmp_path / "again.zip"
    path.write_bytes(exported(dataset))
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "other home"))
    return add_dataset(path)


def content_of(dataset):
    """Every image with its class and subset, in order."""
    subsets = dataset.predefined_subsets
    return [
        (
            dataset.classes[dataset.labels[index]],
            None if subsets is None else int(subsets[index]),
            dataset.image(index).size,
            np.asarray(dataset.image(index)).tobytes(),
        )
        for index in range(dataset.image_count)
    ]


def noise(seed, side=12):
    return np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)


def of_classes(names, images=2):
    """A dataset with these classes, whatever they are called."""
    classes = sorted(names)
    labels = np.repeat(np.arange(len(classes)), images)
    pixels = np.stack([noise(seed) for seed in range(len(labels))])
    return add_pixels(pixels, labels, classes, "named", "made here")


def photos(orientation=1, **options):
    """Photographs in two classes: small, and so large that they are looked at reduced."""
    return {
        f"{name}/{side}.jpg": with_secrets(
            encoded(
                photo((side, side - 10)).rotate(40 * number),
                "JPEG",
                exif=exif_with_a_place(orientation),
                quality=85 + number,
                **options,
            )
        )
        for number, name in enumerate(("cats", "dogs"))
        for side in (40, 300)
    }


def test_what_is_in_it(tmp_path):
    members = two_classes(2)
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    data = exported(dataset)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
    assert list(members_of(data)) == [
        "cats/0-0.png", "cats/1-1.png", "dogs/2-0.png", "dogs/3-1.png", "labels.csv",
        "headstart.json",
    ]  # fmt: skip
    assert members_of(data)["labels.csv"] == (
        b"file,label\r\ncats/0-0.png,cats\r\ncats/1-1.png,cats\r\n"
        b"dogs/2-0.png,dogs\r\ndogs/3-1.png,dogs\r\n"
    )
    assert exported(dataset) == data


def test_progress_is_reported(tmp_path):
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", two_classes(2)))
    reported = []
    export_zip(dataset, io.BytesIO(), lambda done, total: reported.append((done, total)))
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_target_that_cannot_be_sought_is_served_as_well(tmp_path):
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", two_classes(2)))
    read, write = os.pipe()
    with os.fdopen(write, "wb") as target:
        export_zip(dataset, target)
    with os.fdopen(read, "rb") as source:
        assert members_of(source.read()) == members_of(exported(dataset))


def test_png_and_other_formats_come_back_the_same(tmp_path, monkeypatch):
    members = two_classes(3)
    for number, kind in enumerate(("BMP", "GIF", "WEBP")):
        picture = Image.open(io.BytesIO(noise_png(70 + number)))
        members[f"dogs/{kind}.{kind.lower()}"] = encoded(picture, kind)
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    again = added_again(dataset, tmp_path, monkeypatch)
    assert again.id == dataset.id
    assert content_of(again) == content_of(dataset)
    assert again.health.quarantined == ()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_jpegs_come_back_the_same_and_without_a_place(
    tmp_path, monkeypatch, orientation, progressive
):
    members = photos(orientation, progressive=progressive)
    dataset = add_dataset(write_zip(tmp_path / "photos.zip", members))
    data = exported(dataset)
    assert list(members_of(data))[:2] == ["cats/0-300.jpg", "cats/1-40.jpg"]
    if orientation == 1:
        assert not any(secret in data for secret in SECRETS)
    assert b"GPS-PLACE" not in data
    for name, picture in members_of(data).items():
        if not name.endswith((".csv", ".json")):
            left = dict(Image.open(io.BytesIO(picture)).getexif())
            assert left == ({} if orientation == 1 else {0x0112: orientation})
    again = added_again(dataset, tmp_path, monkeypatch)
    assert again.id == dataset.id
    assert content_of(again) == content_of(dataset)


def test_a_jpeg_that_only_pillow_can_read_becomes_a_png(tmp_path, monkeypatch):
    whole = encoded(photo((40, 30)), "JPEG")
    odd = whole[:20] + b"between the segments" + whole[20:]
    members = two_classes(2) | {"cats/odd.jpg": odd}
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    assert dataset.health.quarantined == ()
    assert "cats/2-odd.png" in members_of(exported(dataset))
    assert added_again(dataset, tmp_path, monkeypatch).id == dataset.id


@pytest.mark.parametrize(("data", "expected"), GOLDEN.values(), ids=[f"I11-{k}" for k in GOLDEN])
def test_i11_every_kind_of_pixels_leaves_as_people_see_it(tmp_path, monkeypatch, data, expected):
    name = "cats/x.tif" if data.startswith(b"II*") else "cats/x.png"
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", two_classes() | {name: data}))
    again = added_again(dataset, tmp_path, monkeypatch)
    picture = again.image(dataset.file_names.index(name))
    assert picture.getpixel((8, 8)) == expected
    assert again.id == dataset.id


def test_i11_no_place_leaves_in_any_format(tmp_path):
    picture = photo((40, 30))
    place = exif_with_a_place(6)
    members = two_classes() | {
        "cats/a.jpg": with_secrets(encoded(picture, "JPEG", exif=place)),
        "cats/b.png": encoded(picture, "PNG", exif=place),
        "cats/c.webp": encoded(picture, "WEBP", exif=place, xmp=b"<x>GPS-PLACE</x>"),
        "cats/d.tif": encoded(picture, "TIFF", exif=place),
        "cats/e.gif": encoded(picture.quantize(), "GIF", comment=b"GPS-PLACE"),
    }
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    assert dataset.image_count == 11
    data = exported(dataset)
    assert b"GPS-PLACE" not in data
    for name, picture_bytes in members_of(data).items():
        if not name.endswith((".csv", ".json")):
            opened = Image.open(io.BytesIO(picture_bytes))
            assert opened.getexif().get_ifd(0x8825) == {}
            assert set(opened.info) <= {
                "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "exif",
            }  # fmt: skip


def test_pixels_come_back_the_same(digits, tmp_path, monkeypatch):
    again = added_again(digits, tmp_path, monkeypatch)
    assert again.id == digits.id
    assert again.channels == 1
    assert json.loads(members_of(exported(digits))["headstart.json"]) == {
        "class names": {},
        "in the order of file names": True,
    }


def test_drawings_come_back_the_same(themes16, tmp_path, monkeypatch):
    few = make_version(themes16, Changes(drop_classes=themes16.classes[3:]))
    again = added_again(few, tmp_path, monkeypatch)
    assert again.id == few.id
    assert (again.groups == few.groups).all()


@pytest.mark.parametrize("folders", [("train", "test"), ("Training", "valid", "testing")])
def test_a_given_split_comes_back(tmp_path, monkeypatch, folders):
    members = {
        f"{folder}/{name}/{position}.png": noise_png(1000 * number + 100 * kind + position)
        for number, folder in enumerate(folders)
        for kind, name in enumerate(("cats", "dogs"))
        for position in range(3)
    }
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    data = exported(dataset)
    subsets = ["train", "test"] if len(folders) == 2 else ["train", "validation", "test"]
    assert {name.split("/")[0] for name in members_of(data) if "/" in name} == set(subsets)
    assert {row["split"] for row in rows_of(data)} == set(subsets)
    assert all(row["file"].startswith(f"{row['split']}/{row['label']}/") for row in rows_of(data))
    again = added_again(dataset, tmp_path, monkeypatch)
    assert again.id == dataset.id
    assert content_of(again) == content_of(dataset)


def test_a_version_comes_back(tmp_path, monkeypatch):
    members = two_classes(3) | {"kittens/0.png": noise_png(500), "kittens/1.png": noise_png(501)}
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    made = make_version(dataset, Changes(merge_classes=(("kittens", "cats"),), drop_images=(1,)))
    again = added_again(made, tmp_path, monkeypatch)
    assert again.id == made.id
    assert again.class_counts == {"cats": 4, "dogs": 3}


def test_who_edits_the_export_gets_what_they_see(tmp_path):
    dataset = of_classes(["=cmd()", "dogs", "owls"], images=4)
    members = members_of(exported(dataset))
    table = members["labels.csv"].decode()
    members["labels.csv"] = table.replace("03.png,'=cmd()", "03.png,wolves").encode()
    edited = write_zip(tmp_path / "edited.zip", members)
    with pytest.raises(ReadingUnclear, match=r"of labels\.csv; \(2\) The classes are the folders"):
        add_dataset(edited)
    again = add_dataset(edited, choice=Choice(classes_from="labels.csv"))
    assert again.class_counts == {"=cmd()": 3, "dogs": 4, "owls": 4, "wolves": 1}
    flat = {name.rpartition("/")[2]: data for name, data in members.items()}
    assert add_dataset(write_zip(tmp_path / "flat.zip", flat)).class_counts == again.class_counts
    del members["labels.csv"]
    folder = next(name for name in members if "cmd" in name).split("/")[0]
    members[f"{folder}/new.png"] = noise_png(900)
    again = add_dataset(write_zip(tmp_path / "folders.zip", members))
    assert again.class_counts == {"=cmd()": 5, "dogs": 4, "owls": 4}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b'{"class names": 3}', b'{"class names": {"cats": 3}}', b"\xff\xfe",
     b"[" * 100_000, b'{"class names": {"cats": ""}, "in the order of file names": false}',
     b'{"class names": {"cats": "x\\u0000"}, "in the order of file names": 1}',
     b'{"class names": {}, "in the order of file names": true, "levels": {"whole": [9, 1]}}',
     b'{"class names": {}, "in the order of file names": true, "levels": {"whole": [1, Infinity]}}',
     b'{"class names": {}, "in the order of file names": true, "levels": {"other": [1, 9]}}'],
)  # fmt: skip
def test_notes_that_are_not_ours_change_nothing(tmp_path, content):
    one_colour = add_dataset(write_zip(tmp_path / "plain.zip", two_classes(3)))
    members = two_classes(3) | {"headstart.json": content}
    assert add_dataset(write_zip(tmp_path / "notes.zip", members)) == one_colour


def test_a_dataset_that_was_removed_is_an_error(tmp_path):
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", two_classes(2)))
    remove_dataset(dataset.name)
    with pytest.raises(HeadstartError, match="The dataset 'pets' was removed"):
        export_zip(dataset, io.BytesIO())


def test_memory_stays_flat(tmp_path):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (40, 600, 600, 3), np.uint8)
    dataset = add_pixels(pixels, np.arange(40) % 2, ["a", "b"], "large", "made here")
    del pixels
    with open(tmp_path / "out.zip", "wb") as target:
        tracemalloc.start()
        export_zip(dataset, target)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tmp_path / "out.zip").stat().st_size > 40e6
    assert peak < 10e6


def test_the_list_of_what_could_not_be_used(tmp_path):
    members = two_classes(2) | {
        "cats/=cmd().png": b"<html>no picture</html>",
        "cats/plain, name.png": b"",
        "-dogs/é.png": b"%PDF-1.7",
    }
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    lines = quarantine_csv(dataset).decode().split("\r\n")
    assert lines[0] == "file,reason"
    assert lines[-1] == ""
    rows = {line.rsplit(",", 1)[0]: line for line in lines[1:-1]}
    assert '"cats/plain, name.png",the file is empty' in lines
    assert len(rows) == 3
    assert any(line.startswith("'-dogs/é.png,") for line in lines)


def test_nothing_left_out_is_an_empty_list(tmp_path):
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", two_classes(2)))
    assert quarantine_csv(dataset) == b"file,reason\r\n"


def test_classes_that_were_once_settled_are_not_asked_about_again(tmp_path, monkeypatch):
    """Each of these names would raise a question in an upload that Headstart did not write."""
    for number, names in enumerate(
        [["16x16", "32x32"], ["before", "after"], ["2024-01", "2024-02"]]
    ):
        dataset = of_classes(names, images=4)
        folder = tmp_path / str(number)
        folder.mkdir()
        again = added_again(dataset, folder, monkeypatch)
        assert (again.id, again.classes) == (dataset.id, dataset.classes)

import io
import json
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.datasets import archive, raw_files
from core.datasets.add import add_pixels
from core.datasets.store import add_dataset, list_datasets, open_dataset
from core.errors import BadInput, HeadstartError
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


def add_zip(tmp_path, members, name="upload.zip"):
    return add_dataset(write_zip(tmp_path / name, members))


def reasons(dataset):
    return {entry["file"]: entry["reason"] for entry in dataset.health["quarantined"]}


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
    assert dataset.majority_share == 0.5
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


@pytest.mark.parametrize("prefix", ["pets/", "a/b/c/"])
def test_wrapping_folders_are_unwrapped(tmp_path, prefix):
    extra = {
        "MANIFEST.csv": b"file",
        f"{prefix}README.txt": b"about",
        "__MACOSX/pets/._1.png": b"x",
    }
    extra[f"{prefix}cats/.DS_Store"] = b"x"
    dataset = add_zip(tmp_path, two_classes(prefix=prefix) | extra)
    assert dataset.file_names == tuple(sorted(two_classes()))
    assert dataset.health["quarantined"] == []
    assert dataset.health["ignored_files"] == 4
    assert dataset.health["notes"] == ["2 file(s) outside the class folders were left out."]


def test_deeper_folders_belong_to_their_class(tmp_path):
    dataset = add_zip(tmp_path, two_classes() | {"dogs/small/puppy.png": noise_png(7)})
    assert dataset.class_counts == {"cats": 3, "dogs": 4}


def test_train_and_test_folders_are_the_split(tmp_path):
    members = two_classes(prefix="train/") | {
        "test/cats/0.png": noise_png(50),
        "test/dogs/0.png": noise_png(51),
    }
    dataset = add_zip(tmp_path, members)
    assert dataset.class_counts == {"cats": 4, "dogs": 4}
    assert dataset.file_names[0] == "cats/test/0.png"
    assert dataset.given_sides.tolist() == [2, 0, 0, 0, 2, 0, 0, 0]
    assert dataset.health["notes"] == ["The folders test, train were taken as the split."]


HOSTILE_NAMES = {
    "../x.png": "leads out of its folder",
    "/abs/x.png": "absolute path",
    "C:\\x\\x.png": "absolute path",
    "a\\..\\..\\x.png": "leads out of its folder",
    "\\\\host\\share\\x.png": "absolute path",
    "cats/\x07.png": "control characters",
    "cats/\u202egnp.exe": "reading direction",
    "cats/" + "n" * 300 + ".png": "longer than 255",
    "/".join(["deep"] * 40) + "/x.png": "more than 20 folders deep",
    "cats/ /x.png": "blank name",
    "cats/nested.zip": "an archive inside the archive",
    "cats/page.jpg": "a web page",
}


def test_hostile_members_are_refused_and_the_others_kept(tmp_path):
    contents = dict.fromkeys(HOSTILE_NAMES, b"<html>")
    dataset = add_zip(tmp_path, two_classes() | contents)
    assert dataset.image_count == 6
    listed = [entry["reason"] for entry in dataset.health["quarantined"]]
    assert len(listed) == len(HOSTILE_NAMES)
    for reason in HOSTILE_NAMES.values():
        assert any(reason in said for said in listed)
    assert all(entry["file"].isprintable() for entry in dataset.health["quarantined"])
    assert not any("n" * 200 in entry["file"] for entry in dataset.health["quarantined"])


def test_a_nul_in_a_member_name_is_refused(tmp_path):
    path = write_zip(tmp_path / "nul.zip", two_classes() | {"cats/a_.png": noise_png(8)})
    path.write_bytes(path.read_bytes().replace(b"cats/a_.png", b"cats/a\0.png"))
    assert reasons(add_dataset(path)) == {"cats/a\\x00.png": "the name holds control characters"}


def test_links_are_refused(tmp_path):
    path = write_zip(tmp_path / "links.zip", two_classes())
    with zipfile.ZipFile(path, "a") as archive_file:
        link = zipfile.ZipInfo("cats/link.png")
        link.external_attr = 0o120777 << 16
        archive_file.writestr(link, "/etc/passwd")
    assert reasons(add_dataset(path)) == {"cats/link.png": "a link or device, not a file"}


def test_links_in_a_folder_are_refused(tmp_path, tiny_folder):
    for name, data in two_classes().items():
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(data)
    (tmp_path / "pets/cats/link.png").symlink_to(tiny_folder / "red" / "00.png")
    (tmp_path / "pets/birds").symlink_to(tiny_folder / "red")
    dataset = add_dataset(tmp_path / "pets")
    assert dataset.classes == ("cats", "dogs")
    assert set(reasons(dataset)) == {"birds", "cats/link.png"}


def test_a_member_with_a_bad_checksum_is_quarantined(tmp_path):
    members = two_classes()
    path = tmp_path / "crc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive_file:
        for name, data in members.items():
            archive_file.writestr(name, data)
    data = bytearray(path.read_bytes())
    at = data.index(members["cats/1.png"]) + 60
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    dataset = add_dataset(path)
    assert dataset.image_count == 5
    assert list(reasons(dataset)) == ["cats/1.png"]
    assert "cannot be read, or damaged (Bad CRC-32" in reasons(dataset)["cats/1.png"]


def set_encrypted(data: bytes) -> bytes:
    changed = bytearray(data)
    at = changed.find(b"PK\x01\x02")
    while at >= 0:
        changed[at + 8] |= 1
        at = changed.find(b"PK\x01\x02", at + 1)
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: b"", "the file is empty"),
        (lambda data: data[: len(data) // 2], "damaged or cut short"),
        (lambda data: b"Rar!\x1a\x07" + data, "this is a RAR archive"),
        (lambda _: b"\x1f\x8b\x08", "this is a gzip"),
        (lambda _: b"\0no zip", "not a zip archive"),
        (set_encrypted, "encrypted"),
    ],
    ids=["empty", "truncated", "rar", "gzip", "other", "encrypted"],
)
def test_archives_that_cannot_be_used(tmp_path, change, message):
    path = write_zip(tmp_path / "x.zip", two_classes())
    data = change(path.read_bytes())
    # A signature in front of a real zip still opens as one: cut the directory off.
    path.write_bytes(data[:-40] if data.startswith(b"Rar!") else data)
    with pytest.raises(BadInput) as caught:
        add_dataset(path)
    assert message in str(caught.value)
    assert caught.value.field == "path"
    assert list_datasets() == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "the zip is empty"),
        ({"cats/readme.txt": b"no picture"}, "None of the files is a picture"),
        ({"1.png": noise_png(1)}, "The pictures lie in no class folder"),
        ({"__MACOSX/cats/1.png": noise_png(1)}, "There is no picture in it"),
        ({f"cats/{n}.png": noise_png(n) for n in range(4)}, "Found one class ('cats')"),
    ],
)
def test_zips_without_two_classes_of_pictures(tmp_path, members, message):
    with pytest.raises(BadInput) as caught:
        add_zip(tmp_path, members)
    assert message in str(caught.value)
    assert list_datasets() == []


def test_nothing_is_left_behind_by_a_refused_upload(tmp_path, home):
    with pytest.raises(BadInput):
        add_zip(tmp_path, {f"cats/{n}.png": noise_png(n) for n in range(4)})
    assert list((home / "datasets").iterdir()) == []


def test_there_is_nothing_at_the_path(tmp_path):
    with pytest.raises(BadInput, match="There is no folder or zip"):
        add_dataset(tmp_path / "absent")


def test_bombs_are_refused_before_anything_is_unpacked(tmp_path):
    small_ones = {f"cats/{number}.bmp": bytes(9 * 1024**2) for number in range(3)}
    with pytest.raises(BadInput, match="times its size; the limit is 200 times"):
        add_zip(tmp_path, small_ones)


def test_one_member_that_swells_is_refused(tmp_path):
    noise = np.random.default_rng(0).bytes(300_000)
    swelling = {"cats/big.bmp": bytes(20 * 1024**2), "cats/fill.bin": noise}
    dataset = add_zip(tmp_path, two_classes() | swelling)
    assert reasons(dataset)["cats/big.bmp"] == "would unpack to more than 200 times its size"


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 5)
    with pytest.raises(BadInput, match="6 members; the limit is 5"):
        add_zip(tmp_path, two_classes())


def test_too_much_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_TOTAL_BYTES", 1000)
    with pytest.raises(BadInput, match="unpacked it would take"):
        add_zip(tmp_path, two_classes())


def test_a_member_that_lies_about_its_size(tmp_path):
    path = write_zip(tmp_path / "liar.zip", two_classes())
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 50)
    path.write_bytes(bytes(data))
    dataset = add_dataset(path)
    assert list(reasons(dataset)) == ["cats/0.png"]


def test_duplicate_and_look_alike_names_are_all_kept(tmp_path):
    path = tmp_path / "twins.zip"
    names = [
        "cats/A.png",
        "cats/a.png",
        "cats/a.png",
        "cats/caf\u00e9.png",
        "cats/cafe\u0301.png",
        "dogs/CON.png",
        "dogs/x.png.",
    ]
    with zipfile.ZipFile(path, "w") as archive_file:
        for number, name in enumerate(names):
            if number == 2:
                with pytest.warns(UserWarning, match="Duplicate name"):
                    archive_file.writestr(name, noise_png(number))
            else:
                archive_file.writestr(name, noise_png(number))
    dataset = add_dataset(path)
    assert dataset.image_count == 7
    assert dataset.file_names.count("cats/caf\u00e9.png") == 2
    assert len(set(dataset.groups.tolist())) == 7


@pytest.mark.parametrize(
    "name", ["=cmd()", "<script>", "**md**", "nan", "true", "1e5", "\U0001f600", "x" * 200]
)
def test_class_names_are_kept_as_they_are(tmp_path, name):
    members = {f"{name}/{n}.png": noise_png(n) for n in range(2)} | {"other/1.png": noise_png(9)}
    dataset = add_zip(tmp_path, members)
    assert dataset.classes == tuple(sorted([name, "other"]))
    assert open_dataset(dataset.id).class_counts == {
        c: (1 if c == "other" else 2) for c in dataset.classes
    }


def test_equal_pictures_are_one_group_and_conflicts_are_listed(tmp_path):
    members = two_classes() | {"cats/copy.png": noise_png(0), "dogs/cat.png": noise_png(1)}
    dataset = add_zip(tmp_path, members)
    group = dict(zip(dataset.file_names, dataset.groups.tolist(), strict=True))
    assert group["cats/copy.png"] == group["cats/0.png"]
    assert group["dogs/cat.png"] == group["cats/1.png"]
    assert dataset.health["exact_duplicates"] == 2
    assert dataset.health["near_duplicate_groups"] == 2
    assert dataset.health["images_in_groups"] == 4
    assert dataset.health["label_conflicts"] == [["cats/1.png", "dogs/cat.png"]]
    assert dataset.health["small_classes"] == []


def test_a_class_too_small_to_split_is_named(tmp_path):
    dataset = add_zip(tmp_path, two_classes() | {"one/1.png": noise_png(70)})
    assert dataset.health["small_classes"] == ["one"]


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
    with pytest.raises(HeadstartError, match="GB free"):
        add_zip(tmp_path, two_classes())


def test_a_file_over_the_limit(tmp_path, monkeypatch):
    assert raw_files.LARGEST_FILE_BYTES == 100 * 1024**2
    monkeypatch.setattr(raw_files, "LARGEST_FILE_BYTES", 1024**2)
    big = np.random.default_rng(0).bytes(1024**2 + 1)
    dataset = add_zip(tmp_path, two_classes() | {"cats/big.png": big})
    assert reasons(dataset) == {"cats/big.png": "larger than 1 MiB"}


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

import errno
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.health.findings import findings
from core.datasets.split import leaking_images, make_split
from core.datasets.storage import list_datasets, open_dataset, remove_dataset
from core.datasets.versions import Changes, make_version, preview
from core.errors import BadInput, HeadstartError, UnknownName
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


def zipped(tmp_path, members, name="pets"):
    return add_dataset(write_zip(tmp_path / f"{name}.zip", members))


def pixels_by_name(dataset):
    return {
        name: np.asarray(dataset.image(position)).tobytes()
        for position, name in enumerate(dataset.file_names)
    }


@pytest.fixture
def messy(tmp_path):
    """Copies, the same pixels saved again, one picture under two labels, an empty picture."""
    members = two_classes(4)
    members["cats/copy.png"] = members["cats/0.png"]
    members["cats/saved.bmp"] = encoded(Image.open(io.BytesIO(members["cats/1.png"])), "BMP")
    members["dogs/cat.png"] = members["cats/2.png"]
    members["dogs/black.png"] = encoded(Image.new("RGB", (12, 12)))
    members["dogs/broken.png"] = members["dogs/0.png"][:60]
    return zipped(tmp_path, members)


def test_a_version_holds_what_is_left_and_the_old_stays(messy):
    before = (messy.folder / "index.npz").read_bytes(), (messy.folder / "manifest.json").read_text()
    made = make_version(messy, Changes(drop_exact_duplicates=True))
    assert made.name == "pets, version 2"
    assert made.version_of == messy.id
    assert made.changes == ("2 exact copies are left out.",)
    assert made.provenance == messy.provenance
    assert made.read_as == "class folders"
    assert made.image_count == 10
    assert made.class_counts == {"cats": 4, "dogs": 6}
    assert set(messy.file_names) - set(made.file_names) == {"cats/copy.png", "cats/saved.bmp"}
    old = pixels_by_name(messy)
    assert pixels_by_name(made) == {name: old[name] for name in made.file_names}
    # cats 0 to 3; dogs 0 to 3, the empty picture, and the cat that is under dogs as well
    assert made.groups.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 2]
    assert made.health.exact_duplicates == 1  # the one under two labels
    assert made.health.quarantined == ()
    after = (messy.folder / "index.npz").read_bytes(), (messy.folder / "manifest.json").read_text()
    assert after == before
    assert open_dataset("pets, version 2") == made


def test_it_shares_the_images_and_outlives_the_old(messy):
    made = make_version(messy, Changes(drop_classes=(), drop_images=(0,)))
    assert (made.folder / "source.bin").samefile(messy.folder / "source.bin")
    pixels = pixels_by_name(messy)
    remove_dataset(messy.name)
    again = open_dataset(made.id)
    assert pixels_by_name(again) == {name: pixels[name] for name in again.file_names}
    remove_dataset(again.name)
    assert list_datasets() == []


def test_the_old_outlives_it(messy):
    pixels = pixels_by_name(messy)
    remove_dataset(make_version(messy, Changes(drop_images=(0,))).name)
    assert pixels_by_name(open_dataset("pets")) == pixels


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_where_links_cannot_be_it_is_a_copy(messy, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    made = make_version(messy, Changes(drop_images=(0,)))
    assert not (made.folder / "source.bin").samefile(messy.folder / "source.bin")
    remove_dataset(messy.name)
    assert len(pixels_by_name(made)) == 11


def test_a_failing_disk_is_not_hidden_and_leaves_nothing(messy, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(HeadstartError, match="became full"):
        make_version(messy, Changes(drop_images=(0,)))
    assert [path.name for path in messy.folder.parent.iterdir()] == [messy.id[:16]]


def test_a_dataset_that_was_removed_meanwhile_is_an_error(messy):
    remove_dataset(messy.name)
    with pytest.raises(HeadstartError, match="'pets' is no longer there"):
        make_version(messy, Changes(drop_images=(0,)))


def test_names_count_on(messy):
    second = make_version(messy, Changes(drop_images=(0,)))
    third = make_version(second, Changes(drop_images=(0,)))
    other = make_version(messy, Changes(drop_images=(1,)))
    assert [second.name, third.name, other.name] == [
        "pets, version 2", "pets, version 3", "pets, version 4",
    ]  # fmt: skip
    assert third.version_of == second.id
    assert third.changes == ("1 image chosen by hand is left out.",) * 2
    assert make_version(messy, Changes(drop_images=(3,)), "mine").name == "mine"
    with pytest.raises(BadInput, match="already a dataset named 'mine'"):
        make_version(messy, Changes(drop_images=(4,)), "mine")
    with pytest.raises(BadInput, match="cannot be used"):
        make_version(messy, Changes(drop_images=(4,)), " ")


def test_the_longest_name_still_gets_its_number(tmp_path):
    dataset = zipped(tmp_path, two_classes(), "n" * 100)
    assert make_version(dataset, Changes(drop_images=(0,))).name == "n" * 89 + ", version 2"


def test_the_same_content_is_the_same_dataset(messy, tmp_path):
    assert make_version(messy, Changes()) == messy
    members = two_classes(3)
    clean = zipped(tmp_path, members, "clean")
    larger = zipped(tmp_path, members | {"dogs/9.png": noise_png(900)}, "larger")
    assert make_version(larger, Changes(drop_images=(6,))).name == "clean"
    assert len(list_datasets()) == 3
    assert clean.version_of is None


def test_everything_at_once_and_findings_are_settled(messy):
    found = {finding.kind: finding for finding in findings(messy)}
    actions = {
        action
        for kind in ("exact_duplicates", "label_conflicts", "one_colour")
        for action in found[kind].actions
    }
    made = make_version(messy, Changes(**dict.fromkeys(actions, True)))
    assert made.changes == (
        "1 image of one colour is left out.",
        "2 images in several classes are left out.",
        "2 exact copies are left out.",
    )
    assert made.class_counts == {"cats": 3, "dogs": 4}
    left = {finding.kind for finding in findings(made)}
    assert left == {"few_images", "tiny_pictures"}


def test_copies_under_two_labels_are_not_settled_by_chance(messy):
    made = make_version(messy, Changes(drop_exact_duplicates=True, drop_near_duplicates=True))
    assert {"cats/2.png", "dogs/cat.png"} < set(made.file_names)


def test_merging_joins_labels_before_copies_are_judged(tmp_path):
    members = two_classes(3) | {"kittens/0.png": noise_png(500)}
    members["kittens/1.png"] = members["cats/1.png"]
    dataset = zipped(tmp_path, members)
    changes = Changes(merge_classes=(("kittens", "cats"),), drop_exact_duplicates=True)
    made = make_version(dataset, changes)
    assert made.classes == ("cats", "dogs")
    assert made.class_counts == {"cats": 4, "dogs": 3}
    assert made.labels.tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert made.file_names[-1] == "kittens/0.png"
    assert made.changes == (
        "Class 'kittens' becomes part of 'cats': 2 images.",
        "1 exact copy is left out.",
    )


def test_merging_into_new_names_and_one_after_another(tmp_path):
    members = two_classes(3) | {"birds/0.png": noise_png(500), "fish/0.png": noise_png(501)}
    dataset = zipped(tmp_path, members)
    changes = Changes(merge_classes=(("cats", "mammals"), ("mammals", "furry"), ("dogs", "furry")))
    assert preview(dataset, changes).class_counts == {"birds": 1, "fish": 1, "furry": 6}
    made = make_version(dataset, changes)
    assert made.classes == ("birds", "fish", "furry")
    assert made.class_counts["furry"] == 6
    same = Changes(merge_classes=(("cats", "cats"),))
    assert make_version(dataset, same) == dataset


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (Changes(drop_classes=("cow",)), "no class named 'cow'"),
        (Changes(merge_classes=(("cow", "cats"),)), "no class named 'cow'"),
        (Changes(drop_classes=("cats",), merge_classes=(("cats", "x"),)), "no class named 'cats'"),
        (Changes(merge_classes=(("cats", " "),)), "cannot be the name of a class"),
        (Changes(merge_classes=(("cats", "a\nb"),)), "cannot be the name of a class"),
        (Changes(merge_classes=(("cats", "x" * 256),)), "cannot be the name of a class"),
        (Changes(drop_images=(12,)), "no image 12: the images of 'pets' are numbered from 0"),
        (Changes(drop_images=(-1,)), "no image -1"),
    ],
)
def test_what_is_not_there_is_refused(messy, changes, message):
    for call in (preview, make_version):
        with pytest.raises(BadInput, match=message):
            call(messy, changes)
    assert list_datasets() == [messy]


def test_unknown_classes_list_the_known(messy):
    with pytest.raises(UnknownName) as caught:
        preview(messy, Changes(drop_classes=("cow",)))
    assert caught.value.known == ["cats", "dogs"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            Changes(drop_classes=("cats",)),
            "Only the class 'dogs' would be left; at least 2 classes",
        ),
        (Changes(merge_classes=(("cats", "dogs"),)), "Only the class 'dogs' would be left"),
        (Changes(drop_images=tuple(range(12))), "No image would be left"),
        (Changes(drop_images=tuple(range(12)), drop_leaks=True, drop_conflicts=True), "No image"),
    ],
)
def test_fewer_than_two_classes_left(messy, changes, problem):
    assert preview(messy, changes).problem.startswith(problem)
    with pytest.raises(BadInput, match=problem):
        make_version(messy, changes)
    assert list_datasets() == [messy]


def test_the_preview_writes_nothing_and_says_what_goes(messy):
    seen = preview(messy, Changes(drop_conflicts=True, drop_images=(0, 0)))
    assert (seen.images_kept, seen.images_dropped) == (9, 3)
    assert seen.class_counts == {"cats": 4, "dogs": 5}
    assert seen.sentences == (
        "1 image chosen by hand is left out.",
        "2 images in several classes are left out.",
    )
    assert seen.problem is None
    assert list_datasets() == [messy]


@pytest.fixture
def leaky(tmp_path):
    """train and test, with two training images that are in the test as well."""
    members = {}
    for number, name in enumerate(("cats", "dogs")):
        for position in range(6):
            members[f"train/{name}/{position}.png"] = noise_png(100 * number + position)
        for position in range(3):
            members[f"test/{name}/{position}.png"] = noise_png(1000 + 100 * number + position)
    members["train/cats/0.png"] = members["test/cats/2.png"]
    members["train/dogs/5.png"] = members["test/dogs/0.png"]
    return zipped(tmp_path, members)


def test_leaks_are_left_out_and_the_test_stays(leaky):
    made = make_version(leaky, Changes(drop_leaks=True))
    assert made.changes == ("2 images that are also in a later subset of the split are left out.",)
    assert set(leaky.file_names) - set(made.file_names) == {
        "cats/train/0.png", "dogs/train/5.png",
    }  # fmt: skip
    assert np.bincount(made.predefined_subsets).tolist() == [10, 0, 6]
    assert leaking_images(made).tolist() == []
    split = make_split(made, 0.3, 0.2, 0)
    assert len(split.test) == 6
    assert len(split.train) + len(split.validation) == 10


@pytest.mark.parametrize("field", ["drop_exact_duplicates", "drop_near_duplicates"])
def test_of_copies_the_test_picture_stays(leaky, field):
    made = make_version(leaky, Changes(**{field: True}))
    assert np.bincount(made.predefined_subsets).tolist() == [10, 0, 6]
    assert leaking_images(made).tolist() == []


def test_a_leak_whose_test_picture_goes_is_none(leaky):
    test_picture = leaky.file_names.index("cats/test/2.png")
    made = make_version(leaky, Changes(drop_images=(test_picture,), drop_leaks=True))
    assert "cats/train/0.png" in made.file_names
    assert "dogs/train/5.png" not in made.file_names


def test_a_subset_that_is_emptied_ends_the_split(leaky):
    tests = tuple(np.flatnonzero(leaky.predefined_subsets == 2).tolist())
    made = make_version(leaky, Changes(drop_images=tests))
    assert made.predefined_subsets is None
    assert made.changes == (
        "6 images chosen by hand are left out.",
        "The images are marked as train only, so Headstart makes its own split.",
    )


@pytest.mark.usefixtures("bundled_home")
def test_near_duplicates_of_themes16():
    dataset = open_dataset("themes16")
    made = make_version(dataset, Changes(drop_near_duplicates=True, drop_near_conflicts=True))
    assert made.health.near_duplicate_groups == 0
    assert made.image_count == len(set(made.groups.tolist())) == made.groups.max() + 1
    document = json.loads((made.folder / "manifest.json").read_text())
    assert document["version_of"].startswith("256c1572")
    assert made.name == "themes16, version 2"


def test_a_version_without_colour_pictures_is_grey(tmp_path):
    members = {
        f"{name}/{position}.png": encoded(
            Image.fromarray(
                np.random.default_rng(10 * number + position).integers(0, 256, (9, 9), np.uint8)
            )
        )
        for number, name in enumerate(("a", "b"))
        for position in range(3)
    }
    dataset = zipped(tmp_path, members | {"b/colour.png": noise_png(1)})
    assert dataset.channels == 3
    made = make_version(dataset, Changes(drop_images=(6,)))
    assert made.channels == 1
    assert zipped(tmp_path, members, "grey").name == made.name


def test_versions_of_pixels(digits, home):
    made = make_version(digits, Changes(drop_classes=("0", "1")))
    assert made.encoding == "pixels"
    assert made.classes == tuple("23456789")
    first = int(np.flatnonzero(digits.labels > 1)[0])
    assert (np.asarray(made.image(0)) == np.asarray(digits.image(first))).all()
    assert made.folder.parent == home / "datasets"

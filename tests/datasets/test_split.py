import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from core.datasets import split
from core.datasets.add import add_dataset, add_pixels
from core.datasets.split import classes_too_small, leaking_images, make_split
from core.errors import BadInput
from core.files import lock
from tests.datasets.pictures import noise_png, write_zip

TEST, VALIDATION = 0.30, 0.07


@pytest.fixture
def own_themes16(themes16, home):
    """themes16 whose splits are written to the home of this test."""
    folder = home / "datasets" / themes16.folder.name
    folder.mkdir(parents=True)
    return replace(themes16, folder=folder)


def toy(class_sizes: list[int], copies: int = 1):
    """Noise pictures; every picture of class 0 is there ``copies`` times."""
    random = np.random.default_rng(0)
    pixels, labels = [], []
    for label, size in enumerate(class_sizes):
        for _ in range(size):
            picture = random.integers(0, 256, (4, 4), dtype=np.uint8)
            repeated = copies if label == 0 else 1
            pixels += [picture] * repeated
            labels += [label] * repeated
    classes = [chr(ord("a") + label) for label in range(len(class_sizes))]
    return add_pixels(np.stack(pixels), np.array(labels), classes, "toy", "made here")


@pytest.mark.parametrize("proportions", [(0.30, 0.07), (0.20, 0.10)])
def test_twenty_seeds_keep_proportions_classes_and_groups(own_themes16, proportions):
    dataset = own_themes16
    test, validation = proportions
    per_class = np.array(list(dataset.class_counts.values()))
    seen = set()
    for seed in range(20):
        made = make_split(dataset, test, validation, seed)
        seen.add(made.fingerprint)
        everything = np.concatenate([made.train, made.validation, made.test])
        assert (np.sort(everything) == np.arange(1347)).all()
        for subset, fraction in ((made.test, test), (made.validation, validation)):
            assert abs(len(subset) / 1347 - fraction) < 0.001
            counts = np.bincount(dataset.labels[subset], minlength=16)
            assert counts.min() >= 1
            assert np.abs(counts - per_class * fraction).max() < 1.0
        groups = [
            set(dataset.groups[subset].tolist())
            for subset in (made.train, made.validation, made.test)
        ]
        assert sum(len(subset) for subset in groups) == len(set(dataset.groups.tolist()))
    assert len(seen) == 20


def test_arrays_are_sorted_int64_and_the_fingerprint_is_fixed(own_themes16):
    made = make_split(own_themes16, TEST, VALIDATION, 0)
    assert (len(made.train), len(made.validation), len(made.test)) == (849, 94, 404)
    for subset in (made.train, made.validation, made.test):
        assert subset.dtype == np.int64
        assert (np.diff(subset) > 0).all()
    assert len(made.fingerprint) == 64


def test_saved_once_and_read_back(own_themes16, monkeypatch):
    made = make_split(own_themes16, TEST, VALIDATION, 3)
    monkeypatch.setattr(split, "_assign", None)
    again = make_split(own_themes16, TEST, VALIDATION, 3)
    assert again.fingerprint == made.fingerprint
    assert (again.test == made.test).all()
    files = [path.name for path in (own_themes16.folder / "splits").iterdir()]
    assert files == ["test0.3-validation0.07-seed3.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"train": [1]}', "cut"])
def test_a_damaged_split_is_made_again_and_is_the_same(own_themes16, content, caplog):
    made = make_split(own_themes16, TEST, VALIDATION, 0)
    (path,) = (own_themes16.folder / "splits").iterdir()
    path.write_text(content)
    assert make_split(own_themes16, TEST, VALIDATION, 0).fingerprint == made.fingerprint
    assert "is made again" in caplog.text


def test_a_changed_split_is_noticed(own_themes16, caplog):
    made = make_split(own_themes16, TEST, VALIDATION, 0)
    (path,) = (own_themes16.folder / "splits").iterdir()
    document = json.loads(path.read_text())
    document["test"].append(document["train"].pop())
    path.write_text(json.dumps(document))
    assert make_split(own_themes16, TEST, VALIDATION, 0).fingerprint == made.fingerprint
    assert "content changed" in caplog.text
    shutil.rmtree(path.parent)
    assert make_split(own_themes16, TEST, VALIDATION, 0).fingerprint == made.fingerprint


@pytest.mark.usefixtures("home")
def test_the_smallest_classes_that_work():
    dataset = toy([3, 3])
    for seed in range(5):
        made = make_split(dataset, TEST, VALIDATION, seed)
        for subset in (made.train, made.validation, made.test):
            assert np.bincount(dataset.labels[subset], minlength=2).tolist() == [1, 1]


@pytest.mark.usefixtures("home")
def test_large_groups_still_leave_every_class_in_every_subset():
    dataset = toy([3, 30], copies=8)
    for seed in range(10):
        made = make_split(dataset, TEST, VALIDATION, seed)
        for subset in (made.train, made.validation, made.test):
            assert (np.bincount(dataset.labels[subset], minlength=2) > 0).all()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("sizes", "copies", "message"),
    [
        ([2, 9], 1, "Class 'a' has 2 images, 2 of them distinct"),
        ([2, 9], 10, "Class 'a' has 20 images, 2 of them distinct"),
        ([9, 1], 1, "Class 'b' has 1 image, 1 of them distinct"),
    ],
)
def test_a_class_too_small_is_named_with_the_minimum(sizes, copies, message):
    dataset = toy(sizes, copies)
    with pytest.raises(BadInput) as caught:
        make_split(dataset, TEST, VALIDATION, 0)
    assert message in str(caught.value)
    assert "At least 3" in str(caught.value)
    assert caught.value.field == "split"
    assert list((dataset.folder / "splits").iterdir()) == []


@pytest.mark.parametrize(("test", "validation"), [(0.0, 0.1), (0.3, 0.0), (0.6, 0.4), (0.9, 0.2)])
def test_proportions_that_leave_nothing(own_themes16, test, validation):
    with pytest.raises(BadInput, match="leave at least 5 % to train on"):
        make_split(own_themes16, test, validation, 0)


def test_groups_of_two_classes_stay_whole(own_themes16):
    groups = own_themes16.groups.copy()
    random = np.random.default_rng(0)
    pairs = random.permutation(1347)[:200].reshape(-1, 2)
    groups[pairs[:, 0]] = groups[pairs[:, 1]]
    dataset = replace(own_themes16, groups=groups)
    made = make_split(dataset, TEST, VALIDATION, 11)
    subsets = [set(groups[subset].tolist()) for subset in (made.train, made.validation, made.test)]
    assert sum(len(subset) for subset in subsets) == len(set(groups.tolist()))
    assert abs(len(made.test) / 1347 - TEST) < 0.01


GIVEN = {
    "train and test": {"train": 6, "test": 3},
    "train, validation and test": {"train": 6, "validation": 2, "test": 3},
    "train and validation": {"train": 6, "validation": 3},
}


def given_members(images):
    """``subset/class/n.png`` with this many different images of each class in each subset."""
    return {
        f"{subset}/{name}/{position}.png": noise_png(1000 * kind + 100 * number + position)
        for number, (subset, count) in enumerate(images.items())
        for kind, name in enumerate(("cats", "dogs"))
        for position in range(count)
    }


def given_dataset(tmp_path, members):
    return add_dataset(write_zip(tmp_path / "given.zip", members))


def sides_by_name(dataset, made):
    return {
        subset: {dataset.file_names[position] for position in getattr(made, subset)}
        for subset in ("train", "validation", "test")
    }


@pytest.mark.usefixtures("home")
def test_train_and_test_are_kept_and_validation_is_drawn_from_train(tmp_path):
    dataset = given_dataset(tmp_path, given_members(GIVEN["train and test"]))
    seen = set()
    for seed in range(6):
        # The fraction for test has no effect; validation is a fraction of train.
        made = make_split(dataset, 0.5, 1 / 6, seed)
        subsets = sides_by_name(dataset, made)
        assert subsets["test"] == {name for name in dataset.file_names if "/test/" in name}
        assert len(subsets["train"]) == 10
        assert len(subsets["validation"]) == 2
        assert all("/train/" in name for name in subsets["train"] | subsets["validation"])
        assert np.bincount(dataset.labels[made.validation]).tolist() == [1, 1]
        seen.add(made.fingerprint)
    assert len(seen) > 1
    assert make_split(dataset, 0.3, 1 / 6, 0).fingerprint in seen


@pytest.mark.usefixtures("home")
def test_all_three_subsets_are_kept_whatever_the_seed(tmp_path):
    dataset = given_dataset(tmp_path, given_members(GIVEN["train, validation and test"]))
    fingerprints = {make_split(dataset, 0.3, 0.07, seed).fingerprint for seed in range(4)}
    assert len(fingerprints) == 1
    subsets = sides_by_name(dataset, make_split(dataset, 0.3, 0.07, 0))
    for subset in ("train", "validation", "test"):
        assert subsets[subset] == {name for name in dataset.file_names if f"/{subset}/" in name}


@pytest.mark.usefixtures("home")
def test_validation_without_a_test_is_the_test(tmp_path):
    dataset = given_dataset(tmp_path, given_members(GIVEN["train and validation"]))
    subsets = sides_by_name(dataset, make_split(dataset, 0.3, 1 / 6, 0))
    assert subsets["test"] == {name for name in dataset.file_names if "/validation/" in name}
    assert any("its validation images are used as test" in note for note in dataset.health.notes)


@pytest.mark.usefixtures("home")
def test_i13_leaking_images_are_in_no_subset_and_are_reported(tmp_path):
    members = given_members(GIVEN["train, validation and test"])
    members["train/cats/0.png"] = members["test/cats/1.png"]
    members["train/dogs/1.png"] = members["validation/dogs/0.png"]
    members["validation/cats/1.png"] = members["test/cats/2.png"]
    members["train/dogs/2.png"] = members["train/dogs/3.png"]  # in one subset: no leak
    dataset = given_dataset(tmp_path, members)
    leaking = {dataset.file_names[position] for position in leaking_images(dataset)}
    assert leaking == {"cats/train/0.png", "dogs/train/1.png", "cats/validation/1.png"}
    made = make_split(dataset, 0.3, 0.07, 0)
    subsets = sides_by_name(dataset, made)
    assert set().union(*subsets.values()) == set(dataset.file_names) - leaking
    assert subsets["test"] == {name for name in dataset.file_names if "/test/" in name}
    groups = [set(dataset.groups[getattr(made, subset)].tolist()) for subset in subsets]
    assert sum(map(len, groups)) == len(set().union(*groups))
    again = make_split(dataset, 0.3, 0.07, 0)
    assert again.fingerprint == made.fingerprint


@pytest.mark.usefixtures("home")
def test_validation_that_is_all_in_test_is_drawn_from_train_instead(tmp_path):
    members = given_members({"train": 6, "test": 2})
    copies = {
        name.replace("test/", "validation/"): data
        for name, data in members.items()
        if name.startswith("test/")
    }
    dataset = given_dataset(tmp_path, members | copies)
    assert len(leaking_images(dataset)) == 4
    subsets = sides_by_name(dataset, make_split(dataset, 0.5, 1 / 6, 0))
    assert {name: len(files) for name, files in subsets.items()} == {
        "train": 10, "validation": 2, "test": 4,
    }  # fmt: skip
    assert all("/train/" in name for name in subsets["validation"])
    members = given_members({"train": 1, "test": 2}) | copies
    small = add_dataset(write_zip(tmp_path / "small.zip", members))
    assert classes_too_small(small) == {"cats": (1, 2), "dogs": (1, 2)}
    with pytest.raises(BadInput, match="one each for training and validation"):
        make_split(small, 0.5, 1 / 6, 0)


@pytest.mark.usefixtures("home")
def test_a_dataset_without_a_split_leaks_nothing():
    found = leaking_images(toy([3, 3]))
    assert found.tolist() == []
    assert found.dtype == np.int64


@pytest.mark.usefixtures("home")
def test_the_given_split_may_be_left(tmp_path):
    dataset = given_dataset(tmp_path, given_members({"train": 12, "test": 8}))
    given = make_split(dataset, 0.3, 0.1, 0)
    own = make_split(dataset, 0.3, 0.1, 0, use_predefined=False)
    assert own.fingerprint != given.fingerprint
    assert (len(own.train), len(own.validation), len(own.test)) == (24, 4, 12)
    names = sides_by_name(dataset, own)["test"]
    assert any("/train/" in name for name in names)
    files = sorted(path.name for path in (dataset.folder / "splits").iterdir())
    assert files == [
        "given-validation0.1-seed0.json", "test0.3-validation0.1-seed0.json",
    ]  # fmt: skip
    assert make_split(dataset, 0.3, 0.1, 0).fingerprint == given.fingerprint


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ({"dogs": 0}, "Class 'dogs' has no image to train on in the split that came with"),
        ({"dogs": 1}, "Class 'dogs' has 1 image to train on, 1 of them distinct"),
    ],
    ids=["none to train on", "one to train on"],
)
def test_a_class_that_cannot_be_trained_on_is_named(tmp_path, lost, message):
    members = {
        name: data
        for name, data in given_members(GIVEN["train and test"]).items()
        if not any(
            name.startswith(f"train/{of_class}/") and int(name.split("/")[2][0]) >= count
            for of_class, count in lost.items()
        )
    }
    dataset = given_dataset(tmp_path, members)
    with pytest.raises(BadInput) as caught:
        make_split(dataset, 0.3, 0.1, 0)
    assert message in str(caught.value)
    assert caught.value.field == "split"
    assert list(classes_too_small(dataset)) == ["dogs"]


@pytest.mark.usefixtures("home")
def test_a_class_only_in_test_is_named_where_validation_is_given(tmp_path):
    members = given_members(GIVEN["train, validation and test"])
    members |= {f"test/owls/{position}.png": noise_png(9000 + position) for position in range(3)}
    dataset = given_dataset(tmp_path, members)
    with pytest.raises(BadInput, match="Class 'owls' has no image to train on in the split that"):
        make_split(dataset, 0.3, 0.1, 0)
    assert classes_too_small(dataset) == {"owls": (0, 1)}
    own = make_split(dataset, 0.3, 0.1, 0, use_predefined=False)
    assert (np.bincount(dataset.labels[own.train], minlength=3) > 0).all()


@pytest.mark.usefixtures("home")
def test_a_class_that_leaks_away_is_named(tmp_path):
    members = given_members({"train": 2, "test": 2})
    for position in range(2):
        members[f"train/dogs/{position}.png"] = members[f"test/dogs/{position}.png"]
    dataset = given_dataset(tmp_path, members)
    with pytest.raises(BadInput, match="Class 'dogs' has no image to train on"):
        make_split(dataset, 0.3, 0.1, 0)
    assert classes_too_small(dataset) == {"dogs": (0, 2)}


@pytest.mark.usefixtures("home")
def test_classes_too_small_are_those_that_make_no_split():
    assert classes_too_small(toy([2, 9])) == {"a": (2, 3)}
    assert classes_too_small(toy([2, 9], copies=5)) == {"a": (2, 3)}
    assert classes_too_small(toy([3, 3])) == {}


def test_a_small_class_has_an_image_in_every_subset():
    """7 % of five images is less than a half, and still every subset gets one."""
    dataset = toy([60, 5, 5])
    made = make_split(dataset, 0.07, 0.07, 0)
    assert [
        np.bincount(dataset.labels[subset], minlength=3).tolist()
        for subset in (made.train, made.validation, made.test)
    ] == [[52, 3, 3], [4, 1, 1], [4, 1, 1]]


def test_one_process_makes_a_split_while_others_wait(home):
    """Two that made it at once could get two different splits after an update."""
    dataset = toy([20, 20])
    with ThreadPoolExecutor(1) as pool:
        with lock(home / "locks" / f"split-{dataset.id[:16]}.lock"):
            asked = pool.submit(make_split, dataset, TEST, VALIDATION, 0)
            with pytest.raises(TimeoutError):
                asked.result(timeout=0.5)
            assert not list(dataset.folder.glob("splits/*"))
        made = asked.result(timeout=30)
    assert made.fingerprint == make_split(dataset, TEST, VALIDATION, 0).fingerprint

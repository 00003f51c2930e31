import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from core.datasets import split
from core.datasets.add import add_pixels
from core.datasets.split import make_split
from core.errors import BadInput

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
        for side, share in ((made.test, test), (made.validation, validation)):
            assert abs(len(side) / 1347 - share) < 0.001
            counts = np.bincount(dataset.labels[side], minlength=16)
            assert counts.min() >= 1
            assert np.abs(counts - per_class * share).max() < 1.0
        groups = [
            set(dataset.groups[side].tolist()) for side in (made.train, made.validation, made.test)
        ]
        assert sum(len(side) for side in groups) == len(set(dataset.groups.tolist()))
    assert len(seen) == 20


def test_arrays_are_sorted_int64_and_the_fingerprint_is_fixed(own_themes16):
    made = make_split(own_themes16, TEST, VALIDATION, 0)
    assert (len(made.train), len(made.validation), len(made.test)) == (849, 94, 404)
    for side in (made.train, made.validation, made.test):
        assert side.dtype == np.int64
        assert (np.diff(side) > 0).all()
    assert len(made.fingerprint) == 64


def test_saved_once_and_read_back(own_themes16, monkeypatch):
    made = make_split(own_themes16, TEST, VALIDATION, 3)
    monkeypatch.setattr(split, "_deal_out", None)
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
        for side in (made.train, made.validation, made.test):
            assert np.bincount(dataset.labels[side], minlength=2).tolist() == [1, 1]


@pytest.mark.usefixtures("home")
def test_large_groups_still_leave_every_class_on_every_side():
    dataset = toy([3, 30], copies=8)
    for seed in range(10):
        made = make_split(dataset, TEST, VALIDATION, seed)
        for side in (made.train, made.validation, made.test):
            assert (np.bincount(dataset.labels[side], minlength=2) > 0).all()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("sizes", "copies", "message"),
    [
        ([2, 9], 1, "Class 'a' has 2 image(s), 2 that are not near duplicates"),
        ([2, 9], 10, "Class 'a' has 20 image(s), 2 that are not near duplicates"),
        ([9, 1], 1, "Class 'b' has 1 image(s), 1 that are"),
    ],
)
def test_a_class_too_small_is_named_with_the_minimum(sizes, copies, message):
    dataset = toy(sizes, copies)
    with pytest.raises(BadInput) as caught:
        make_split(dataset, TEST, VALIDATION, 0)
    assert message in str(caught.value)
    assert "at least 3" in str(caught.value)
    assert caught.value.field == "split"
    assert list((dataset.folder / "splits").iterdir()) == []


@pytest.mark.parametrize(("test", "validation"), [(0.0, 0.1), (0.3, 0.0), (0.6, 0.4), (0.9, 0.2)])
def test_proportions_that_leave_nothing(own_themes16, test, validation):
    with pytest.raises(BadInput, match="leave at least 5% to train on"):
        make_split(own_themes16, test, validation, 0)


def test_groups_of_two_classes_stay_whole(own_themes16):
    groups = own_themes16.groups.copy()
    random = np.random.default_rng(0)
    pairs = random.permutation(1347)[:200].reshape(-1, 2)
    groups[pairs[:, 0]] = groups[pairs[:, 1]]
    dataset = replace(own_themes16, groups=groups)
    made = make_split(dataset, TEST, VALIDATION, 11)
    sides = [set(groups[side].tolist()) for side in (made.train, made.validation, made.test)]
    assert sum(len(side) for side in sides) == len(set(groups.tolist()))
    assert abs(len(made.test) / 1347 - TEST) < 0.01

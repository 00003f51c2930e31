"""Findings about images that occur more than once."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.datasets.groups import renumbered
from core.datasets.health.finding import MOST_IN_GROUP
from core.datasets.split import make_split
from tests.datasets.health.test_findings import found, made_of, many, names, zipped
from tests.datasets.pictures import drawing, drawings, encoded

pytestmark = pytest.mark.usefixtures("home")


def test_i13_the_same_bytes_and_the_same_pixels_saved_again(tmp_path):
    members = many()
    members["class0/copy.png"] = members["class0/00.png"]
    picture = Image.open(io.BytesIO(members["class1/03.png"]))
    members["class1/saved.bmp"] = encoded(picture, "BMP")
    dataset = zipped(tmp_path, members)
    finding = found(dataset)["exact_duplicates"]
    assert finding.severity == "warning"
    assert finding.title == "2 images are exact copies of others."
    assert finding.actions == ("drop_exact_duplicates",)
    assert finding.count == 2
    assert names(dataset, finding) == [
        ("class0/00.png", "class0/copy.png"),
        ("class1/03.png", "class1/saved.bmp"),
    ]
    assert "near_duplicates" not in found(dataset)


def test_near_duplicates_are_a_note(tmp_path):
    dataset = zipped(
        tmp_path, drawings(a_small=drawing(3, (80, 80)), a_smaller=drawing(3, (60, 60)))
    )
    finding = found(dataset)["near_duplicates"]
    assert finding.severity == "note"
    assert finding.title == "3 images look much like others: 1 set of near duplicates."
    assert names(dataset, finding) == [("a/03.png", "a/small.png", "a/smaller.png")]
    assert finding.actions == ("drop_near_duplicates",)
    assert found(dataset)["nothing_found"].severity == "good"


def test_i13_one_picture_with_two_labels(tmp_path):
    dataset = zipped(tmp_path, drawings(b_copy=drawing(3), b_small=drawing(7, (80, 80))))
    kinds = found(dataset)
    exact, near = kinds["label_conflicts"], kinds["near_label_conflicts"]
    assert (exact.severity, near.severity) == ("problem", "warning")
    assert exact.title == "1 image appears in more than one class."
    assert names(dataset, exact) == [("a/03.png", "b/copy.png")]
    assert exact.classes == ("a", "b")
    assert exact.actions == ("drop_conflicts",)
    assert near.title == ("1 set of images that look the same appears in more than one class.")
    assert names(dataset, near) == [("a/07.png", "b/small.png")]
    assert near.actions == ("drop_near_conflicts",)
    # A copy under another class is no copy to be left out: nobody knows which is right.
    assert "exact_duplicates" not in kinds
    assert "near_duplicates" not in kinds


def test_both_labels_of_a_conflict_are_seen_first():
    labels = np.array([0] * 300 + [1] * 300)
    dataset = made_of([300, 300])
    digests = dataset.digests.copy()
    digests[labels == 0] = digests[0]
    digests[450] = digests[0]
    dataset = replace(dataset, digests=digests, groups=renumbered(np.where(
        (digests == digests[0]).all(axis=1), 0, np.arange(600))))  # fmt: skip
    (group,) = found(dataset)["label_conflicts"].image_groups
    assert len(group) == MOST_IN_GROUP
    assert group[:3] == (0, 450, 1)


def test_i13_images_in_both_subsets_of_a_predefined_split(tmp_path):
    members = {f"train/{name}": data for name, data in many().items()}
    members |= {f"test/{name}": data for name, data in many(images=4, first=500).items()}
    members["train/class0/00.png"] = members["test/class0/02.png"]
    members["train/class1/19.png"] = members["test/class1/00.png"]
    dataset = zipped(tmp_path, members)
    finding = found(dataset)["leaks"]
    assert finding.severity == "problem"
    assert finding.title == "2 images of train are also in test, exactly or nearly."
    assert finding.actions == ("drop_leaks",)
    assert finding.count == 2
    # What is asked for comes first, what was trained on beside it.
    assert names(dataset, finding) == [
        ("class0/test/02.png", "class0/train/00.png"),
        ("class1/test/00.png", "class1/train/19.png"),
    ]
    split = make_split(dataset, 0.3, 0.1, 0)
    used = np.concatenate([split.train, split.validation, split.test])
    left_out = set(range(dataset.image_count)) - set(used.tolist())
    assert left_out == {group[1] for group in finding.image_groups}
    assert found(dataset)["given_split"].title == (
        "It came with a predefined split: 40 train, 8 test."
    )


def test_leaks_over_three_subsets(tmp_path):
    members = {}
    for number, subset in enumerate(("train", "validation", "test")):
        added = many(images=4, first=300 * number)
        members |= {f"{subset}/{name}": data for name, data in added.items()}
    members["train/class0/00.png"] = members["validation/class0/01.png"]
    members["validation/class1/00.png"] = members["test/class1/01.png"]
    finding = found(zipped(tmp_path, members))["leaks"]
    assert finding.title == (
        "1 image of train and 1 image of validation are also in validation or test, exactly"
        " or nearly."
    )

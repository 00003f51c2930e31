import io
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset, add_pixels
from core.datasets.groups import renumbered
from core.datasets.health.finding import MOST_GROUPS, MOST_IN_GROUP, SEVERITIES, size_summary
from core.datasets.health.findings import findings
from core.datasets.split import make_split
from core.datasets.versions import Changes
from core.errors import BadInput
from tests.datasets.pictures import drawing, drawings, encoded, noise_png, write_zip

pytestmark = pytest.mark.usefixtures("home")


def zipped(tmp_path, members, name="pets"):
    return add_dataset(write_zip(tmp_path / f"{name}.zip", members))


def opened(data):
    return Image.open(io.BytesIO(data))


def found(dataset):
    """Findings by kind; what holds for every one of them is checked here."""
    everything = findings(dataset)
    ranks = [SEVERITIES.index(finding.severity) for finding in everything]
    assert ranks == sorted(ranks)
    assert everything
    for finding in everything:
        assert finding.title.endswith((".", "!"))
        assert finding.advice
        assert set(finding.actions) <= set(Changes.__dataclass_fields__)
        assert set(finding.classes) <= set(dataset.classes)
        assert len(finding.image_groups) <= MOST_GROUPS
        for group in finding.image_groups:
            assert 0 < len(group) <= MOST_IN_GROUP
            assert all(0 <= position < dataset.image_count for position in group)
    kinds = [finding.kind for finding in everything if finding.kind != "reading"]
    assert len(set(kinds)) == len(kinds)
    return {finding.kind: finding for finding in everything}


def names(dataset, finding):
    return [tuple(dataset.file_names[position] for position in g) for g in finding.image_groups]


def many(classes=2, images=20, first=0):
    """Enough different images in colour to have no finding."""
    return {
        f"class{number}/{position:02d}.png": noise_png(first + 1000 * number + position, side=40)
        for number in range(classes)
        for position in range(images)
    }


def made_of(counts, names=None, **changes):
    """A dataset of noise with so many images a class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (len(labels), 4, 4, 3), np.uint8)
    classes = names or [f"c{number:03d}" for number in range(len(counts))]
    return replace(add_pixels(pixels, labels, classes, "made", "made here"), **changes)


def test_where_nothing_is_wrong_a_finding_says_so(tmp_path):
    dataset = zipped(tmp_path, many())
    (only,) = findings(dataset)
    assert (only.kind, only.severity) == ("nothing_found", "good")
    assert only.title == "No problem was found in 40 images of 2 classes."
    assert only.actions == ()


def test_what_could_not_be_used(tmp_path):
    dataset = zipped(tmp_path, many() | {"class0/x.png": b"<html>", "class1/y.png": b""})
    finding = found(dataset)["quarantined"]
    assert finding.severity == "warning"
    assert finding.title == "2 files or lines could not be used (5 % of all)."
    assert finding.count == 2
    assert "Download the list" in finding.advice
    assert "nothing_found" not in found(dataset)
    much = zipped(tmp_path, many(first=5000) | {f"class0/x{n}.png": b"" for n in range(10)}, "much")
    assert found(much)["quarantined"].severity == "problem"


def test_what_was_passed_over_and_noted(tmp_path):
    extra = {"class0/.DS_Store": b"x", "README.txt": b"about"}
    dataset = zipped(tmp_path, many() | extra)
    kinds = found(dataset)
    assert kinds["ignored_files"].severity == "note"
    assert kinds["ignored_files"].count == 2
    assert kinds["reading"].title == "Left out: 1 file outside the class folders."
    assert kinds["nothing_found"].severity == "good"


def test_classes_too_small_are_named_with_the_minimum():
    dataset = made_of([30, 2, 1])
    kinds = found(dataset)
    finding = kinds["small_classes"]
    assert finding.severity == "problem"
    assert finding.title == "2 classes are too small to be split: 'c001' and 'c002'."
    assert "at least 3 images" in finding.advice
    assert finding.classes == ("c001", "c002")
    assert finding.actions == ("merge_classes", "drop_classes")
    assert "few_images" not in kinds
    with pytest.raises(BadInput, match="Class 'c001' has 2 image"):
        make_split(dataset, 0.3, 0.1, 0)


def test_copies_do_not_make_a_class_large_enough(tmp_path):
    members = many() | {f"tiny/{position}.png": noise_png(9, side=40) for position in range(9)}
    assert found(zipped(tmp_path, members))["small_classes"].classes == ("tiny",)


@pytest.mark.parametrize(
    ("counts", "subsets", "small", "needed"),
    [
        ([6, 3], "000022002", (), None),
        (
            [6, 2],
            "00002202",
            ("c001",),
            "at least 2 images to train on, near duplicates counted once",
        ),
        ([6, 3], "000012012", (), None),
        (
            [6, 2],
            "00001212",
            ("c001",),
            "at least 1 image to train on, near duplicates counted once",
        ),
    ],
)
def test_with_a_predefined_split_only_training_images_count(counts, subsets, small, needed):
    dataset = made_of(
        counts, predefined_subsets=np.array([int(subset) for subset in subsets], np.int8)
    )
    kinds = found(dataset)
    if small:
        assert kinds["small_classes"].classes == small
        assert needed in kinds["small_classes"].advice
        with pytest.raises(BadInput, match="Class 'c001' has"):
            make_split(dataset, 0.3, 0.1, 0)
    else:
        assert "small_classes" not in kinds
        make_split(dataset, 0.3, 0.1, 0)


def test_a_class_that_is_not_in_the_given_test():
    dataset = made_of([20, 20], predefined_subsets=np.array([0] * 15 + [2] * 5 + [0] * 20, np.int8))
    finding = found(dataset)["classes_not_in_test"]
    assert finding.severity == "warning"
    assert finding.title == (
        "1 class has no image in the test subset that came with the dataset: 'c001'."
    )


@pytest.mark.parametrize(("count", "said"), [(19, True), (20, False)])
def test_few_images(count, said):
    kinds = found(made_of([30, count]))
    assert ("few_images" in kinds) == said
    if said:
        assert kinds["few_images"].title == "1 class has fewer than 20 images: 'c001'."
        assert "intervals" in kinds["few_images"].advice


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([62, 38], "A model that always predicts 'c000' reaches 62 %"),
        ([59, 41], None),
        ([200, 199, 20], "A model that always predicts 'c000' reaches 48 %"),
        ([199, 199, 20], None),
    ],
)
def test_imbalance(counts, said):
    finding = found(made_of(counts)).get("imbalance")
    assert (finding is not None) == (said is not None)
    if finding:
        assert finding.title.startswith(said)
        assert "balanced accuracy" in finding.advice


def test_very_many_classes():
    finding = found(made_of([20] * 100))["many_classes"]
    assert finding.severity == "note"
    assert finding.title == "There are 100 classes, with 20 images each on average."
    assert "many_classes" not in found(made_of([20] * 99))


def test_i18_pictures_of_one_colour(tmp_path):
    black = {"class0/black.png": encoded(Image.new("RGB", (40, 40)))}
    white = {"class1/white.jpg": encoded(Image.new("RGB", (40, 40), "white"), "JPEG")}
    small = {"class1/small.png": encoded(Image.new("RGB", (5, 5), "red"))}
    nearly = Image.new("RGB", (400, 400))
    nearly.putpixel((200, 200), (255, 255, 255))
    dataset = zipped(
        tmp_path, many() | black | white | small | {"class0/a dot.png": encoded(nearly)}
    )
    finding = found(dataset)["one_colour"]
    assert finding.severity == "warning"
    assert finding.title == "3 images are of one colour only."
    assert names(dataset, finding) == [
        ("class0/black.png",), ("class1/small.png",), ("class1/white.jpg",),
    ]  # fmt: skip
    assert finding.actions == ("drop_one_colour",)


def test_i18_all_images_black(tmp_path):
    members = {
        f"{name}/{side}.png": encoded(Image.new("L", (side, side)))
        for name, first in (("a", 40), ("b", 60))
        for side in range(first, first + 20)
    }
    finding = found(zipped(tmp_path, members))["one_colour"]
    assert (finding.severity, finding.count) == ("problem", 40)
    assert finding.title == "Every image is of one colour only."


def test_sizes_and_shapes(tmp_path):
    members = many() | {
        "class0/tiny.png": noise_png(7, side=9),
        "class1/large.png": encoded(opened(noise_png(8, side=40)).resize((400, 300))),
        "class1/long.png": encoded(opened(noise_png(9, side=40)).resize((200, 40))),
    }
    dataset = zipped(tmp_path, members)
    kinds = found(dataset)
    assert kinds["tiny_pictures"].title == "1 image is less than 32 pixels wide or high."
    assert names(dataset, kinds["tiny_pictures"]) == [("class0/tiny.png",)]
    assert kinds["range_of_sizes"].title == ("Sizes differ widely: from 9 × 9 to 400 × 300 pixels.")
    assert names(dataset, kinds["range_of_sizes"]) == [("class0/tiny.png", "class1/large.png")]
    assert names(dataset, kinds["long_pictures"]) == [("class1/long.png",)]
    summary = size_summary(dataset)
    assert (summary.smallest, summary.median, summary.largest) == ((9, 9), (40, 40), (400, 300))
    assert (summary.portrait, summary.landscape, summary.square) == (0.0, 2 / 43, 41 / 43)


def test_a_camera_that_was_turned_makes_two_sizes(tmp_path):
    upright, wide = Image.new("RGB", (30, 40)), Image.new("RGB", (40, 30))
    pictures = {f"{name}/{n}.png": encoded(upright if n else wide) for name in "ab" for n in (0, 1)}
    summary = size_summary(zipped(tmp_path, pictures))
    assert (summary.smallest, summary.largest) == ((30, 40), (40, 30))


def test_all_tiny_and_all_grey(digits):
    kinds = found(digits)
    assert set(kinds) == {"tiny_pictures", "grey", "nothing_found"}
    assert kinds["tiny_pictures"].title == ("All images are less than 32 pixels wide or high.")
    assert kinds["tiny_pictures"].image_groups == ()
    assert kinds["grey"].title == "All images are grey."


def test_grey_among_colour():
    dataset = made_of([50, 50], grey=np.arange(100) % 10 == 0)
    kinds = found(dataset)
    assert kinds["grey"].title == "10 images are grey (10 %), the others are in colour."
    assert "told_by_colour" not in kinds


def test_a_class_that_differs_by_its_colour():
    finding = found(made_of([50, 50, 50], grey=np.arange(150) < 48))["told_by_colour"]
    assert finding.severity == "warning"
    assert finding.classes == ("c000",)
    assert finding.title == ("The images of 'c000' are grey, those of other classes are in colour.")


def test_classes_whose_pictures_all_look_alike(tmp_path):
    members = drawings()
    for level in range(20):
        image = opened(drawing(999))
        image.putpixel((5, 5), (level, level, level))
        members[f"same/{level:02d}.png"] = encoded(image)
    finding = found(zipped(tmp_path, members))["look_alike_classes"]
    assert finding.severity == "warning"
    assert finding.classes == ("same",)


def test_long_and_hostile_names_are_cut_and_quoted():
    names = ["<script>", "=cmd()", *(f"{letter * 250}" for letter in "abcdef")]
    finding = found(made_of([2] * 8, sorted(names)))["small_classes"]
    assert len(finding.title) < 400
    assert finding.title.startswith("8 classes are too small to be split: '<script>', '=cmd()', ")
    assert finding.title.endswith(" and 3 more.")
    assert finding.classes == tuple(sorted(names))


def test_themes16_as_it_is(themes16):
    kinds = found(themes16)
    assert kinds["near_duplicates"].count == 67
    assert kinds["near_label_conflicts"].count == 4
    assert {finding.severity for finding in kinds.values()} == {"warning", "note"}


def test_a_hundred_thousand_images_take_half_a_second(digits):
    random = np.random.default_rng(0)
    count = 100_000
    digests = random.integers(0, 256, (count, 32), np.uint8)
    digests[50_000:60_000] = digests[:10_000]
    dataset = replace(
        digits,
        labels=random.integers(0, 10, count).astype(np.int32),
        groups=renumbered(random.integers(0, 80_000, count)),
        digests=digests,
        heights=random.integers(10, 900, count).astype(np.int32),
        widths=random.integers(10, 900, count).astype(np.int32),
        predefined_subsets=random.integers(0, 3, count).astype(np.int8),
        grey=random.random(count) < 0.5,
        one_colour=random.random(count) < 0.1,
        look_alikes=np.zeros(count, bool),
    )
    # The processor's time: others may be at work on the machine.
    started = time.process_time()
    everything = findings(dataset)
    assert time.process_time() - started < 0.5
    assert {"leaks", "label_conflicts", "near_label_conflicts", "exact_duplicates"} < {
        finding.kind for finding in everything
    }


def test_the_smallest_dataset():
    dataset = made_of([1, 1])
    assert found(dataset)["small_classes"].count == 2

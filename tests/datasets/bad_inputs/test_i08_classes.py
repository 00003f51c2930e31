"""I8: too few classes, too few images of one, and class names that are anything."""

import csv
import io

import pytest

from core.datasets.add import add_dataset
from core.datasets.health.findings import findings
from core.datasets.storage import list_datasets, open_dataset
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip, reasons
from tests.datasets.pictures import noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")

NAMES = [
    "=cmd()", "+1", "@x", "<script>alert(1)", "**md**", "nan", "NaN",
    "true", "None", "1e5", "007", "1.0", "\U0001f600", "\u8c93", "x" * 255, " cats", "ab:c", "%s",
    "{0}", "$(x)", "'", '"', ";", "CON", "cats.",
]  # fmt: skip
REFUSED = {
    "500 long": ("x" * 500, "a name longer than 255 characters"),
    "leads out": ("..", "the name leads out of its folder (..)"),
    "blank": ("  ", "a blank name"),
    "turned": ("a\u202eb", "the name contains marks that change the reading direction"),
}


def test_i8_class_names_of_folders_are_kept_as_they_are(tmp_path):
    pictures = {
        f"{name}/{number}.png": noise_png(10 * start + number)
        for start, name in enumerate(NAMES)
        for number in range(2)
    }
    dataset = add_zip(tmp_path, pictures)
    assert dataset.classes == tuple(sorted(NAMES))
    assert open_dataset(dataset.id).class_counts == dict.fromkeys(NAMES, 2)


def test_i8_class_names_of_a_table_stay_text(tmp_path):
    text = io.StringIO()
    rows = [(f"{number}.png", NAMES[number // 2]) for number in range(2 * len(NAMES))]
    csv.writer(text).writerows([("file", "label"), *rows])
    pictures = {name: noise_png(number) for number, (name, _) in enumerate(rows)}
    path = tmp_path / "pets.zip"
    dataset = add_dataset(write_zip(path, pictures | {"labels.csv": text.getvalue().encode()}))
    # Blanks around a cell are no part of it.
    assert dataset.class_counts == {name.strip(): 2 for name in NAMES}


@pytest.mark.parametrize("name", ["1.0", "nan"])
def test_i8_a_class_name_that_looks_like_a_number_stays_text(tmp_path, name):
    """Where every other label is a number too, so that a table reader could take it for one."""
    text = io.StringIO()
    rows = [("1.png", name), ("2.png", "007"), ("3.png", name), ("4.png", "007")]
    csv.writer(text).writerows([("file", "label"), *rows])
    pictures = {f"{number}.png": noise_png(number) for number in range(1, 5)}
    path = tmp_path / "pets.zip"
    dataset = add_dataset(write_zip(path, pictures | {"labels.csv": text.getvalue().encode()}))
    assert dataset.class_counts == {name: 2, "007": 2}


@pytest.mark.parametrize(
    ("name", "reason"), REFUSED.values(), ids=[f"I8-{kind}" for kind in REFUSED]
)
def test_i8_a_class_name_that_cannot_be_shown_is_refused(tmp_path, name, reason):
    dataset = add_zip(tmp_path, two_classes() | {f"{name}/1.png": noise_png(9)})
    assert dataset.classes == ("cats", "dogs")
    assert list(reasons(dataset).values()) == [reason]


def test_i8_an_empty_class_name_is_no_class(tmp_path):
    dataset = add_zip(tmp_path, two_classes() | {"./1.png": noise_png(9)})
    assert dataset.classes == ("cats", "dogs")
    assert dataset.health.ignored_files == 1


def test_i8_one_class_is_not_enough(home, tmp_path):
    with pytest.raises(BadInput) as caught:
        add_zip(tmp_path, {f"cats/{number}.png": noise_png(number) for number in range(4)})
    assert "Found one class ('cats') with readable images; at least 2" in str(caught.value)
    assert list_datasets() == []
    assert list((home / "datasets").iterdir()) == []


def test_i8_two_classes_of_which_one_cannot_be_read(tmp_path):
    members = two_classes() | {f"dogs/{number}.png": b"no picture" for number in range(3)}
    with pytest.raises(BadInput) as caught:
        add_zip(tmp_path, members)
    assert str(caught.value).startswith(
        "Found one class ('cats') with readable images; at least 2 are needed. dogs/0.png"
        " and 2 more: a text, not an image. Expected"
    )


def test_i8_a_class_of_which_no_picture_can_be_read_is_named(tmp_path):
    members = two_classes() | {f"owls/{number}.png": b"no picture" for number in range(2)}
    dataset = add_zip(tmp_path, members | {"dogs/bad.png": b"no picture"})
    assert dataset.classes == ("cats", "dogs")
    (lost,) = (entry for entry in findings(dataset) if entry.kind == "lost_classes")
    assert lost.severity == "problem"
    assert lost.title == "1 class is missing: 'owls'. None of the images there could be read."


def test_i8_a_class_of_one_picture_is_named(tmp_path):
    dataset = add_zip(tmp_path, two_classes() | {"one/1.png": noise_png(70)})
    assert dataset.health.small_classes == ("one",)

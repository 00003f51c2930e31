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


def two_pictures_each(name: str, other: str) -> dict[str, bytes]:
    return {
        f"{folder}/{number}.png": noise_png(10 * start + number)
        for start, folder in enumerate((name, other))
        for number in range(2)
    }


@pytest.mark.parametrize("name", NAMES, ids=[f"I8-{name[:20]!r}" for name in NAMES])
def test_i8_a_class_name_of_a_folder_is_kept_as_it_is(tmp_path, name):
    dataset = add_zip(tmp_path, two_pictures_each(name, "other"))
    assert dataset.classes == tuple(sorted([name, "other"]))
    assert open_dataset(dataset.id).class_counts == {name: 2, "other": 2}


@pytest.mark.parametrize("name", NAMES, ids=[f"I8-{name[:20]!r}" for name in NAMES])
def test_i8_a_class_name_of_a_table_stays_text(tmp_path, name):
    text = io.StringIO()
    rows = [("1.png", name), ("2.png", "other"), ("3.png", name), ("4.png", "other")]
    csv.writer(text).writerows([("file", "label"), *rows])
    pictures = {f"{number}.png": noise_png(number) for number in range(1, 5)}
    path = tmp_path / "pets.zip"
    dataset = add_dataset(write_zip(path, pictures | {"labels.csv": text.getvalue().encode()}))
    # Blanks around a cell are no part of it.
    assert dataset.class_counts == {name.strip(): 2, "other": 2}


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
        "Found one class ('cats') with readable images; at least 2 are needed. dogs/0.png: not a"
        " readable image of a known format"
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

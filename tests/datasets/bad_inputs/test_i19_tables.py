"""I19: tables of labels that are not quite what they should be."""

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.bad_inputs.making import reasons
from tests.datasets.pictures import noise_png, write_zip

pytestmark = pytest.mark.usefixtures("home")
PICTURES = {f"{number}.png": noise_png(number) for number in range(1, 7)}
ROWS = [(f"{number}.png", "cat" if number % 2 else "dog") for number in range(1, 7)]
GOOD = "file,label\n" + "".join(f"{file},{label}\n" for file, label in ROWS)


def added(tmp_path, table: bytes, choice: Choice | None = None):
    path = write_zip(tmp_path / "pets.zip", PICTURES | {"labels.csv": table})
    return add_dataset(path, choice=choice)


READ = {
    "comma": GOOD.encode(),
    "semicolon": GOOD.replace(",", ";").encode(),
    "tab": GOOD.replace(",", "\t").encode(),
    "bar": GOOD.replace(",", "|").encode(),
    "BOM": GOOD.encode("utf-8-sig"),
    "UTF-16": GOOD.encode("utf-16"),
    "return and newline": GOOD.replace("\n", "\r\n").encode(),
    "all quoted": "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.splitlines()
    ).encode(),
    "no header": GOOD.split("\n", 1)[1].encode(),
    "other names": GOOD.replace("file,label", "Image Path,Class").encode(),
    "columns the other way": "\n".join(
        ",".join(reversed(line.split(","))) for line in GOOD.splitlines()
    ).encode(),
    "blank lines": GOOD.replace("\n", "\n\n").encode(),
}


@pytest.mark.parametrize("table", READ.values(), ids=[f"I19-{kind}" for kind in READ])
def test_i19_such_a_table_is_read(tmp_path, table):
    dataset = added(tmp_path, table)
    assert dataset.class_counts == {"cat": 3, "dog": 3}
    assert reasons(dataset) == {}


def test_i19_windows_letters_and_quoted_commas(tmp_path):
    table = GOOD.replace("cat", "K\u00e4tzchen").replace("dog", '"dog, small"')
    dataset = added(tmp_path, table.encode("cp1252"))
    assert dataset.class_counts == {"K\u00e4tzchen": 3, "dog, small": 3}


LINES = {
    "file named but absent": ("9.png,cat", "there is no image named '9.png'"),
    "label empty": ("1.png,", "the label is empty"),
    "label blank": ("1.png,   ", "the label is empty"),
    "no file": (",cat", "it names no image"),
    "cell too few": ("1.png", "it has 1 cells where 2 were expected"),
    "cell too many": ("1.png,cat,dog", "it has 3 cells where 2 were expected"),
    "quotation mark": ('1.png,"c"at', "its quotation marks do not match"),
    "500 long": ("1.png," + "x" * 500, "the label has 500 characters; the limit is 255"),
    "turned": ("1.png,a\u202eb", "the label contains marks that change the reading direction"),
}


@pytest.mark.parametrize(("line", "reason"), LINES.values(), ids=[f"I19-{kind}" for kind in LINES])
def test_i19_a_row_that_cannot_be_used_is_said_with_its_line(tmp_path, line, reason):
    lines = GOOD.splitlines()
    lines[1] = line
    dataset = added(tmp_path, "\n".join(lines).encode())
    assert dataset.class_counts == {"cat": 2, "dog": 3}
    assert reasons(dataset) == {"labels.csv line 2": reason}


def test_i19_one_misspelt_side_costs_its_row_and_not_the_split(tmp_path):
    subsets = ["train", "train", "trian", "train", "test", "test"]
    rows = [
        f"{file},{label},{subset}\n" for (file, label), subset in zip(ROWS, subsets, strict=True)
    ]
    dataset = added(tmp_path, ("file,label,split\n" + "".join(rows)).encode())
    reason = "'trian' is not train, validation or test"
    assert reasons(dataset) == {"labels.csv line 4": reason}
    assert dataset.file_names == ("1.png", "5.png", "2.png", "4.png", "6.png")
    assert dataset.predefined_subsets.tolist() == [0, 2, 0, 0, 2]


def test_i19_where_no_row_can_be_used_the_expected_file_is_shown(tmp_path):
    with pytest.raises(BadInput) as caught:
        added(tmp_path, b"file,label\n1.png,\n2.png,\n")
    assert str(caught.value) == (
        "No row of labels.csv can be used. labels.csv line 2 and 1 more: the label is empty."
        " Expected a first line file,label and then one line per image: 1.jpg,cat."
    )


def test_i19_lines_of_a_table_that_only_repeats_the_folders_are_not_swallowed(tmp_path):
    members = {f"{label}/{file}": PICTURES[file] for file, label in ROWS}
    table = "file,label\n" + "".join(f"{label}/{file},{label}\n" for file, label in ROWS)
    table += "cat/9.png,cat\ndog/2.png,\n"
    path = write_zip(tmp_path / "pets.zip", members | {"labels.csv": table.encode()})
    dataset = add_dataset(path)
    assert dataset.read_as == "class folders"
    assert dataset.class_counts == {"cat": 3, "dog": 3}
    assert dataset.health.notes[0] == (
        "labels.csv gives the same classes as folders or file names, which were used instead. 2"
        " lines of it could not be used: labels.csv line 8: there is no image named 'cat/9.png'."
        " labels.csv line 9: the label is empty."
    )


def test_i19_pictures_that_no_row_names_are_counted(tmp_path):
    dataset = added(tmp_path, "\n".join(GOOD.splitlines()[:-1]).encode())
    assert dataset.class_counts == {"cat": 3, "dog": 2}
    notes = [note for note in dataset.health.notes if "6.png" in note]
    assert notes == ["Left out: 1 image that no usable row of the table names: 6.png."]


def test_i19_a_missing_column_is_asked_for(tmp_path):
    table = "file,one,two\n" + "".join(f"{file},{label},x{label}\n" for file, label in ROWS)
    with pytest.raises(ReadingUnclear) as caught:
        added(tmp_path, table.encode())
    (sample,) = caught.value.question.tables
    assert (sample.name, sample.columns) == ("labels.csv", ["file", "one", "two"])
    assert sample.rows[0] == ["1.png", "cat", "xcat"]
    dataset = added(tmp_path, table.encode(), Choice(label_column="two"))
    assert dataset.classes == ("xcat", "xdog")


def test_i19_a_column_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match=r"no column 'kind'\. Its columns: file, label\.") as caught:
        added(tmp_path, GOOD.encode(), Choice(label_column="kind"))
    assert caught.value.field == "columns"


def test_i19_one_picture_with_two_labels_is_refused_with_both_lines(tmp_path):
    dataset = added(tmp_path, (GOOD + "1.png,dog\n").encode())
    reason = "'1.png' is named in several rows with different labels or subsets"
    assert reasons(dataset) == {"labels.csv line 2": reason, "labels.csv line 8": reason}

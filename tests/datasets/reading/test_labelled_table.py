"""Images with a table: which columns, which file a cell names, why bad rows are refused."""

import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.add import add_dataset
from core.datasets.reading import labelled_table
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, refused, the_reading
from tests.datasets.pictures import noise_png, two_classes, write_zip

FOLDERS = ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "dogs/2.jpg")
FLAT = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
LABELLED = csv_bytes("file,label", "a.jpg,cat", "b.jpg,dog", "c.jpg,cat", "d.jpg,dog")


def label_by_table(listing, choice):
    reading = the_reading(labelled_table, listing, choice)
    return None if reading is None else reading.found.files


def members(table, paths=FLAT, name="labels.csv"):
    return {path: path.encode() for path in paths} | {name: table}


def read(given, choice=Choice()):  # noqa: B008 - frozen
    """What each picture is labelled as, by its path, and the listing."""
    reading = the_reading(labelled_table, listing_of(given), choice)
    assert reading is not None
    return {entry.raw.path: entry.class_name for entry in reading.found.files}, reading.listing


CATS_AND_DOGS = {"a.jpg": "cat", "b.jpg": "dog", "c.jpg": "cat", "d.jpg": "dog"}


def lines(*cells, header="file,label"):
    labels = ("cat", "dog", "cat", "dog")
    rows = [f"{cell},{label}" for cell, label in zip(cells, labels, strict=True)]
    return csv_bytes(header, *rows) if header else csv_bytes(*rows)


NAMED_AS = {
    "as they are": lines(*FLAT),
    "without header": lines(*FLAT, header=None),
    "without ending": lines("a", "b", "c", "d", header="id,breed"),
    "in capitals": lines("A.JPG", "B.jpg", "C.Jpg", "d.JPG"),
    "with a path of another machine": lines(*(f"C:\\data\\x\\{name}" for name in FLAT)),
    "with dots before": lines(*(f"../images/./{name}" for name in FLAT)),
    "with an address": lines(*(f"https://cdn.example.org/im/{name}?size=9#x" for name in FLAT)),
    "below remarks": b"# microscope, a\n# exported in May\n" + lines(*FLAT),
    "with a header after a sign": b"# made by a program\n# " + lines(*FLAT),
    "with blanks around": lines(*(f" {name} " for name in FLAT)),
    "in another format": lines("a.png", "b.png", "c.png", "d.png"),
    "with a byte order mark": b"\xef\xbb\xbf" + lines(*FLAT),
    "only another column": lines(*FLAT, header="picture,emergency or not"),
    "in another language": lines(*FLAT, header="Datei,Kategorie"),
    "with a number before": csv_bytes(
        ",file,label", *(f"{at},{name},{CATS_AND_DOGS[name]}" for at, name in enumerate(FLAT))
    ),
    "label first": csv_bytes("label,file", *(f"{CATS_AND_DOGS[name]},{name}" for name in FLAT)),
    "among other columns": csv_bytes(
        "file,width,height,species",
        *(f"{name},{at},12,{CATS_AND_DOGS[name]}" for at, name in enumerate(FLAT)),
    ),
    "as number and as word": csv_bytes(
        "file,class,class_name",
        *(f"{name},{at % 2},{CATS_AND_DOGS[name]}" for at, name in enumerate(FLAT)),
    ),
    "label before a property": csv_bytes(
        "file,label,type",
        *(f"{name},{CATS_AND_DOGS[name]},{at % 3}" for at, name in enumerate(FLAT)),
    ),
    "one column for each class": csv_bytes(
        "file,cat,dog", *(f"{name},{1 - at % 2}.0,{at % 2}.0" for at, name in enumerate(FLAT))
    ),
}


@pytest.mark.parametrize("how", NAMED_AS)
def test_pictures_are_found_however_they_are_named(how):
    labels, listing = read(members(NAMED_AS[how]))
    assert labels == CATS_AND_DOGS
    assert listing.refused == []


NUMBERED = tuple(f"photos/{at:04}.jpg" for at in range(998, 1002))
# Excel takes leading zeros away; pandas writes 1.0 where cells of the column are blank.
NUMBERS = {
    "all of them": (("0001.jpg", "0002.jpg", "0010.jpg", "0011.jpg"), ("1", "2", "10", "11"), 4),
    "some of them": (NUMBERED, ("998", "999", "1000", "1001"), 2),
    "as fractions": (NUMBERED, ("998.0", "999.0", "1000.0", "1001.0"), 4),
    "without header": (NUMBERED, ("998", "999", "1000", "1001"), 2),
}


@pytest.mark.parametrize("how", NUMBERS)
def test_numbers_without_their_leading_zeros_name_images(how):
    paths, cells, by_number = NUMBERS[how]
    table = lines(*cells, header=None if how == "without header" else "Nr,Klasse")
    labels, listing = read(members(table, paths))
    assert labels == dict(zip(paths, ("cat", "dog", "cat", "dog"), strict=True))
    assert listing.refused == []
    name = paths[0].rpartition("/")[2]
    assert (
        f"labels.csv: {cells[0]} was taken for {name}; {by_number} rows in all without the zeros of"
        " the file name." in listing.notes
    )


def test_numbers_that_count_something_else_name_no_images():
    """The epochs of a training, beside a hundred images in class folders."""
    paths = tuple(f"{name}/{at:05}.jpg" for name in ("cats", "dogs") for at in range(1, 51))
    table = csv_bytes("epoch,kind", *(f"{at},{at % 2}" for at in range(1, 31)))
    assert the_reading(labelled_table, listing_of(members(table, paths)), Choice()) is None


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "meta/labels.txt", "LABELS.CSV"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_names_of_tables_and_separators(name, separator):
    table = LABELLED.replace(b",", separator.encode())
    assert read(members(table, name=name))[0] == CATS_AND_DOGS


def test_a_table_in_windows_1252_with_quoted_commas():
    table = 'Datei;Sorte\na.jpg;"Käse, alt"\nb.jpg;Müsli\nc.jpg;"Käse, alt"\n'.encode("cp1252")
    labels, _ = read(members(table, FLAT[:3]))
    assert labels == {"a.jpg": "Käse, alt", "b.jpg": "Müsli", "c.jpg": "Käse, alt"}


def test_a_label_typed_on_a_mac_is_the_same_label():
    """The same letters, once as one sign and once as two."""
    table = csv_bytes("file,label", "a.jpg,Gru\u0308n", "b.jpg,Gr\u00fcn", "c.jpg,Rot")
    labels, _ = read(members(table, FLAT[:3]))
    assert labels == {"a.jpg": "Gr\u00fcn", "b.jpg": "Gr\u00fcn", "c.jpg": "Rot"}


IN_FOLDERS = ("x/one/1.jpg", "x/two/1.jpg", "x/two/2.jpg")


@pytest.mark.parametrize("prefix", ["", "x/", "y/x/"])
def test_folders_tell_equal_names_apart(prefix):
    rows = [f"{prefix}one/1.jpg,cat", f"{prefix}two/1.jpg,dog", f"{prefix}two/2.jpg,dog"]
    labels, listing = read(members(csv_bytes("path,label", *rows), IN_FOLDERS))
    assert labels == {"x/one/1.jpg": "cat", "x/two/1.jpg": "dog", "x/two/2.jpg": "dog"}
    assert listing.refused == []


def test_a_name_that_could_be_several_pictures_is_refused():
    table = csv_bytes("path,label", "1.jpg,cat", "2.jpg,dog", "two/1.jpg,dog")
    labels, listing = read(members(table, IN_FOLDERS))
    assert labels == {"x/two/1.jpg": "dog", "x/two/2.jpg": "dog"}
    assert refused(listing) == {
        "labels.csv line 2": "'1.jpg' could be any of 2 images (x/one/1.jpg, x/two/1.jpg); write"
        " the folder before the name"
    }


def test_the_picture_where_the_table_lies_is_meant():
    paths = ("p/1.jpg", "p/2.jpg", "q/1.jpg", "q/2.jpg")
    table = csv_bytes("path,label", "1.jpg,cat", "2.jpg,dog")
    assert read(members(table, paths, "q/labels.csv"))[0] == {"q/1.jpg": "cat", "q/2.jpg": "dog"}


def test_a_label_is_not_given_to_a_picture_of_another_folder():
    table = csv_bytes("path,label", "cats/1.jpg,cat", "dogs/1.jpg,dog", "cats/2.jpg,cat")
    labels, listing = read(members(table, ("cats/2.jpg", "dogs/1.jpg")))
    assert labels == {"cats/2.jpg": "cat", "dogs/1.jpg": "dog"}
    assert refused(listing) == {"labels.csv line 2": "there is no image named 'cats/1.jpg'"}


def test_names_that_differ_only_in_case():
    table = csv_bytes("file,label", "A.jpg,cat", "a.jpg,dog")
    assert read(members(table, ("A.jpg", "a.jpg")))[0] == {"A.jpg": "cat", "a.jpg": "dog"}


BAD_ROWS = {
    "a.jpg,": "the label is empty",
    'a.jpg," "': "the label is empty",
    "a.jpg," + "x" * 500: "the label has 500 characters; the limit is 255",
    "gone.jpg,cat": "there is no image named 'gone.jpg'",
    ",cat": "it names no image",
    "a.jpg": "it has 1 cells where 2 were expected",
    "a.jpg,cat,black": "it has 3 cells where 2 were expected",
    '"a.jpg"x,cat': "its quotation marks do not match",
}


@pytest.mark.parametrize("row", BAD_ROWS, ids=BAD_ROWS.values())
def test_a_bad_row_is_refused_with_its_line_and_the_rest_kept(row):
    table = csv_bytes("file,label", "b.jpg,dog", row, "c.jpg,cat", "d.jpg,dog")
    labels, listing = read(members(table))
    assert labels == {"b.jpg": "dog", "c.jpg": "cat", "d.jpg": "dog"}
    assert refused(listing) == {"labels.csv line 3": BAD_ROWS[row]}
    assert listing.notes[-1] == ("Left out: 1 image that no usable row of the table names: a.jpg.")


def test_named_twice():
    table = csv_bytes(
        "file,label", "a.jpg,cat", "b.jpg,dog", "a.jpg,dog", "b.jpg,dog", "a.jpg,cat", "c.jpg,cat"
    )
    labels, listing = read(members(table))
    assert labels == {"b.jpg": "dog", "c.jpg": "cat"}
    reason = "'a.jpg' is named in several rows with different labels or subsets"
    assert refused(listing) == {f"labels.csv line {line}": reason for line in (2, 4, 6)}


def test_pictures_that_no_row_names_are_counted():
    paths = (*FLAT, *(f"more/{number}.jpg" for number in range(5)))
    _, listing = read(members(LABELLED, paths))
    assert listing.notes == [
        "labels.csv: column 'file' names the images, and column 'label' holds their classes.",
        "Left out: 5 images that no usable row of the table names: more/0.jpg,"
        " more/1.jpg, more/2.jpg and 2 more.",
    ]
    assert listing.ignored == 6


@pytest.mark.parametrize(
    "label", ["=cmd()", "<script>", "../", "\U0001f600", "nan", "true", "1e5", "**md**", "x" * 255]
)
def test_labels_are_kept_as_they_are(label):
    table = csv_bytes("file,label", f"a.jpg,{label}", "b.jpg,other")
    assert read(members(table, FLAT[:2]))[0] == {"a.jpg": label, "b.jpg": "other"}


def subsets(given, choice=Choice()):  # noqa: B008 - frozen
    listing = listing_of(given)
    return {entry.raw.path: entry.subset for entry in label_by_table(listing, choice) or []}


def test_a_column_of_subsets():
    table = csv_bytes(
        "file,label,Split", "a.jpg,cat,train", "b.jpg,dog,TEST", "c.jpg,cat,val", "d.jpg,dog,"
    )
    expected = {"a.jpg": "train", "b.jpg": "test", "c.jpg": "validation", "d.jpg": None}
    assert subsets(members(table)) == expected


def test_a_table_in_each_folder_of_the_split():
    given = {path: path.encode() for path in ("train/1.jpg", "train/2.jpg", "val/1.jpg")}
    given["train/_annotations.csv"] = csv_bytes("file,label", "1.jpg,cat", "2.jpg,dog")
    given["val/_annotations.csv"] = csv_bytes("file,label", "1.jpg,cat")
    expected = {"train/1.jpg": "train", "train/2.jpg": "train", "val/1.jpg": "validation"}
    assert subsets(given) == expected


def test_one_table_for_the_folders_of_the_split():
    paths = ("x/train/1.jpg", "x/train/2.jpg", "x/test/1.jpg")
    table = csv_bytes("file,label", "train/1.jpg,cat", "train/2.jpg,dog", "test/1.jpg,cat")
    given = members(table, paths, "x/labels.csv")
    assert subsets(given) == {path: path.split("/")[1] for path in paths}
    assert "The folders of the images were used as the split." in read(given)[1].notes


def test_a_folder_beside_train_and_test_makes_no_split():
    paths = ("train/1.jpg", "test/2.jpg", "more/3.jpg")
    given = members(csv_bytes("file,label", "1.jpg,cat", "2.jpg,dog", "3.jpg,cat"), paths)
    assert set(subsets(given).values()) == {None}


def test_the_tables_train_and_test_are_subsets():
    given = members(csv_bytes("file,label", "a.jpg,cat", "b.jpg,dog"), name="train.csv")
    given["test.csv"] = csv_bytes("file,label", "c.jpg,cat", "d.jpg,dog")
    expected = {"a.jpg": "train", "b.jpg": "train", "c.jpg": "test", "d.jpg": "test"}
    assert subsets(given) == expected


def test_tables_that_name_other_pictures_are_read_together():
    given = members(csv_bytes("file,label", "a.jpg,cat", "b.jpg,dog"), name="part1.csv")
    given["part2.csv"] = csv_bytes("file,label", "c.jpg,cat", "d.jpg,dog")
    assert read(given)[0] == CATS_AND_DOGS


def test_of_tables_with_other_columns_the_fuller_is_read():
    given = members(LABELLED)
    given["draft.csv"] = csv_bytes("file,mood", "a.jpg,calm", "b.jpg,calm")
    labels, listing = read(given)
    assert labels == CATS_AND_DOGS
    assert listing.notes[0] == "draft.csv also names images, and was left out."


def test_the_bundled_kind_of_manifest_changes_nothing(tmp_path, home):  # noqa: ARG001
    one_colour = add_dataset(write_zip(tmp_path / "a.zip", two_classes()))
    rows = [f"{path},{path[:4]}" for path in two_classes()]
    table = {"MANIFEST.csv": csv_bytes("file,label", *rows)}
    assert add_dataset(write_zip(tmp_path / "b.zip", two_classes() | table)).id == one_colour.id


def test_a_table_that_names_none_of_the_pictures():
    table = csv_bytes("file,label", "x.jpg,cat", "y.jpg,dog", "z.jpg,dog")
    with pytest.raises(BadInput) as caught:
        read(members(table))
    assert str(caught.value) == (
        "labels.csv names x.jpg and y.jpg, but none of the images that it names is there. There"
        " are a.jpg and b.jpg. Give the images of this table."
    )


def test_a_spreadsheet_is_named():
    with pytest.raises(BadInput, match=r"labels\.xlsx is a spreadsheet, which cannot be read"):
        read(members(b"PK\3\4", name="labels.xlsx"))


def test_labels_that_differ_only_in_case_are_said():
    table = csv_bytes("file,label", "a.jpg,Cat", "b.jpg,cat", "c.jpg,dog")
    _, listing = read(members(table, FLAT[:3]))
    assert (
        "The classes 'Cat' and 'cat' differ only in capital letters, blanks or invisible signs."
        " They were kept apart; merge them if they are one class."
    ) in listing.notes


def test_without_a_table_or_without_pictures():
    assert label_by_table(listing_of({"a/1.jpg": b"x", "b/1.jpg": b"y"}), Choice()) is None
    assert label_by_table(listing_of({"labels.csv": LABELLED}), Choice()) is None


def test_stored(tmp_path, home):  # noqa: ARG001
    pictures = {f"wrap/images/{name}": noise_png(at) for at, name in enumerate(FLAT)}
    table = csv_bytes("file,label,split", *(f"{n},{CATS_AND_DOGS[n]},{s}" for n, s in SPLIT))
    path = write_zip(tmp_path / "pets.zip", pictures | {"wrap/labels.csv": table})
    dataset = add_dataset(path)
    assert dataset.read_as == "images with a table of labels"
    assert dataset.classes == ("cat", "dog")
    assert dataset.file_names == ("a.jpg", "c.jpg", "b.jpg", "d.jpg")
    assert dataset.predefined_subsets.tolist() == [0, 2, 0, 2]


SPLIT = (("a.jpg", "train"), ("b.jpg", "train"), ("c.jpg", "test"), ("d.jpg", "test"))


composed = partial(unicodedata.normalize, "NFC")  # labels are, as file names are


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from([*FLAT, "x"]), st.text(max_size=20)), max_size=8))
def test_kept_labels_are_literally_those_given(rows):
    quoted = [f'{name},"{label.replace(chr(34), chr(34) * 2)}"' for name, label in rows]
    table = "\n".join(["file,label", "a.jpg,cat", *quoted]).encode("utf-8", "surrogatepass")
    listing = listing_of(members(table))
    try:
        labelled = label_by_table(listing, Choice(several_labels="first")) or []
    except BadInput:
        return
    given_labels = [("a.jpg", "cat"), *((name, composed(label.strip())) for name, label in rows)]
    for entry in labelled:
        # Line breaks inside a cell are one of what csv calls line breaks; such labels are refused.
        # Of a cell that holds several labels, the first is literally a part.
        assert any(
            name == entry.raw.path and entry.class_name in label for name, label in given_labels
        )


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200), st.sampled_from(["labels.csv", "x/y.txt", "t.tsv"]))
def test_any_text_beside_pictures_is_a_table_or_not(text, name):
    data = text.encode("utf-8", "surrogatepass")
    for paths in (FLAT, FOLDERS):
        try:
            labelled_table.readings(listing_of(members(data, paths, name)), Choice())
        except BadInput as error:
            assert str(error)  # noqa: PT017 - either outcome is right

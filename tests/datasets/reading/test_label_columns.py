"""Which columns of a table may hold the label: what is offered, doubted, or refused."""

import pytest

from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading.recognise import readings
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, settled
from tests.datasets.reading.offered import labels

COUNT = 24
FILES = [f"im/{n}.jpg" for n in range(COUNT)]
PETS = ("cat", "dog", "owl")
MEASURED = "a measured number, not like classes: 24 values on 24 rows"


def given(header, row, count=COUNT, name="labels.csv"):
    """A table whose rows ``row(n)`` makes, beside 24 images."""
    lines = ([header] if header else []) + [row(n) for n in range(count)]
    return {path: path.encode() for path in FILES} | {name: csv_bytes(*lines)}


def offered(members, choice=Choice()):  # noqa: B008 - frozen
    """The columns that are offered, each with why it may be wrong."""
    found = readings(listing_of(members), choice)
    return {reading.choice.label_column: reading.doubt for reading in found}


OFFERED = {
    "two columns": (
        given("file,animal,where", lambda n: f"{n}.jpg,{PETS[n % 3]},{('home', 'zoo')[n % 2]}"),
        dict.fromkeys(
            ("animal", "where"), "Any of these columns may hold the label: animal, where"
        ),
    ),
    "two labels": (
        given("file,fine_label,coarse_label", lambda n: f"{n}.jpg,{PETS[n % 3]},{'ab'[n % 2]}"),
        dict.fromkeys(
            ("fine_label", "coarse_label"),
            "Several columns are named like labels: fine_label, coarse_label",
        ),
    ),
    "ages": (
        given("file,age", lambda n: f"{n}.jpg,{20 + n * 7 % 40}"),
        {"age": f"Column 'age' looks like {MEASURED}"},
    ),
    "decimals called label": (
        given("file,label", lambda n: f"{n}.jpg,{n * 0.017:.3f}"),
        {"label": f"Column 'label' looks like {MEASURED}"},
    ),
    "few widths": (
        given("file,width", lambda n: f"{n}.jpg,{100 * (1 + n % 3)}"),
        {"width": "Column 'width' is named like a measure, not like a label"},
    ),
    "weights": (
        given("file,weight_kg", lambda n: f"{n}.jpg,{3 + n % 3}"),
        {"weight_kg": "Column 'weight_kg' is named like a measure, not like a label"},
    ),
    "counts": (
        given("file,num_cars", lambda n: f"{n}.jpg,{n % 3}"),
        {"num_cars": "Column 'num_cars' is named like a measure, not like a label"},
    ),
    **{
        column: (
            given(f"file,{column}", lambda n: f"{n}.jpg,{'abc'[n % 3]}"),
            {column: f"Column {column!r} is named like the origin of an image, not like a label"},
        )
        for column in ("patient_id", "photographer", "annotator", "camera", "hospital", "license")
    },
    "a kind beside what it is": (
        given("file,type,animal", lambda n: f"{n}.jpg,{('photo', 'map')[n % 2]},{PETS[n % 3]}"),
        dict.fromkeys(("type", "animal"), "Any of these columns may hold the label: type, animal"),
    ),
    "marks beside a column of words": (
        given(
            "file,animal,morning,noon,night",
            lambda n: f"{n}.jpg,{PETS[n % 3]}," + ("1,0,0", "0,1,0", "0,0,1")[n // 2 % 3],
        ),
        dict.fromkeys(
            (None, "animal"),
            "The columns with a 1 may be properties of the images, and animal the class",
        ),
    ),
    "ids of single images": (
        given("Image,Id", lambda n: f"{n}.jpg,{'new' if n % 2 else f'w_{n}'}"),
        {"Id": "Column 'Id' looks like names or remarks, not like classes: 13 values on 24 rows"},
    ),
    "attributes": (
        given("file,hat,beard", lambda n: f"{n}.jpg,{1 - n % 2 * 2},{1 - n // 2 % 2 * 2}"),
        dict.fromkeys(
            ("hat", "beard"),
            "Its columns mark several things in one image, and a class is one of them: hat, beard",
        ),
    ),
    "one box for each image": (
        given("file,class,xmin,ymin,xmax,ymax", lambda n: f"{n}.jpg,{PETS[n % 3]},1,{n},20,30"),
        {
            "class": "Columns xmin, ymin, xmax, ymax may be boxes around objects, which are not"
            " learned"
        },
    ),
}


@pytest.mark.parametrize("name", OFFERED)
def test_what_is_unclear_is_offered_with_the_doubt(name):
    members, doubts = OFFERED[name]
    assert offered(members) == doubts
    with pytest.raises(ReadingUnclear):
        settled(listing_of(members))
    for reading in readings(listing_of(members), Choice()):  # what a person chose is not doubted
        again = settled(listing_of(members), reading.choice)
        assert again.choice == reading.choice
        assert labels(again) == labels(reading)
    for column in filter(None, doubts):
        assert offered(members, Choice(label_column=column)) == {column: None}


CLEAR = {
    "ratings": (given("file,rating", lambda n: f"{n}.jpg,{1 + n % 5}"), "rating"),
    "an id that is a class": (given("file,Id", lambda n: f"{n}.jpg,w_{n % 4}"), "Id"),
    "one letter alone": (given("file,y", lambda n: f"{n}.jpg,{n % 2}"), "y"),
    "a comma cut the header": (
        given(
            "file,Finding Labels,Size[x,y],", lambda n: f"{n}.jpg,{PETS[n % 3]},{n % 2},{n % 4},"
        ),
        "Finding Labels",
    ),
    "words for the numbers": (
        given("file,class_id,class_name", lambda n: f"{n}.jpg,{n % 3},{PETS[n % 3]}"),
        "class_name",
    ),
    "a label beside remarks": (
        given("file,caption,label", lambda n: f"{n}.jpg,photo {n},{PETS[n % 3]}"),
        "label",
    ),
    "a numbered fold is no class": (
        given("file,label,fold", lambda n: f"{n}.jpg,{PETS[n % 3]},{n % 5}"),
        "label",
    ),
    "lines above the header": (
        given("My pets,,\nof 2024,,\nfile,label,by", lambda n: f"{n}.jpg,{PETS[n % 3]},eva"),
        "label",
    ),
    "an index before, no header": (
        given("", lambda n: f"{n},{n % 3},im/{n}.jpg", name="t.lst"),
        "column 2",
    ),
}


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_clear_is_taken(name):
    members, column = CLEAR[name]
    assert offered(members) == {column: None}


REFUSED = {
    "boxes without a header": (
        given("", lambda n: f"im/{n % 24}.jpg,{n},{n + 1},{n + 20},{n + 30},{PETS[n % 3]}", 36),
        "labels.csv holds boxes around objects",
    ),
    "boxes in one cell": (
        given("image_id,bbox,source", lambda n: f'{n % 24},"[{n}, 2, 3, 4]",{PETS[n % 3]}', 36),
        "labels.csv holds boxes around objects",
    ),
    "fractions of two classes": (
        given("file,cat,dog", lambda n: f"{n}.jpg,{n % 10 / 10},{1 - n % 10 / 10:.1f}"),
        "labels.csv gives fractions (probabilities, or shares of votes) of 2 classes",
    ),
    "votes": (
        given("GalaxyID,Class1.1,Class1.2,Class1.3", lambda n: f"{n},{n % 10 / 10},0.2,0.3"),
        "labels.csv gives fractions (probabilities, or shares of votes) of 3 classes",
    ),
    "remarks": (
        given("file,notes", lambda n: f"{n}.jpg,remark {n}"),
        "labels.csv names images, but it is unclear which of its columns holds the label.",
    ),
    "a partition alone": (
        given("file,partition", lambda n: f"{n}.jpg,{n % 3}"),
        "labels.csv names images, but it is unclear which of its columns holds the label.",
    ),
    "numbers that name other images": (
        given("image_path,class", lambda n: f"x{n}.jpg,{n % 3}"),
        "labels.csv names x0.jpg and x1.jpg, but none of the images that it names is there.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_class_is_told(name):
    members, start = REFUSED[name]
    with pytest.raises(BadInput) as caught:
        settled(listing_of(members))
    assert str(caught.value).startswith(start)


SUBSETS = {
    "0 and 1": ("split", lambda n: int(n > 15), {"train": 16, "test": 8}),
    "0, 1 and 2": ("partition", lambda n: n // 8, {"train": 8, "validation": 8, "test": 8}),
    "is_train": ("is_train", lambda n: int(n < 16), {"train": 16, "test": 8}),
    "is_valid": ("is_valid", lambda n: n > 15, {"train": 16, "validation": 8}),
    "none assigned": ("ml_use", lambda _: "UNASSIGNED", {None: 24}),
    "some unassigned": (
        "ml_use",
        lambda n: ("training", "test", "UNASSIGNED")[n // 8],
        {"train": 8, "test": 8, None: 8},
    ),
    "a name that says nothing": (
        "colour",
        lambda n: ("train", "test")[n // 12],
        {"train": 12, "test": 12},
    ),
    "folds": ("fold", lambda n: n % 3, {None: 24}),
}


@pytest.mark.parametrize("name", SUBSETS)
def test_a_column_of_subsets(name):
    column, cell, counts = SUBSETS[name]
    members = given(f"file,label,{column}", lambda n: f"{n}.jpg,{PETS[n % 3]},{cell(n)}")
    files = settled(listing_of(members)).found.files
    found = [file.subset for file in files]
    assert {subset: found.count(subset) for subset in set(found)} == counts
    assert {file.class_name for file in files} == set(PETS)

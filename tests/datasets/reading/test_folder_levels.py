"""Which level of folders is the class: taken where it is clear, asked about where it is not."""

import pytest

from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.reading.offered import counts, labels, offers, subsets, taken, tree


def in_both(outer: str, inner: str) -> dict[str, bytes]:
    return {p: d for name in outer.split() for p, d in tree(f"{name}/", inner).items()}


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("apple pear", "front side"),
        ("cow pig", "2021-05-01 2021-05-02"),
        ("cup mug", "camera_1 camera_2"),
        ("oak fir", "morning evening"),
        ("ok scratched", "original augmented"),
        ("rose tulip", "fold1 fold2 fold3"),
        ("Hund Katze", "vorne hinten"),
    ],
)
def test_what_says_how_images_were_taken_is_no_class(outer, inner):
    found = taken(in_both(outer, inner))
    assert sorted(counts(found)) == sorted(outer.split())
    assert found.choice.classes_from == "folders:1"


@pytest.mark.parametrize(
    "outer", ["fold1 fold2 fold3", "session_1 session_2", "2021-05-01 2021-05-02"]
)
def test_parts_of_a_collection_are_put_together(outer):
    found = taken(in_both(outer, "ok scratch"))
    assert list(counts(found)) == ["ok", "scratch"]
    assert "were put together" in found.listing.notes[0]


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("anna ben", "ok scratch"), ("amazon webcam", "bike mug pen"), ("f g", "0 1 2")],
)
def test_the_same_folders_in_several_are_asked_about(outer, inner):
    together, first, *alone = offers(in_both(outer, inner))
    assert list(counts(together)) == inner.split()
    assert list(counts(first)) == outer.split()
    assert [reading.choice.leave_out for reading in alone] == [
        (other,) for other in reversed(outer.split())
    ]
    assert all(reading.doubt.startswith("Right if") for reading in (together, first, *alone))


def test_versions_of_the_same_images_are_asked_about():
    files = in_both("data/color data/grayscale data/segmented", "healthy scab")
    together, *alone = offers(files)
    assert counts(together) == {"healthy": 9, "scab": 9}
    assert "look like versions of the same images" in together.doubt
    assert [counts(reading) for reading in alone] == [{"healthy": 3, "scab": 3}] * 3
    assert alone[0].choice == Choice(
        classes_from="folders:1", leave_out=("data/grayscale", "data/segmented")
    )


@pytest.mark.parametrize("order", ["{subset}/{kind}", "{kind}/{subset}"])
def test_versions_above_and_below_a_split(order):
    files = {}
    for subset in ("train", "test"):
        for kind in ("16x16", "32x32"):
            files |= tree(f"{order.format(subset=subset, kind=kind)}/", "cat dog")
    together, first, second = offers(files)
    assert counts(together) == {"cat": 12, "dog": 12}
    assert subsets(together) == {"train": 12, "test": 12}
    assert all(subsets(reading) == {"train": 6, "test": 6} for reading in (first, second))


def test_kinds_of_kinds_are_asked_about():
    lungs, colons = "lung_aca lung_n lung_scc", "colon_aca colon_n"
    first, second = offers(tree("a/lung_sets/", lungs) | tree("a/colon_sets/", colons))
    assert counts(first) == {"colon_sets": 6, "lung_sets": 9}
    assert sorted(counts(second)) == sorted(f"{lungs} {colons}".split())
    animals = tree("animals/", "cats dogs") | tree("", "plants")
    assert [list(counts(reading)) for reading in offers(animals)] == [
        ["animals", "plants"],
        ["cats", "dogs", "plants"],
    ]


def test_three_levels():
    files = tree("animal/cat/", "persian siam") | tree("animal/dog/", "husky poodle")
    files |= tree("plant/tree/", "oak fir") | tree("plant/herb/", "mint sage")
    levels = offers(files)
    assert [len(counts(reading)) for reading in levels] == [2, 4, 8]
    assert [reading.choice.level for reading in levels] == [1, 2, 3]


@pytest.mark.parametrize(
    "files",
    [
        tree("cats/", "images") | tree("dogs/", "images"),
        tree("cats/", "cats_1 cats_2") | tree("dogs/", "dogs_1 dogs_2"),
        tree("", "cats dogs") | tree("cats/", "taken"),
        tree("cats/", "p0012 p0047") | tree("dogs/", "p0101 p0305"),
    ],
    ids=["one folder in each", "numbered like the class", "images directly", "ids inside"],
)
def test_the_first_level_is_clear(files):
    assert list(counts(taken(files))) == ["cats", "dogs"]


@pytest.mark.parametrize(
    ("names", "file", "why"),
    [
        ("batch_1 batch_2", "{n}.png", "parts of one collection"),
        ("2021-05-01 2021-05-02", "{n}.png", "parts of one collection"),
        ("100CANON 101CANON", "{n}.png", "parts of one collection"),
        ("16x16 32x32 64x64", "{n}.png", "versions of the same images"),
        ("original augmented", "{n}.png", "versions of the same images"),
        ("png sprites", "{n}.png", "formats or sizes"),
        ("A B", "{n}.png", "images of the same names"),
        ("before after", "{n}.png", "images of the same names"),
        ("vorher nachher", "{n}.png", "images of the same names"),
        ("trainA trainB", "{n}.png", "images of the same names"),
    ],
)
def test_folders_that_may_be_no_classes_are_asked_about(names, file, why):
    (reading,) = offers(tree("", names, 4, file))
    assert why in reading.doubt
    assert len(counts(reading)) == len(names.split())


def test_the_same_names_in_two_folders_are_asked_about_unless_they_are_numbers():
    names = ["tower", "house", "tree", "lake", "boat", "bridge"]
    files = {f"{kind}/{name}.png": b"x" for kind in ("one", "other") for name in names}
    assert "images of the same names" in offers_of_any(files)[0].doubt
    icons = [f"{name}.{'gif' if name == 'boat' else 'png'}" for name in names]
    files = {f"{kind}/{name}": b"x" for kind in ("light", "dark") for name in icons}
    assert "images of the same names" in offers_of_any(files)[0].doubt
    ids = [114, 3620, 77731, 90125, 100011, 240007]
    files = {f"{kind}/{number:012}.png": b"x" for kind in ("one", "other") for number in ids}
    assert "images of the same names" in offers_of_any(files)[0].doubt
    assert taken(tree("", "cats dogs", 30, "IMG_{n}.png")).doubt is None


def offers_of_any(files):
    images = tree("", "x", len(files))
    return offers(dict(zip(files, images.values(), strict=True)))


def test_a_chosen_level_and_one_that_is_not_there():
    files = in_both("anna ben", "ok scratch")
    assert list(counts(taken(files, Choice(classes_from="folders:1")))) == ["anna", "ben"]
    assert list(counts(taken(files, Choice(classes_from="folders:2")))) == ["ok", "scratch"]
    with pytest.raises(BadInput, match="No image is in folders of level 3; the deepest level"):
        offers(files, Choice(classes_from="folders:3"))


def test_folders_that_a_person_names_are_subsets():
    files = tree("week1/", "ok scratch") | tree("week2/", "ok scratch", 2)
    found = taken(files, Choice(subsets={"week2": "test"}, classes_from="folders"))
    assert subsets(found) == {"train": 6, "test": 4}
    assert labels(found)["week2/ok/0.png"] == ("ok", "test")
    files = tree("a/old/", "ok scratch") | tree("a/new/", "ok scratch", 2)
    found = taken(files, Choice(subsets={"a/old": "train", "new": "validation"}))
    assert subsets(found) == {"train": 6, "validation": 4}
    with pytest.raises(BadInput, match="There is no folder 'nwe'"):
        offers(files, Choice(subsets={"nwe": "test"}))


def test_a_level_may_be_counted_with_the_folders_of_the_subsets():
    files = tree("berlin/", "ill well") | tree("oslo/", "ill well") | tree("extra/", "ill well", 2)
    with_level = {
        level: Choice(classes_from=f"folders:{level}", subsets={"extra": "test"})
        for level in (1, 2, 3)
    }
    for level in (1, 2):
        found = taken(files, with_level[level])
        assert list(counts(found)) == ["ill", "well"]
        assert subsets(found) == {"train": 12, "test": 4}
        assert found.choice == with_level[1]
    with pytest.raises(BadInput, match="No image is in folders of level 3; the deepest level"):
        offers(files, with_level[3])


def test_nobody_is_asked_about_files_that_cannot_be_opened():
    files = dict.fromkeys(in_both("anna ben", "ok scratch"), b"no image")
    assert taken(files).doubt is None

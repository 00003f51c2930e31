"""Classes in file names: clear ones, offered ones, what never counts, and chosen patterns."""

from itertools import product

import pytest

from core.datasets.reading.named_classes import before_number, named_classes
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.reading.offered import counts, images, labels, offers, subsets, taken


def clear_classes(names: list[str]) -> dict[str, str] | None:
    found = named_classes(names)
    return dict(found[0].classes) if found and found[0].doubt is None else None


@pytest.mark.parametrize(
    ("stem", "class_name"),
    [
        ("cat.0", "cat"),
        ("cat_001", "cat"),
        ("cat 12", "cat"),
        ("cat (3)", "cat"),
        ("cat12", "cat"),
        ("american_pit_bull-7", "american_pit_bull"),
        ("n01440764_10026", "n01440764"),
        ("0001", None),
        ("2019_01_02", None),
        ("cat", None),
    ],
)
def test_the_class_before_a_number(stem, class_name):
    assert before_number(stem) == class_name


def test_names_give_classes_only_where_that_is_plain():
    good = [f"{name}{number}" for name in ("a", "b") for number in range(30)]
    assert len(clear_classes(good) or {}) == 60
    assert len(clear_classes([*good, "odd"]) or {}) == 60
    assert clear_classes([*good, *(f"odd{letter}" for letter in "abcd")]) is None
    assert clear_classes([f"IMG_{number}" for number in range(30)]) is None


@pytest.mark.parametrize(
    "names",
    [
        [f"Train_{n}" for n in range(32)] + [f"Test_{n}" for n in range(10)],
        [f"val{n}" for n in range(9)] + [f"train{n}" for n in range(9)],
        [f"IMG_{n}" for n in range(30)] + [f"DSC_{n}" for n in range(30)],
        [f"photo ({n})" for n in range(9)] + [f"image ({n})" for n in range(9)],
        [f"IMG_202105{1 + n % 9:02}_1200{n:02}" for n in range(40)],
        [f"WhatsApp Image 2021-01-0{1 + n % 9} at 12.3{n % 6}.1{n % 7}" for n in range(40)],
        [f"Screenshot 2021-01-0{1 + n % 9} 12.3{n % 6}.1{n % 7}" for n in range(40)],
        [f"frame_{n:05}" for n in range(40)],
        [f"{n:04}" for n in range(40)],
        [f"{n}" for n in range(1, 300)],
        [f"{n * 2654435761 % 2**32:08x}-IMG_{n}" for n in range(40)],
    ],
)
def test_what_machines_and_splits_write_is_no_class(names):
    with pytest.raises(BadInput, match=r"If the file names contain the class, choose where"):
        offers(images(*(f"{name}.png" for name in names)))


def names_like(form: str, **parts: object) -> list[str]:
    """The names for all combinations of parts."""
    return [
        form.format(**dict(zip(parts, values, strict=True))) for values in product(*parts.values())
    ]


_WHO, _MOODS, _PETS = ("anna", "ben"), ("happy", "sad"), ("cat", "dog")
OFFERED = {
    "part 2 of 3": (
        names_like("{who}.{mood}{n}.3{n}", who=("KA", "YM"), mood=("AN", "HA"), n=range(4)),
        ["AN", "HA"],
    ),
    "after a number": (names_like("{n:03}_{pet}", n=range(6), pet=_PETS), ["cat", "dog"]),
    "before a hyphen": (names_like("{pet}-{x}", x="abcdef", pet=_PETS), ["cat", "dog"]),
    "the second of two": (
        names_like("{who}_{mood}_{n}", who=_WHO, mood=_MOODS, n=range(4)),
        ["happy", "sad"],
    ),
    "both of two": (
        names_like("{who}_{mood}_{n}", who=_WHO, mood=_MOODS, n=range(4)),
        ["anna_happy", "anna_sad", "ben_happy", "ben_sad"],
    ),
    "behind a split": (
        names_like("{part}_{pet}_{n}", part=("train", "test"), pet=_PETS, n=range(4)),
        ["cat", "dog"],
    ),
    "one of numbers": (
        names_like("{age}_{kind}_2_{age}7919{kind}", age=range(20, 50), kind=(0, 1)),
        ["0", "1"],
    ),
    "of any length": (
        names_like("{name}-{n}x{n}", name=("red fox", "owl", "big grey owl"), n=range(4)),
        ["big grey owl", "owl", "red fox"],
    ),
}


@pytest.mark.parametrize("name", OFFERED)
def test_patterns_are_offered_with_the_classes_they_give(name):
    stems, classes = OFFERED[name]
    found = offers(images(*(f"{stem}.png" for stem in stems)))
    assert 1 <= len(found) <= 5
    assert all(reading.doubt is not None for reading in found)
    assert classes in [list(counts(reading)) for reading in found]


def test_a_pattern_of_a_person_wins_over_folders():
    names = [
        f"{who}/{who}_{mood}_{n}.png" for who in ("a", "b") for mood in ("x", "y") for n in "12"
    ]
    found = taken(images(*names, "a/odd.png"), Choice(name_pattern="*_{class}_#"))
    assert counts(found) == {"x": 4, "y": 4}
    assert found.listing.notes[0] == (
        "Left out: 1 file whose names do not say a class in the same way."
    )
    assert labels(found)["a/a_x_1.png"] == ("x", None)
    with pytest.raises(BadInput, match=r"fits none of the 9 names of images, such as a_x_1\.png"):
        offers(images(*names, "a/odd.png"), Choice(name_pattern="{class}+*"))


def test_a_pattern_in_the_folders_of_a_split():
    names = [
        f"{s}/{k}/{c}-{n}.png" for s in ("train", "test") for k in "pq" for c in "xy" for n in "12"
    ]
    found = taken(images(*names), Choice(name_pattern="{class}-#"))
    assert (counts(found), subsets(found)) == ({"x": 8, "y": 8}, {"train": 8, "test": 8})


def test_folders_of_a_collection_whose_file_names_say_the_class():
    names = [f"images_{b:03}/{c}_{b}{n}.png" for b in (1, 2) for c in ("cat", "dog") for n in "123"]
    assert counts(taken(images(*names))) == {"cat": 6, "dog": 6}


def test_edge_impulse_is_known_by_its_labels():
    names = [
        f"{part}/{thing}.{n}a9.ingestion-6b{n}.png"
        for part in ("training", "testing")
        for thing in ("coffee", "lamp")
        for n in range(3)
    ]
    found = taken(images(*names) | {"training/info.labels": b'{"version": 1, "files": []}'})
    assert (counts(found), subsets(found)) == ({"coffee": 6, "lamp": 6}, {"train": 6, "test": 6})


@pytest.mark.parametrize(
    "names", [("left", "right"), ("front", "back"), ("original", "augmented"), ("before", "after")]
)
def test_names_of_views_and_versions_are_asked_about(names: tuple[str, str]) -> None:
    (found,) = named_classes([f"{name}_{n:02}" for name in names for n in range(5)])
    assert set(found.classes.values()) == set(names)
    assert found.doubt == (
        f"The names {', '.join(sorted(names))} say how images were taken or kept: right if these"
        " are the classes."
    )

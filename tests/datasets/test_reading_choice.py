"""What a person chose about how an upload is read: patterns, what is left out, and options."""

import random
import re

import pytest
from pydantic import ValidationError

from core.datasets.reading_choice import Choice, subset_choice
from core.errors import BadInput


@pytest.mark.parametrize(
    ("pattern", "stem", "expected"),
    [
        ("{class}_*", "cat_01_b", "cat"),
        ("*_{class}", "01_b_cat", "cat"),
        ("{class}.*", "coffee.0a9f2c1.ingestion-6b8", "coffee"),
        ("*.{class}#.*", "KA.HA1.39", "HA"),
        ("{class}#", "benign12", "benign"),
        ("[{class}] *", "[a+b] 1", "a+b"),
        ("{class}_*", "cat", None),
        ("{class}_*", " _1", None),
    ],
)
def test_the_class_in_a_file_name(pattern, stem, expected):
    assert Choice(name_pattern=pattern).class_in(stem) == expected


def test_a_pattern_finds_what_a_regular_expression_does():
    """Whether it is a fast one, or so long that only names of its form are found fast."""
    dice = random.Random(3)
    pieces = {"{class}": "(.+?)", "*": ".*", "#": "[0-9]+", "_": "_", "-": "-", "a": "a"}
    others = [piece for piece in pieces if piece != "{class}"]
    found = 0
    for _ in range(3000):
        drawn = [*dice.choices(others, k=dice.randint(0, 6)), "{class}"]
        dice.shuffle(drawn)
        name = "".join(dice.choices("ab1_-", k=dice.randint(1, 9)))
        match = re.fullmatch("".join(pieces[piece] for piece in drawn), name)
        expected = match[1] if match else None
        assert Choice(name_pattern="".join(drawn)).class_in(name) == expected, (drawn, name)
        found += expected is not None
    assert found > 300


@pytest.mark.parametrize(
    ("left_out", "path", "expected"),
    [
        ("masks", "data/masks/1.png", True),
        ("data/masks", "data/masks/1.png", True),
        ("*_mask.png", "benign/1_mask.png", True),
        ("masks", "data/images/masks.png", False),
        ("data/mask", "data/masks/1.png", False),
    ],
)
def test_what_is_left_out(left_out, path, expected):
    assert Choice(leave_out=(left_out,)).leaves_out(path.split("/")) is expected


def test_options_repeat_the_choice():
    choice = Choice(
        classes_from="folders:2", subsets={"val": "validation"}, leave_out=("masks", "*.gif")
    )
    assert choice.options == (
        "--classes-from folders:2 --subset val=validation --leave-out masks --leave-out '*.gif'"
    )
    assert (choice.level, choice.allows_folders, choice.allows_table("t.csv")) == (2, True, False)


def test_what_can_never_be_meant_is_refused():
    assert subset_choice("a=b/=test") == ("a=b", "test")
    with pytest.raises(BadInput, match="FOLDER=train"):
        subset_choice("val=valid")
    with pytest.raises(ValidationError, match="once, as in"):
        Choice(name_pattern="*_*")


def test_a_pattern_of_many_stars_is_not_tried_for_hours():
    choice = Choice(name_pattern="*a" * 30 + "{class}b")
    assert choice.class_in("a" * 200) is None
    assert choice.class_in("a" * 40 + "dogb") == "dog"
    with pytest.raises(ValidationError, match="the pattern is longer than 100 characters"):
        Choice(name_pattern="*a" * 50 + "{class}b")

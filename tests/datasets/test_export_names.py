"""Names of classes and files in an exported zip: safe, and known again when it is added."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.datasets.export import exported_classes, exported_file_name
from tests.datasets.test_export import added_again, exported, members_of, of_classes, rows_of

pytestmark = pytest.mark.usefixtures("home")


NAMES = {
    "formulas": ("=cmd()", "+1", "-1", "@A1"),
    "formulas that are no folders": ("=a/b", "-c/d", "@e:f"),
    "paths": ("../", "..", "a/b", "a\\b", "/abs", "C:\\x"),
    "hidden": (".hidden", "__MACOSX", "Thumbs.db"),
    "reserved": ("CON", "nul", "com1.png", "LPT9", "aux.txt"),
    "dots and blanks": ("end.", "end ", " begin", "a  b", "."),
    "case twins": ("Cats", "cats", "CATS", "straße", "STRASSE"),
    "normal forms": ("caf\u00e9", "cafe\u0301"),
    "sides": ("train", "test", "val", "training_set", "seg_pred"),
    "numbers and nothing": ("nan", "true", "1e5", "007", "7", "None", "null"),
    "markup": ("<script>", "**md**", "a&b", '"quoted"', "it's"),
    "emoji and scripts": ("🐱", "猫", "кот", "قط"),
    "long": ("x" * 255, "x" * 254 + "y", "é" * 255),
    "separators": ("a;b;c", "d;e;f", "g|h", "i,j"),
    "apostrophes": ("=x", "'=x", "''=x", "'", "''"),
    "what is made up": ("../", "class 1", "class 2", "class 3 x", "x/"),
    "other signs": ("a*b", "a?b", "a:b", "%41", "~", "$(x)", "`x`"),
    "letters that were lost": ("caf\ufffd", "\ufffd"),
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_any_class_name_comes_back(tmp_path, monkeypatch, names):
    dataset = of_classes([*names, "plain"])
    data = exported(dataset)
    for member in members_of(data):
        assert not member.startswith(("/", ".", "=", "+", "-", "@", " "))
        for part in member.split("/"):
            assert 0 < len(part.encode()) <= 255
            assert part not in ("..", ".", "")
            assert not part.endswith((".", " "))
            assert not set(part) & set('<>:"\\|?*')
    for row in rows_of(data):
        assert not row["label"].startswith(("=", "+", "-", "@", "\t", "\r"))
    folders = {member.split("/")[0] for member in members_of(data) if "/" in member}
    assert len({folder.casefold() for folder in folders}) == len(names) + 1
    again = added_again(dataset, tmp_path, monkeypatch)
    assert again.classes == dataset.classes
    assert again.id == dataset.id


def test_a_name_that_a_spreadsheet_would_run_is_defused_and_comes_back(tmp_path, monkeypatch):
    dataset = of_classes(["=cmd()", "dogs"])
    assert {row["label"] for row in rows_of(exported(dataset))} == {"'=cmd()", "dogs"}
    assert json.loads(members_of(exported(dataset))["headstart.json"])["class names"] == {
        "'=cmd()": "=cmd()",
        "class 1 cmd": "=cmd()",
    }
    assert added_again(dataset, tmp_path, monkeypatch).classes == ("=cmd()", "dogs")


class_names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf")), min_size=1, max_size=12
).filter(lambda name: bool(name.strip()))


@given(st.sets(class_names, min_size=2, max_size=6))
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_class_names_come_back(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("names")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(root / "home"))
        dataset = of_classes(names)
        again = added_again(dataset, root, patch)
    assert again.classes == dataset.classes
    assert again.id == dataset.id


@given(st.lists(class_names, min_size=1, max_size=20, unique=True))
@settings(deadline=None, max_examples=200)
def test_no_two_classes_share_a_folder_or_a_cell(names):
    made = exported_classes(sorted(names))
    assert len({entry.folder.casefold() for entry in made}) == len(names)
    meanings = {}
    for entry in made:
        for text in (entry.folder, entry.cell):
            assert meanings.setdefault(text, entry.name) == entry.name


def test_ten_thousand_odd_names_are_quick():
    names = sorted(f"={number}/" for number in range(10_000))
    assert len({entry.folder for entry in exported_classes(names)}) == 10_000


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("cats/puppy.jpeg", "007-puppy.png"),
        ("cats/small/puppy.png", "007-puppy.png"),
        ("007-puppy.png", "007-puppy.png"),
        ("CON.png", "007-CON.png"),
        ("=cmd().png", "007-=cmd().png"),
        ("a.b..png", "007-a.b.png"),
        ('a<b>:"|?*;,.png', "007-a_b________.png"),
        (".png", "007-png.png"),
        ("x" * 300 + ".png", "007-" + "x" * 80 + ".png"),
        ("猫" * 100 + ".png", "007-" + "猫" * 26 + ".png"),
        ("a\u202egnp.exe", "007-a_gnp.png"),
        ("... .png", "007.png"),
        ("cafe\u0301.png", "007-caf\u00e9.png"),
    ],
)
def test_file_names_are_safe_and_known_again(original, name):
    assert exported_file_name(original, 7, 100, ".png") == name

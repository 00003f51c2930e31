"""Folders on the server as imports: below the allowed ones and nowhere else."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.errors import BadInput
from core.experiments.imports import find_import, import_folder, list_imports
from core.experiments.limits import allowed_path
from core.experiments.store import Store
from core.settings import current_settings
from tests.datasets.pictures import noise_png

pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture
def inbox(home: Path) -> Path:
    folder = home / "inbox"
    (folder / "pets" / "cats").mkdir(parents=True)
    (folder / "pets" / "cats" / "1.png").write_bytes(noise_png(1))
    return folder


def test_a_folder_below_an_allowed_one_is_taken(
    store: Store, inbox: Path, woken: list[str]
) -> None:
    for text in ("pets", f" {inbox / 'pets'} ", str(inbox / "x" / ".." / "pets")):
        record = find_import(store, import_folder(store, text, "my pets"))
        assert (record.path, record.source, record.name) == (inbox / "pets", "pets", "my pets")
    assert len(woken) == 3


def outside(home: Path) -> Iterable[str]:
    yield str(home / "datasets")
    yield "/etc"
    yield "/no/such/folder"
    yield "../datasets"
    yield "pets/../../datasets"
    yield "link"
    yield "link/secret.txt"
    yield str(home / "inbox-of-somebody")


@pytest.mark.parametrize("position", range(8))
def test_a_path_outside_is_refused_and_the_allowed_folders_named(
    store: Store, home: Path, inbox: Path, tmp_path: Path, position: int
) -> None:
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    (secret / "secret.txt").write_text("x")
    (inbox / "link").symlink_to(secret)
    (home / "inbox-of-somebody").mkdir()
    text = list(outside(home))[position]
    with pytest.raises(BadInput) as refusal:
        import_folder(store, text, None)
    assert "is not in a folder that may be read from here. Allowed: " in str(refusal.value)
    assert str(inbox) in str(refusal.value)
    assert list_imports(store) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Give a folder or file below"),
        ("nothing-here", "There is no folder or file at"),
        ("a\0b", "is not a path that can be read"),
        ("x" * 5000, "is not a path that can be read"),
        ("circle", "is not a path that can be read|There is no folder or file"),
    ],
)
def test_a_path_that_leads_nowhere_is_said(
    store: Store, inbox: Path, text: str, message: str
) -> None:
    (inbox / "circle").symlink_to(inbox / "circle")
    with pytest.raises(BadInput, match=message):
        import_folder(store, text, None)
    assert list_imports(store) == []


def test_the_administrator_chooses_the_folders(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    (two / "pets").mkdir(parents=True)
    monkeypatch.setenv("HEADSTART_IMPORT_FOLDERS", f"{one}{os.pathsep}{two}{os.pathsep}")
    assert current_settings().import_folders == (one, two)
    assert allowed_path("pets") == two / "pets"
    assert allowed_path(str(two)) == two
    with pytest.raises(BadInput, match="Allowed: "):
        allowed_path(str(home))

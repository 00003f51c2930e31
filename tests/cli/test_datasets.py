"""The verbs of datasets that read, check, clean up and write."""

import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets, open_dataset
from core.experiments import recorded
from core.experiments.store import open_store
from core.jobs.launchers import child_environment
from core.settings import PROJECT_ROOT, current_settings
from tests.cli.conftest import TypeIt
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of six pictures; one more of the cats is there twice."""
    members = two_classes(6)
    return write_zip(tmp_path / "pets.zip", members | {"cats/again.png": members["cats/0.png"]})


def document(type_it: TypeIt, *arguments: str) -> Any:
    status, out, err = type_it(*arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_adding_counts_and_tells_the_classes(type_it: TypeIt, pets: Path) -> None:
    status, out, err = type_it("datasets", "add", str(pets))
    assert status == 0
    assert out.startswith("pets: 13 images, 2 classes\n")
    assert err.splitlines()[-1] == "reading images: 13 of 13"


def test_adding_tells_what_was_left_out(type_it: TypeIt, tmp_path: Path) -> None:
    members = two_classes(6) | {"cats/broken.png": b"no picture", "README.txt": b"about"}
    status, out, err = type_it("datasets", "add", str(write_zip(tmp_path / "p.zip", members)))
    assert status == 0
    stored = out.splitlines()[1].split()[1].rstrip(",")
    assert err.splitlines()[-2:] == [
        f"1 files could not be used; why: datasets show {stored[:12]}",
        "Left out: 1 file outside the class folders.",
    ]


def test_the_same_images_under_another_name_are_said_to_be_there(
    type_it: TypeIt, pets: Path
) -> None:
    type_it("datasets", "add", str(pets))
    status, out, err = type_it("datasets", "add", str(pets), "--name", "other")
    assert (status, out.splitlines()[0]) == (0, "pets: 13 images, 2 classes")
    assert err.splitlines()[-1] == (
        "These are the same images as dataset 'pets', which was there already."
    )


@pytest.mark.parametrize("given", [".", "cats/.."])
def test_the_folder_that_one_is_in_has_its_name(
    type_it: TypeIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    for name, data in two_classes(6).items():
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(data)
    monkeypatch.chdir(tmp_path / "pets")
    status, out, err = type_it("datasets", "add", given)
    assert (status, out.splitlines()[0]) == (0, "pets: 12 images, 2 classes"), err
    assert open_dataset("pets").provenance == "added from pets"


UNCLEAR = "picture,first,second\na.png,x,1\nb.png,y,2\nc.png,x,1\nd.png,y,2\n"


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """Pictures with a table in which two columns may be the label."""
    members = {f"{name}.png": noise_png(number) for number, name in enumerate("abcd")}
    return write_zip(tmp_path / "tabled.zip", members | {"t.csv": UNCLEAR.encode()})


def test_an_unclear_table_is_shown_with_the_way_to_choose(type_it: TypeIt, unclear: Path) -> None:
    status, out, err = type_it("datasets", "add", str(unclear))
    assert (status, out) == (2, "")
    error, *shown = err.splitlines()
    assert error.startswith("error: ")
    assert "t.csv" in error
    assert shown[0] == "(1) The classes are in column 'first' of t.csv"
    assert shown[1:3] == ["    4 images in 2 classes", "    classes: x 2, y 2"]
    commands = [line.strip() for line in shown if "datasets add" in line]
    assert [line.split(" --", 1)[1] for line in commands] == [
        f"classes-from t.csv --file-column picture --label-column {column}"
        for column in ("first", "second")
    ]
    assert shown[-4:] == [
        "columns of t.csv: picture, first, second",
        "for example: a.png, x, 1",
        "for example: b.png, y, 2",
        "Choose the column of the labels with --label-column NAME; --file-column and --split-column"
        " are for those that are not found by themselves.",
    ]
    assert [dataset.name for dataset in list_datasets()] == ["arrows"]
    status, out, _ = type_it("datasets", "add", str(unclear), "--json")
    (table,) = json.loads(out)["tables"]
    assert (status, table["columns"]) == (2, ["picture", "first", "second"])


def test_the_columns_chosen_are_read(type_it: TypeIt, unclear: Path) -> None:
    added = document(
        type_it, "datasets", "add", str(unclear), "--file-column", "picture", "--label-column",
        "first", "--name", "tabled",
    )  # fmt: skip
    assert added["class_counts"] == {"x": 2, "y": 2}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_add_leaves_nothing(tmp_path: Path, stop: signal.Signals) -> None:
    large = encoded(Image.linear_gradient("L").resize((1500, 1500)).convert("RGB"))
    names = [f"{label}/{number}.png" for label in ("cats", "dogs") for number in range(200)]
    path = write_zip(tmp_path / "large.zip", dict.fromkeys(names, large))
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "datasets", "add", str(path)],
        cwd=PROJECT_ROOT,
        env=child_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = current_settings().datasets_folder
    deadline = time.monotonic() + 60
    while not list(folder.glob(".incoming-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(stop)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "stopped"
    assert list(folder.glob(".incoming-*")) == []
    assert [dataset.name for dataset in list_datasets()] == ["arrows"]


def test_a_dataset_is_renamed(type_it: TypeIt, pets: Path) -> None:
    add_dataset(pets)
    assert document(type_it, "datasets", "rename", "pets", "my pets")["name"] == "my pets"
    status, _, err = type_it("datasets", "rename", "my pets", "arrows")
    assert status == 2
    assert "There is already a dataset named 'arrows'" in err
    status, _, err = type_it("datasets", "rename", "my pets", "again")
    assert (status, err) == (0, "my pets is now called again\n")


def test_what_was_found_is_shown_with_what_to_do(type_it: TypeIt, pets: Path) -> None:
    add_dataset(pets)
    shown = document(type_it, "datasets", "show", "pets")
    assert shown["health"]["exact_duplicates"] == 1
    (duplicates,) = [entry for entry in shown["findings"] if entry["kind"] == "exact_duplicates"]
    assert duplicates["count"] == 1
    status, out, _ = type_it("datasets", "show", "pets")
    assert status == 0
    assert f"{duplicates['severity']}: {duplicates['title']}\n  {duplicates['advice']}\n" in out


def test_a_cleaned_version_is_made_and_the_old_one_stays(type_it: TypeIt, pets: Path) -> None:
    add_dataset(pets)
    made = document(
        type_it, "datasets", "version", "pets", "--drop", "exact-duplicates", "--merge",
        "cats=animals", "--name", "pets, cleaned",
    )  # fmt: skip
    assert (made["name"], made["class_counts"]) == ("pets, cleaned", {"animals": 6, "dogs": 6})
    assert open_dataset("pets").image_count == 13


def test_classes_are_left_out_of_a_version(type_it: TypeIt) -> None:
    made = document(type_it, "datasets", "version", "arrows", "--drop-class", "up")
    assert (made["name"], made["classes"]) == ("arrows, version 2", ["down", "left"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--drop", "leaks,nope"), "no --drop named 'nope'. Known: conflicts, exact-duplicates"),
        (("--merge", "up"), "--merge 'up' is not of the form FROM=INTO"),
        (("--merge", "nope=up"), "where FROM is one of the classes: down, left, up"),
        (("--drop-class", "nope"), "nope"),
        (("--drop-class", "up", "--drop-class", "left"), "at least 2"),
    ],
)
def test_a_version_that_cannot_be_is_said(
    type_it: TypeIt, options: tuple[str, ...], message: str
) -> None:
    status, out, err = type_it("datasets", "version", "arrows", *options)
    assert (status, out) == (2, "")
    assert message in err
    assert len(list_datasets()) == 1


def test_a_dataset_is_exported_and_can_be_added_again(
    type_it: TypeIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = document(type_it, "datasets", "export", "arrows")
    assert written == {
        "file": "arrows.zip",
        "bytes": (tmp_path / "arrows.zip").stat().st_size,
        "images": 120,
    }
    with zipfile.ZipFile(tmp_path / "arrows.zip") as archive:
        folders = {name.split("/")[0] for name in archive.namelist() if name.endswith(".png")}
    assert folders == {"down", "left", "up"}
    added = document(type_it, "datasets", "add", "arrows.zip")
    assert (added["id"], added["name"]) == (open_dataset("arrows").id, "arrows")
    status, _, err = type_it("datasets", "export", "arrows")
    assert status == 2
    assert "arrows.zip exists already; choose another place with --output" in err
    target = tmp_path / "no" / "such.zip"
    status, _, err = type_it("datasets", "export", "arrows", "--output", str(target))
    assert status == 1
    assert f"{target} cannot be written (No such file or directory)" in err
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["arrows.zip"]


@pytest.mark.slow
def test_an_own_split_can_be_asked_for(
    type_it: TypeIt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recorded.import_recorded, "__defaults__", (tmp_path / "nothing",))
    for options in ((), ("--own-split",)):
        status, _, err = type_it(
            "run", "arrows", "--strategies", "majority", "--image-size", "8", *options
        )
        assert status == 0, err
    newest, oldest = open_store().experiments()
    assert (oldest.spec.split.use_given, newest.spec.split.use_given) == (True, False)

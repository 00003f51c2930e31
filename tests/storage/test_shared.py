"""What one machine has written, another one reads; without a storage nothing is done at all."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.prepare import prepare_images
from core.datasets.split import make_split
from core.datasets.storage import list_datasets, open_dataset, remove_dataset, rename_dataset
from core.datasets.versions import Changes, make_version
from core.errors import BadInput, UnknownName
from core.experiments.run_files import (
    read_predictions,
    read_weights,
    weights_path,
    write_predictions,
    write_weights,
)
from core.experiments.uploads import delete_upload, keep_upload
from core.settings import current_settings
from core.storage import shared
from core.storage.objects import Objects
from core.training.events import Predictions

Machine = Callable[[str], Path]
PREDICTIONS = Predictions(
    np.array([1, 2]), np.array([0, 1], np.int32), np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
)


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_without_a_storage_nothing_is_done(home: Path) -> None:
    path = written(home / "runs" / "1" / "a.bin", b"a")
    shared.push(path)
    shared.push_cached(path)
    shared.forget(path)
    assert (shared.pull(path), shared.pull(path.with_name("none"))) == (True, False)
    assert not shared.pull_cached(path)
    assert not shared.is_stored(path, "0" * 64)
    assert (shared.stored_size(path), shared.stored_size(path.with_name("none"))) == (1, None)
    assert shared.listed(home, "*/*/*.bin") == [path]
    assert [each.name for each in home.iterdir()] == ["runs"]


@pytest.mark.parametrize("value", ["gs://bucket", "s3://", "s3://UPPER/x", "http://server/x"])
def test_an_address_that_cannot_be_used(home: Path, monkeypatch, value: str) -> None:
    monkeypatch.setenv("HEADSTART_STORAGE_URL", value)
    with pytest.raises(BadInput, match=r"must be a folder, or s3://BUCKET/FOLDER"):
        current_settings()
    assert not home.exists()


def test_an_endpoint_that_cannot_be_used(home: Path, monkeypatch) -> None:
    monkeypatch.setenv("HEADSTART_STORAGE_ENDPOINT", "server:9000")
    with pytest.raises(BadInput, match="must be http://HOST:PORT"):
        current_settings()
    assert not home.exists()


def test_a_file_is_kept_under_its_name_and_content(storage: Objects, machine: Machine) -> None:
    path = written(machine("a") / "runs" / "1" / "a.bin", b"first")
    shared.push(path)
    shared.push(path)
    digest = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
    assert [entry.key for entry in storage.entries("runs")] == [f"runs/1/a.bin/{digest}"]
    here = machine("b") / "runs" / "1" / "a.bin"
    assert (shared.stored_size(here), shared.is_stored(here, digest)) == (5, True)
    assert shared.pull(here)
    assert here.read_bytes() == b"first"
    assert not shared.pull(here.with_name("none.bin"))
    shared.forget(here.parent)
    assert storage.entries("runs") == []


def test_a_newer_content_takes_the_place_of_an_older_one(
    storage: Objects, machine: Machine
) -> None:
    home_a, home_b = machine("a"), machine("b")
    machine("a")
    path = written(home_a / "runs" / "1" / "a.bin", b"older")
    shared.push(path)
    machine("b")
    here = home_b / "runs" / "1" / "a.bin"
    shared.pull(here)
    machine("a")
    shared.push(written(path, b"newer"))
    assert len(storage.entries("runs")) == 1
    machine("b")
    assert here.read_bytes() == b"older"
    shared.pull(here)
    assert here.read_bytes() == b"newer"


def test_a_dataset_is_seen_by_all_machines(
    storage: Objects, machine: Machine, tiny_folder: Path
) -> None:
    machine("a")
    added = add_dataset(tiny_folder, "tiny")
    split = make_split(added, 0.2, 0.2, 0)
    pixels = added.image(7).tobytes()

    home_b = machine("b")
    assert [dataset.name for dataset in list_datasets()] == ["tiny"]
    found = open_dataset("tiny")
    assert not (home_b / "datasets" / found.folder.name / "source.bin").exists()
    assert found.image(7).tobytes() == pixels
    assert make_split(found, 0.2, 0.2, 0).fingerprint == split.fingerprint
    assert add_dataset(tiny_folder, "another name").name == "tiny"
    rename_dataset("tiny", "blocks")
    version = make_version(found, Changes(drop_classes=("red",)))

    machine("a")
    assert [dataset.name for dataset in list_datasets()] == ["blocks", "tiny, version 2"]
    assert open_dataset(version.id).image(0).size == (40, 32)
    remove_dataset("blocks")
    remove_dataset("tiny, version 2")
    assert storage.entries("datasets") == []
    machine("b")
    assert list_datasets() == []
    with pytest.raises(UnknownName):
        open_dataset("blocks")


def test_images_are_prepared_by_one_machine(
    folder_storage: Objects, machine: Machine, tiny_folder: Path, monkeypatch
) -> None:
    machine("a")
    made = prepare_images(add_dataset(tiny_folder, "tiny"), 16)
    machine("b")
    monkeypatch.setattr("core.datasets.prepare._build", None)
    found = prepare_images(open_dataset("tiny"), 16)
    assert found.digest == made.digest
    found.path.unlink()  # as when room was made for other files
    assert np.array_equal(found.take(np.array([3])), made.take(np.array([3])))
    assert {Path(entry.key).parent.suffix for entry in folder_storage.entries("cache")} == {
        ".npy",
        ".json",
    }


def test_predictions_and_weights_of_a_run(storage: Objects, machine: Machine) -> None:
    machine("a")
    write_predictions("run1", PREDICTIONS)
    write_weights("run1", {"kernel": np.ones((2, 3), np.float32)})
    home_b = machine("b")
    assert shared.stored_size(weights_path("run1")) is not None
    assert not (home_b / "runs").exists()
    assert read_predictions("run1").probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    assert read_weights("run1")["kernel"].sum() == 6
    assert {Path(entry.key).parent.name for entry in storage.entries("runs")} == {
        "predictions.npz",
        "weights.npz",
    }


def test_an_upload_is_read_by_another_machine(
    folder_storage: Objects, machine: Machine, tiny_folder: Path
) -> None:
    machine("a")
    files = [(f"tiny/{path.parent.name}/{path.name}", path) for path in tiny_folder.rglob("*.png")]
    opened = [(name, open(path, "rb")) for name, path in files]  # noqa: SIM115 - closed below
    kept = keep_upload("import1", opened)
    for _, stream in opened:
        stream.close()
    name = kept.path.relative_to(current_settings().home)
    home_b = machine("b")
    assert shared.pull(home_b / name)
    assert add_dataset(home_b / name).image_count == 60
    machine("a")
    delete_upload("import1")
    assert folder_storage.entries("imports") == []


def test_each_copy_has_a_record_of_its_content(folder_storage: Objects, machine: Machine) -> None:
    home = machine("a")
    path = written(home / "runs" / "1" / "a.bin", b"first")
    shared.push(path)
    record = json.loads((home / "cache" / "shared" / "runs" / "1" / "a.bin.json").read_text())
    assert record["size_bytes"] == 5
    assert record["changed_ns"] == path.stat().st_mtime_ns
    assert folder_storage.entries("runs")[0].key.endswith(record["sha256"])

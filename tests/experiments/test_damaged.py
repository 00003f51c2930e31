"""One stored spec, result or file of predictions that cannot be read hides no other."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import StoreError
from core.experiments.records import finished_runs
from core.experiments.run_files import (
    predictions_path,
    read_predictions,
    read_weights,
    write_predictions,
    write_weights,
)
from core.experiments.store import Store
from core.files import write_arrays
from core.jobs.records import NewJob
from core.training.events import Predictions
from tests import made_up

NOT_DOCUMENTS = ["not JSON", "", "[]", '"text"', "7", "null", "{}", "[" * 5000]


def store_text(store: Store, table: str, column: str, row_id: str, text: object) -> None:
    key = "run_id" if table == "epochs" else "id"
    with closing(sqlite3.connect(str(store.database.file))) as connection:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (text, row_id))
        connection.commit()


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return copy


def with_value(document: dict[str, Any], value: object, *path: str | int) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return copy


SPEC = made_up.spec().model_dump(mode="json")
SPECS = [
    without(SPEC, "dataset_id"),
    without(SPEC, "strategies"),
    with_value(SPEC, "many", "image_size"),
    with_value(SPEC, float("nan"), "majority_accuracy"),
    with_value(SPEC, 7, "majority_accuracy"),
    with_value(SPEC, float("inf"), "split", "test"),
    with_value(SPEC, "many", "images", "test"),
    with_value(SPEC, [["cnn"]], "strategies"),
    with_value(SPEC, [["cnn", {"epochs": "many"}]], "strategies"),
    with_value(SPEC, [["cnn", {"epochs": 0}]], "strategies"),
    with_value(SPEC, [["cnn", {"epochs": float("nan")}]], "strategies"),
    with_value(SPEC, [["cnn", {"epochs": []}]], "strategies"),
]
RESULT = made_up.result(last_epoch=made_up.epoch(2)).as_dict()
RESULTS = [
    without(RESULT, "scores"),
    without(RESULT, "scores", "test"),
    without(RESULT, "device"),
    with_value(RESULT, "0.5", "scores", "test", "accuracy"),
    with_value(RESULT, float("nan"), "scores", "test", "accuracy"),
    with_value(RESULT, 12, "scores", "test", "accuracy"),
    with_value(RESULT, float("inf"), "scores", "test", "log_loss"),
    with_value(RESULT, True, "total_seconds"),
    with_value(RESULT, "10", "total_seconds"),
    with_value(RESULT, float("nan"), "feature_seconds"),
    with_value(RESULT, 2.5, "epochs"),
    with_value(RESULT, [], "last_epoch"),
    with_value(RESULT, "ten", "weights_bytes"),
    with_value(RESULT, 7, "versions"),
]


@pytest.fixture
def two(store: Store) -> tuple[str, str]:
    """Two experiments whose runs are finished; the first is about to be damaged."""
    ids = store.create_experiments([made_up.spec(), made_up.spec()])
    while (job := store.claim_next("worker")) is not None:
        store.add_epoch(job.id, made_up.epoch(1))
        store.finish_run(job.id, made_up.result())
    return ids[0], ids[1]


@pytest.mark.parametrize("text", [*NOT_DOCUMENTS, *map(json.dumps, SPECS)])
def test_a_spec_that_cannot_be_read_is_shown_as_damaged(
    store: Store, two: tuple[str, str], text: str
) -> None:
    damaged, other = two
    store_text(store, "experiments", "spec", damaged, text)
    assert [experiment.id for experiment in store.experiments()] == [other]
    (found,) = store.damaged_experiments()
    assert found.id == damaged
    assert found.reason
    assert "\n" not in found.reason
    for ask in (store.experiment, store.runs):
        with pytest.raises(StoreError, match=f"Experiment {damaged} is damaged in the store"):
            ask(damaged)
    assert len(store.runs()) == 12
    assert len(store.runs(other)) == 6


@pytest.mark.parametrize("text", [*NOT_DOCUMENTS, *map(json.dumps, RESULTS)])
def test_a_result_that_cannot_be_read_is_a_failed_run_that_can_be_started_again(
    store: Store, two: tuple[str, str], text: str
) -> None:
    run_id = f"{two[0]}-cnn-1"
    store_text(store, "runs", "result", run_id, text)
    run = store.run(run_id)
    assert (run.state, run.result, run.test_accuracy) == ("failed", None, None)
    assert run.error is not None
    assert run.error.startswith("The stored result of this run is damaged (")
    assert run.error.endswith("). Start the run again.")
    assert "\n" not in run.error
    assert [each.id for each in store.runs(states=["failed"])] == [run_id]
    assert len(store.runs(states=["finished"])) == len(finished_runs(store.runs())) == 11
    assert store.retry(run_id).state == "queued"
    job = store.claim_next("worker")
    assert job is not None
    assert job.id == run_id
    store.finish_run(job.id, made_up.result())
    assert store.run(run_id).test_accuracy == 0.75


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(("settings", text) for text in NOT_DOCUMENTS if text != "{}"),
        *(("settings", json.dumps({"epochs": value})) for value in ("many", [], {}, 0, True)),
        *(("notes", text) for text in ("not JSON", "{}", '"text"', "[7]")),
        ("seed", "many"),
    ],
)
def test_another_part_of_a_run_that_cannot_be_read(
    store: Store, two: tuple[str, str], column: str, text: str
) -> None:
    run_id = f"{two[0]}-cnn-1"
    store_text(store, "runs", column, run_id, text)
    (run,) = (each for each in store.runs(two[0]) if each.id == run_id)
    assert (run.state, run.result) == ("failed", None)
    assert f"Run {run_id} is damaged in the store (" in str(run.error)
    for ask in (store.run, store.retry):
        with pytest.raises(StoreError, match=f"Run {run_id} is damaged in the store"):
            ask(run_id)
    assert len(store.runs(states=["finished"])) == 11


@pytest.mark.parametrize(
    "text",
    [
        *NOT_DOCUMENTS,
        json.dumps(with_value(made_up.epoch(1).as_dict(), float("nan"), "validation_accuracy")),
        json.dumps(with_value(made_up.epoch(1).as_dict(), 0, "epochs")),
    ],
)
def test_epochs_that_cannot_be_read_are_told(store: Store, two: tuple[str, str], text: str) -> None:
    run_id = f"{two[0]}-cnn-1"
    store_text(store, "epochs", "record", run_id, text)
    with pytest.raises(StoreError, match=f"The epochs of run {run_id} are damaged"):
        store.epochs(run_id)
    assert store.run(run_id).state == "finished"
    assert len(store.epochs(f"{two[1]}-cnn-1")) == 1


@pytest.mark.parametrize("column", ["progress", "arguments", "result"])
@pytest.mark.parametrize("text", [*NOT_DOCUMENTS, '{"step": 5}'])
def test_a_job_that_cannot_be_read_ends_no_list(store: Store, column: str, text: str) -> None:
    store.add_job(NewJob("one", "import", {"name": "x"}))
    store.add_job(NewJob("other", "import", {"name": "y"}))
    store_text(store, "jobs", column, "one", text)
    by_id = {job.id: job for job in store.jobs("import")}
    assert by_id["other"].arguments == {"name": "y"}
    assert by_id["one"].progress is None
    assert isinstance(by_id["one"].arguments, dict)


# Files --------------------------------------------------------------------------------------------

INDICES, LABELS = np.arange(4), np.zeros(4, np.int32)
PROBABILITIES = np.full((4, 2), 0.5, np.float32)


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": LABELS.astype(np.float32)},
        {"labels": np.array(["a", "b", "c", "d"])},
        {"labels": np.zeros((4, 1), np.int32)},
        {"labels": np.int32(3)},
        {"labels": np.zeros(0, np.int32)},
        {"test_indices": np.array(["1", "2", "3", "4"])},
        {"test_indices": np.arange(5)},
        {"probabilities": np.full((4, 2), "0.5")},
        {"probabilities": np.full(4, 0.5)},
        {"probabilities": np.full((4, 2, 2), 0.5)},
        {"probabilities": np.full((5, 2), 0.5)},
        {"probabilities": np.full((4, 2), np.nan)},
        {"probabilities": np.full((4, 2), 1 + 2j)},
        {"probabilities": np.zeros((4, 2), "datetime64[s]")},
        {"probabilities": np.zeros(4, [("a", "f4"), ("b", "f4")])},
    ],
)
@pytest.mark.usefixtures("home")
def test_predictions_of_another_type_or_shape_are_damaged(changed: dict[str, np.ndarray]) -> None:
    write_predictions("any-cnn-0", Predictions(INDICES, LABELS, PROBABILITIES))
    assert read_predictions("any-cnn-0").probabilities.shape == (4, 2)
    arrays = {"test_indices": INDICES, "labels": LABELS, "probabilities": PROBABILITIES}
    write_arrays(predictions_path("any-cnn-0"), arrays | changed)
    with pytest.raises(StoreError, match=r"predictions of run any-cnn-0 cannot be read .* again"):
        read_predictions("any-cnn-0")


@pytest.mark.usefixtures("home")
def test_weights_that_are_not_numbers_are_damaged() -> None:
    write_weights("any-cnn-0", {"a/kernel": np.array(["x"])})
    with pytest.raises(StoreError, match="it has arrays that are not numbers"):
        read_weights("any-cnn-0")


# A damaged page of the file ---------------------------------------------------------------------


def test_a_row_that_cannot_be_read_makes_the_whole_file_looked_at(
    store: Store, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    check: Callable[..., str | None] = type(store.database._kept_in).version

    def version(file: Any, *, every_page: bool = False) -> str | None:
        if every_page:
            looked.append(file.path)
        return check(file, every_page=every_page)

    monkeypatch.setattr(type(store.database._kept_in), "version", version)
    store_text(store, "experiments", "spec", two[0], "not JSON")
    for _ in range(3):
        assert len(store.damaged_experiments()) == 1
    assert looked == [store.database.file]

"""All runs and epochs as frames and files: whole, of stable kinds, damaged ones left out."""

import csv
from datetime import UTC, datetime

import pandas as pd
import pytest

from core.experiments.labels import change_labels
from core.experiments.store import open_store
from core.reports.frames import epochs_frame, export_store, runs_frame
from tests import made_up
from tests.experiments.test_damaged import store_text
from tests.pages.compared import EXPERIMENT, store_compared
from tests.stored_home import add_arrows, leave_out_bundled_datasets, majority_spec

CNN = f"{EXPERIMENT}-cnn-0"


@pytest.fixture
def store(home):
    leave_out_bundled_datasets(home)
    store = open_store()
    store_compared(store, add_arrows(), names=("majority", "cnn"))
    change_labels(store, EXPERIMENT, "ada", name="=Wings", tags=["demo", "july 2026"])
    store.create_experiment(majority_spec())
    return store


def test_a_line_for_each_run_has_what_is_stored_of_it(store):
    frame = runs_frame(store).set_index("run")
    assert list(frame["state"].value_counts().items()) == [("finished", 4), ("queued", 1)]
    line, result = frame.loc[CNN], store.run(CNN).result
    assert (line["experiment_name"], line["tags"]) == ("=Wings", "demo, july 2026")
    assert (line["dataset"], line["strategy"], line["seed"]) == ("arrows", "cnn", 0)
    assert (line["image_size"], line["role"], line["majority_accuracy"]) == (
        64,
        "from scratch",
        1 / 3,
    )
    assert line["test_accuracy"] == result.scores.test.accuracy
    assert line["test_log_loss"] == 0.7
    assert (line["steady_epoch_seconds"], line["total_seconds"]) == (1.5, 10.0)
    assert line["deployment_file_bytes"] == made_up.deployment().file_bytes
    assert line["version_keras"] == "3.15.1"
    assert line["finished_at"] == datetime(2026, 11, 20, 10, tzinfo=UTC)
    waiting = frame[frame["state"] == "queued"].iloc[0]
    assert pd.isna(waiting["test_accuracy"])
    assert pd.isna(waiting["started_at"])


def test_columns_have_kinds_that_do_not_hang_on_the_values(store):
    kinds = runs_frame(store).dtypes.astype(str).to_dict()
    assert kinds["epochs"] == "Int64"  # missing of the one that waits
    assert kinds["total_seconds"] == "float64"  # whole in all of them
    assert kinds["archived"] == "boolean"
    assert kinds["device"] == "str"


def test_a_line_for_each_epoch(store):
    frame = epochs_frame(store)
    assert len(frame) == 4
    own = frame[frame["run"] == CNN]
    assert list(own["epoch"]) == [1, 2]
    assert list(own["train_loss"]) == [1.0, 0.5]
    assert set(own["dataset"]) == {"arrows"}
    assert own["is_disturbed"].isna().all()  # nobody recorded it
    store_text(store, "epochs", "record", CNN, "not JSON")
    assert set(epochs_frame(store)["run"]) == {f"{EXPERIMENT}-cnn-1"}


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_files_hold_the_frames(store, tmp_path, form):
    written = export_store(store, tmp_path / "new" / "folder", form)
    assert {path.name: lines for path, lines in written.items()} == {
        f"runs.{form}": 5,
        f"epochs.{form}": 4,
    }
    path = tmp_path / "new" / "folder" / f"runs.{form}"
    if form == "parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(path), runs_frame(store))
    else:
        with open(path, encoding="utf-8", newline="") as file:
            lines = {line["run"]: line for line in csv.DictReader(file)}
        assert lines[CNN]["experiment_name"] == "'=Wings"  # no spreadsheet runs it
        assert lines[CNN]["epochs"] == "2"
        assert float(lines[CNN]["test_accuracy"]) == store.run(CNN).test_accuracy
        assert [line["device"] for line in lines.values() if line["state"] == "queued"] == [""]
    assert sorted(one.name for one in path.parent.iterdir()) == [f"epochs.{form}", f"runs.{form}"]


def test_an_empty_store_has_frames_without_lines(home):
    leave_out_bundled_datasets(home)
    store = open_store()
    assert (len(runs_frame(store)), len(epochs_frame(store))) == (0, 0)
    assert list(runs_frame(store).columns)[:3] == ["run", "experiment", "dataset"]

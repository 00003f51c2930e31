"""Records for MLflow: what is sent, by a stand-in of its client; and the real one reads them back.

MLflow has an environment of its own, which ``make cluster-test`` makes.
"""

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from core.errors import BadInput, HeadstartError
from core.experiments.labels import change_labels
from core.experiments.run_files import write_weights
from core.experiments.store import open_store
from core.reports.tracking import Written, write_to_mlflow
from core.settings import PROJECT_ROOT
from tests import made_up
from tests.pages.compared import EXPERIMENT, store_compared
from tests.stored_home import add_arrows, leave_out_bundled_datasets, majority_spec

MLFLOW = Path(os.environ.get("HEADSTART_TEST_MLFLOW") or PROJECT_ROOT / ".venv-mlflow")
CNN = f"{EXPERIMENT}-cnn-0"
WRITE_AND_READ_BACK = """
import json, sys
from core.experiments.store import open_store
from core.reports.tracking import ARTEFACTS, write_to_mlflow
folder = sys.argv[1]
write_to_mlflow(open_store(), folder, ARTEFACTS)
again = write_to_mlflow(open_store(), folder, ARTEFACTS)

from mlflow.tracking import MlflowClient
client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
(experiment,) = [each for each in client.search_experiments() if each.name != "Default"]
runs = client.search_runs([experiment.experiment_id])

def losses(run_id):
    history = client.get_metric_history(run_id, "validation_loss")
    return [[each.step, each.value] for each in history]

def confusion(run_id):
    return open(client.download_artifacts(run_id, "confusion.csv")).read()

found = {
    run.info.run_name: {
        "status": run.info.status,
        "end": run.info.end_time,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "losses": losses(run.info.run_id),
        "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
        "confusion": confusion(run.info.run_id),
    }
    for run in runs
}
print(json.dumps({"name": experiment.name, "again": again.new, "runs": found}))
"""


@pytest.fixture
def store(home):
    leave_out_bundled_datasets(home)
    store = open_store()
    store_compared(store, add_arrows(), names=("majority", "cnn"), seeds=(0,))
    write_weights(CNN, {"kernel": np.zeros((2, 2), np.float32)})
    store.create_experiment(majority_spec())
    return store


@pytest.fixture
def mlflow(monkeypatch):
    """A stand-in for the client with one experiment; it remembers what it was asked to write."""
    runs, numbers, of_experiment = {}, count(), {"headstart.name": ""}

    class Client:
        def __init__(self, address):
            self.address = address

        def get_experiment_by_name(self, _name):
            return SimpleNamespace(experiment_id="7", lifecycle_stage="active", tags=of_experiment)

        def set_experiment_tag(self, place, name, text):
            assert place == "7"
            of_experiment[name] = text

        def delete_tag(self, run_id, name):
            del runs[run_id].data.tags[name]

        def search_runs(self, _places, max_results, page_token):
            assert (max_results, page_token) == (1000, None)
            return Found(runs.values())

        def create_run(self, place, start_time, tags, run_name):
            assert (place, run_name) == ("7", tags["headstart.run"])
            run = SimpleNamespace(
                info=SimpleNamespace(run_id=f"m{next(numbers)}", start_time=start_time),
                data=SimpleNamespace(tags=dict(tags), params={}, metrics=[]),
            )
            runs[run.info.run_id] = run
            return run

        def log_batch(self, run_id, metrics=(), params=(), tags=()):
            data = runs[run_id].data
            data.params |= dict(params)
            data.metrics += metrics
            data.tags |= dict(tags)

        def set_tag(self, run_id, name, text):
            runs[run_id].data.tags[name] = text

        def set_terminated(self, run_id, status, end_time):
            runs[run_id].info.status, runs[run_id].info.end_time = status, end_time

        def delete_run(self, run_id):
            del runs[run_id]

    class Found(list):
        token = ""

    modules = {name: ModuleType(name) for name in ("mlflow", "mlflow.exceptions")}
    modules |= {name: ModuleType(name) for name in ("mlflow.tracking", "mlflow.entities")}
    modules["mlflow.exceptions"].MlflowException = type("MlflowException", (Exception,), {})
    modules["mlflow.tracking"].MlflowClient = Client
    for kind in ("Param", "RunTag", "Metric"):
        setattr(modules["mlflow.entities"], kind, lambda *values: values)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return SimpleNamespace(
        runs=runs, client=Client, error=modules["mlflow.exceptions"], of_experiment=of_experiment
    )


def test_a_run_is_written_with_what_was_chosen_and_what_came_out(store, mlflow, tmp_path):
    said = []
    written = write_to_mlflow(store, str(tmp_path / "out"), say=said.append)
    assert written == Written(new=2, there=0, waiting=1)
    assert said == [f"{EXPERIMENT}: 2 runs written"]
    run = next(one for one in mlflow.runs.values() if one.data.tags["headstart.run"] == CNN)
    assert run.info.status == "FINISHED"
    assert run.data.params["strategy"] == "cnn"
    assert (run.data.params["dataset"], run.data.params["batch_size"]) == ("arrows", "32")
    finals = {name: value for name, value, _, step in run.data.metrics if step == 0}
    assert finals["test_accuracy"] == store.run(CNN).test_accuracy
    assert finals["total_seconds"] == 10.0
    epochs = [(step, value) for name, value, _, step in run.data.metrics if name == "train_loss"]
    assert epochs == [(1, 1.0), (2, 0.5)]
    assert run.data.tags["headstart.device"] == "two test cores"


def test_only_what_is_new_or_changed_or_broken_off_is_written_again(store, mlflow, tmp_path):
    place = str(tmp_path)
    write_to_mlflow(store, place)
    assert write_to_mlflow(store, place) == Written(new=0, there=2, waiting=1)
    del mlflow.runs["m0"].data.tags["headstart.written"]
    assert write_to_mlflow(store, place) == Written(new=1, there=1, waiting=1)
    run = store.run(CNN)
    again = made_up.result(0.5, notes=("Its times were measured again.",))
    assert store.replace_result(run.id, again)
    assert write_to_mlflow(store, place) == Written(new=1, there=1, waiting=1)
    assert len(mlflow.runs) == 2


def test_a_name_that_was_given_later_comes_after(store, mlflow, tmp_path):
    write_to_mlflow(store, str(tmp_path))
    change_labels(store, EXPERIMENT, "ada", name="Wings", tags=["demo"], reviewed=True)
    assert write_to_mlflow(store, str(tmp_path)) == Written(new=0, there=2, waiting=1)
    assert mlflow.of_experiment == {"headstart.name": "Wings"}
    names = [f"headstart.{name}" for name in ("experiment_name", "tags", "reviewed", "archived")]
    for run in mlflow.runs.values():
        assert [run.data.tags[name] for name in names] == ["Wings", "demo", "True", "False"]
    change_labels(store, EXPERIMENT, "ada", name="")
    write_to_mlflow(store, str(tmp_path))
    assert mlflow.of_experiment == {"headstart.name": ""}
    assert all(names[0] not in run.data.tags for run in mlflow.runs.values())


def test_what_cannot_be_done_is_one_sentence(store, mlflow, tmp_path, monkeypatch):
    def refuse(*_given):
        raise mlflow.error.MlflowException("API request to http://nobody failed\nafter 7 tries")

    with pytest.raises(BadInput, match="no artefact 'photos'; there are predictions, confusion"):
        write_to_mlflow(store, str(tmp_path), ["photos"])
    monkeypatch.setattr(mlflow.client, "get_experiment_by_name", refuse)
    with pytest.raises(HeadstartError, match="could not write to http://nobody: API request"):
        write_to_mlflow(store, "http://nobody")
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(HeadstartError, match="pip install mlflow-skinny"):
        write_to_mlflow(store, str(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(
    not (MLFLOW / "bin" / "python").exists(),
    reason=f"no MLflow in {MLFLOW}: `make cluster-test` installs its client",
)
def test_the_real_client_reads_the_same_back(store, tmp_path):
    change_labels(store, EXPERIMENT, "ada", name="Wings")
    done = subprocess.run(
        [str(MLFLOW / "bin" / "python"), "-c", WRITE_AND_READ_BACK, str(tmp_path / "a folder")],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["name"], found["again"]) == (f"headstart {EXPERIMENT} arrows", 0)
    assert set(found["runs"]) == {f"{EXPERIMENT}-majority-0", CNN}
    run, result = found["runs"][CNN], store.run(CNN).result
    assert (run["status"], run["end"]) == ("FINISHED", 1_795_168_800_000)
    assert run["metrics"]["test_accuracy"] == result.scores.test.accuracy
    assert run["losses"] == [[1, 1.2], [2, 0.6]]
    assert run["params"]["image_size"] == "64"
    assert run["tags"]["headstart.experiment_name"] == "Wings"
    assert run["files"] == ["confusion.csv", "predictions.npz", "weights.npz"]
    counted = [line.rpartition(",")[2] for line in run["confusion"].splitlines()[1:]]
    assert sum(map(int, counted)) == 36

"""The job ``export`` in the process that really does it."""

import zipfile
from pathlib import Path

import pytest

from core.datasets.storage import open_dataset
from core.experiments.planning import plan_experiment
from core.experiments.store import open_store
from core.jobs import cached
from core.jobs.child import execute
from core.jobs.launchers import ProcessLauncher
from core.jobs.worker import serve
from core.reports.export_model import CARD, KERAS_FILE, SNIPPET, kept_package
from tests.stored_home import add_arrows

# Keras of these versions says so while it converts.
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning"),
]


@pytest.mark.slow
def test_a_package_is_made_by_a_job(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_arrows()
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)
    store = open_store()
    overrides = {"mlp.epochs": 1, "mlp.hidden_width": 8, "mlp.hidden_layers": 1}
    spec = plan_experiment(
        open_dataset("arrows").id, ["mlp"], image_size=16, overrides=overrides, precision="float32"
    )
    store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    assert execute(store, run.id) == 0
    assert kept_package(store, run.id).state == "working"
    serve(store, ProcessLauncher(), exit_when_idle=0)
    work = kept_package(store, run.id)
    assert (work.state, work.error) == ("ready", "")
    assert work.result.is_relative_to(home)
    with zipfile.ZipFile(work.result) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {CARD, KERAS_FILE, SNIPPET} <= names
    assert [path.name for path in work.result.parent.iterdir()] == [work.result.name]

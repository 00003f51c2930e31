import pytest

from core.datasets.storage import open_dataset
from core.errors import BadInput, LimitReached
from core.experiments.extension import extend, plan_extension
from core.experiments.planning import plan_experiment
from core.experiments.store import Store
from tests import made_up
from tests.pages.compared import EXPERIMENT, store_compared


def finish(store: Store) -> None:
    while (job := store.claim_next("worker")) is not None:
        store.finish_run(job.id, made_up.result(device="two test cores"))


@pytest.fixture
def finished(arrows_store: Store) -> str:
    spec = plan_experiment(
        "arrows", ["majority", "mlp"], image_size=64, overrides={"mlp.epochs": 3}
    )
    experiment_id = arrows_store.create_experiment(spec)
    finish(arrows_store)
    return experiment_id


def test_new_runs_join_the_old_ones_on_the_same_split(arrows_store, finished):
    before = arrows_store.runs(finished)
    spec = plan_extension(arrows_store, arrows_store.experiment(finished), ["cnn", "mlp"], [4])
    assert [name for name, _ in spec.strategies] == ["majority", "mlp", "cnn"]
    assert dict(spec.strategies)["mlp"]["epochs"] == 3
    added = extend(arrows_store, finished, spec)
    assert added == [f"{finished}-{name}" for name in ("cnn-0", "majority-4", "mlp-4", "cnn-4")]
    assert arrows_store.runs(finished)[:2] == before
    finish(arrows_store)
    found = arrows_store.experiment(finished)
    assert found.spec == spec
    assert (found.spec.seeds, found.state_counts) == ((0, 4), {"finished": 6})
    assert [run.position for run in arrows_store.runs(finished)] == [0, 1, 2, 3, 4, 5]


def test_what_could_not_be_compared_is_refused(arrows_store, finished):
    experiment = arrows_store.experiment(finished)
    with pytest.raises(BadInput, match="has all of these already"):
        plan_extension(arrows_store, experiment, ["mlp"], [0])
    spec = plan_extension(arrows_store, experiment, ["cnn"])
    with pytest.raises(LimitReached):
        extend(arrows_store, finished, spec, most_waiting=0)
    extend(arrows_store, finished, spec)
    with pytest.raises(BadInput, match="is at work"):
        plan_extension(arrows_store, arrows_store.experiment(finished), [], [1])


def test_another_machine_is_refused(arrows_store, finished, monkeypatch):
    store_compared(arrows_store, open_dataset("arrows"))
    monkeypatch.setattr(
        "core.experiments.extension.devices_by_host", lambda store: {store.host: "a GPU"}
    )
    for one in (EXPERIMENT, finished):
        with pytest.raises(BadInput, match="ran on two test cores, this machine has a GPU"):
            plan_extension(arrows_store, arrows_store.experiment(one), ["cnn"], [7])


def test_another_split_is_refused(arrows_store, finished):
    experiment = arrows_store.experiment(finished)
    other = experiment.spec.model_copy(update={"split_fingerprint": "of an older edition"})
    with pytest.raises(BadInput, match="scored on other test images"):
        plan_extension(
            arrows_store, type(experiment)(**{**vars(experiment), "spec": other}), ["cnn"]
        )

import pytest
from sqlalchemy import update

from core.datasets.storage import open_dataset
from core.errors import BadInput, LimitReached
from core.experiments.extension import extend, plan_extension, resume
from core.experiments.planning import plan_experiment
from core.experiments.records import runs
from core.experiments.store import Store
from core.experiments.used_backbones import why_other_features
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


def test_modes_and_backbones_are_added_by_name(arrows_store, finished, monkeypatch):
    monkeypatch.setattr("core.experiments.planning.unavailable_reason", lambda *_given: None)
    experiment = arrows_store.experiment(finished)

    def added(*strategies: str, backbones: list[str] | None = None) -> list[str]:
        spec = plan_extension(arrows_store, experiment, strategies, backbones=backbones)
        return [name for name, _ in spec.strategies[2:]]

    both = ["vgg16", "squeezenet"]
    assert set(added("probe", backbones=both)) == {"vgg16_probe", "squeezenet_probe"}
    with pytest.raises(BadInput, match="no mode that these backbones have too"):
        added(backbones=["vgg16"])
    spec = plan_extension(arrows_store, experiment, ["vgg16_probe"])
    extend(arrows_store, finished, spec)
    finish(arrows_store)
    experiment = arrows_store.experiment(finished)
    more = plan_extension(arrows_store, experiment, ["cnn"], backbones=["squeezenet"])
    assert {name for name, _ in more.strategies[3:]} == {"cnn", "squeezenet_probe"}


def test_what_only_stays_need_not_be_able_to_run_here(arrows_store, finished, monkeypatch):
    monkeypatch.setattr(
        "core.experiments.planning.unavailable_reason",
        lambda strategy, _settings: "It needs weights." if strategy.name == "mlp" else None,
    )
    experiment = arrows_store.experiment(finished)
    assert len(plan_extension(arrows_store, experiment, ["cnn"]).strategies) == 3
    with pytest.raises(BadInput, match="It needs weights"):
        plan_extension(arrows_store, experiment, [], [1])


def test_all_that_broke_off_is_started_again_and_what_cannot_be_read_is_said(arrows_store):
    spec = plan_experiment("arrows", ["majority", "mlp"], image_size=8, seeds=(0, 1))
    experiment_id = arrows_store.create_experiment(spec)
    arrows_store.request_cancel_experiment(experiment_id)
    damaged = f"{experiment_id}-mlp-0"
    with arrows_store.database.writing() as connection:
        connection.execute(update(runs).where(runs.c.id == damaged).values(settings=[1]))
    queued, unreadable = resume(arrows_store, experiment_id)
    assert queued == [f"{experiment_id}-{name}" for name in ("majority-0", "majority-1", "mlp-1")]
    assert [sentence.split(" (")[0] for sentence in unreadable] == [
        f"Run {damaged} is damaged in the store"
    ]
    assert resume(arrows_store, experiment_id)[0] == []


def test_what_could_not_be_compared_is_refused(arrows_store, finished):
    experiment = arrows_store.experiment(finished)
    with pytest.raises(BadInput, match="Choose what to add"):
        plan_extension(arrows_store, experiment)
    with pytest.raises(BadInput, match="has all of these already"):
        plan_extension(arrows_store, experiment, ["mlp"], [0])
    spec = plan_extension(arrows_store, experiment, ["cnn"])
    with pytest.raises(LimitReached):
        extend(arrows_store, finished, spec, most_waiting=0)
    extend(arrows_store, finished, spec)
    with pytest.raises(BadInput, match="is at work"):  # planned at the same time as the other
        extend(arrows_store, finished, spec)
    with pytest.raises(BadInput, match="is at work"):
        plan_extension(arrows_store, arrows_store.experiment(finished), [], [1])


def test_what_another_one_added_meanwhile_is_not_forgotten(arrows_store, finished):
    experiment = arrows_store.experiment(finished)
    mine = plan_extension(arrows_store, experiment, ["cnn"])
    extend(arrows_store, finished, plan_extension(arrows_store, experiment, [], [7]))
    arrows_store.request_cancel_experiment(finished)
    with pytest.raises(BadInput, match="Somebody else has added runs"):
        extend(arrows_store, finished, mine)
    assert 7 in arrows_store.experiment(finished).spec.seeds


def test_another_machine_is_refused(arrows_store, finished, monkeypatch):
    store_compared(arrows_store, open_dataset("arrows"))
    monkeypatch.setattr(
        "core.experiments.extension.devices_by_host", lambda store: {store.host: "a GPU"}
    )
    for one in (EXPERIMENT, finished):
        with pytest.raises(BadInput, match="ran on two test cores, this machine has a GPU"):
            plan_extension(arrows_store, arrows_store.experiment(one), ["cnn"], [7])


@pytest.mark.parametrize(
    ("strategy", "changes", "is_refused"),
    [
        ("efficientnet_lite0_probe", {}, True),
        ("efficientnet_lite0_probe", {"features_folded": True}, False),
        ("efficientnet_lite0_probe", {"precision": "float32"}, False),
        ("efficientnet_lite0_finetune", {"feature_seconds": None}, False),
        ("vgg16_probe", {"features_folded": False}, False),
    ],
)
def test_other_features_of_an_older_edition_are_refused(
    arrows_store, strategy, changes, is_refused
):
    spec = plan_experiment("arrows", ["majority"], image_size=64)
    spec = spec.model_copy(update={"strategies": (*spec.strategies, (strategy, {}))})
    experiment_id = arrows_store.create_experiment(spec)
    made = {"precision": "mixed_bfloat16", "feature_seconds": 2.0, "feature_cache": "miss"}
    while (job := arrows_store.claim_next("worker")) is not None:
        has_network = job.id.endswith(f"{strategy}-0")
        given = made | changes if has_network else {}
        arrows_store.finish_run(job.id, made_up.result(device="two test cores", **given))
    runs = arrows_store.runs(experiment_id)
    reason = why_other_features(["efficientnet_lite0_softmax", strategy], spec, runs)
    assert (reason is not None) == is_refused
    assert why_other_features(["majority", "cnn", "squeezenet_probe"], spec, runs) is None
    if is_refused:
        assert "features of EfficientNet-Lite0" in reason
        with pytest.raises(BadInput, match="older edition of Headstart extracted"):
            plan_extension(arrows_store, arrows_store.experiment(experiment_id), [], [3])


def test_another_split_is_refused(arrows_store, finished):
    experiment = arrows_store.experiment(finished)
    other = experiment.spec.model_copy(update={"split_fingerprint": "of an older edition"})
    with pytest.raises(BadInput, match="scored on other test images"):
        plan_extension(
            arrows_store, type(experiment)(**{**vars(experiment), "spec": other}), ["cnn"]
        )

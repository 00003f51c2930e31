"""From a trained network to a backbone, an experiment on it, and its end; with real networks."""

from pathlib import Path

import numpy as np
import pytest

from core.analysis.comparison import ORIGIN, compare_experiment, results_frame
from core.analysis.words.own_backbones import describe_gone, describe_origins, describe_overlap
from core.backbones.own import stored_layers
from core.backbones.own_folder import remove_folder, seen_images
from core.backbones.registry import BACKBONES, find_backbone, own
from core.backbones.weights.access import load_weights
from core.datasets.add import add_pixels
from core.datasets.storage import open_dataset
from core.errors import BadInput, UnknownName
from core.experiments import train_job
from core.experiments.own_backbones import (
    backbone_of_run,
    backbone_work,
    checked_name,
    remove_backbone,
    request_backbone,
    why_no_backbone,
)
from core.experiments.planning import plan_experiment
from core.experiments.recorded import export_experiment, import_recorded
from core.experiments.records import ExperimentSpec
from core.experiments.removal import remove_experiments
from core.experiments.run_files import read_weights, weights_path, why_no_weights
from core.experiments.store import Store, open_store
from core.experiments.used_backbones import saw_test_images
from core.jobs import cached
from core.jobs.child import execute
from core.strategies.cnn import blocks
from core.strategies.registry import STRATEGIES, find_strategy
from tests import made_up
from tests.own_backbones import add_own
from tests.stored_home import CLASSES, leave_out_bundled_datasets

SIZE = 64
TINY = {"cnn.epochs": 2, "cnn.dropout": 0.0}


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is started, and no network is measured for deployment: that has its own tests."""
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)
    monkeypatch.setattr(train_job, "_measure_deployment", lambda *_: (None, ()))


def add_stripes() -> None:
    """Sixty pictures of 8x8 that are bright in one half, unlike those of the arrows."""
    random = np.random.default_rng(11)
    pixels = random.integers(0, 90, size=(60, 8, 8)).astype(np.uint8)
    labels = np.repeat(np.arange(3), 20)
    pixels[labels == 0, 4:, :] += 120
    pixels[labels == 1, :, :4] += 120
    pixels[labels == 2, :4, :] += 120
    add_pixels(pixels, labels, CLASSES, "stripes", "made for a test")


def all_run(store: Store, spec: ExperimentSpec) -> str:
    """The id of an experiment whose runs were made in this process, all finished."""
    experiment_id = store.create_experiment(spec)
    while (job := store.claim_next("worker")) is not None:
        execute(store, job.id)
    assert [run.error for run in store.runs(experiment_id) if run.error] == []
    return experiment_id


def made(store: Store, run_id: str, name: str | None = None) -> str:
    chosen = request_backbone(store, run_id, name)
    job = store.claim_next("worker")
    assert job is not None
    execute(store, job.id)
    work = backbone_work(store, run_id, chosen)
    assert (work.state, work.error) == ("ready", "")
    return chosen


@pytest.mark.tensorflow
def test_a_network_trained_here_is_the_backbone_of_another_experiment(
    arrows_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = arrows_store
    first = all_run(store, plan_experiment("arrows", ["cnn"], image_size=SIZE, overrides=TINY))
    run_id = f"{first}-cnn-0"
    assert made(store, run_id) == "arrows_cnn"
    backbone = find_backbone("arrows_cnn")
    assert backbone_of_run(run_id) is backbone
    assert backbone.title == "CNN of arrows"
    kept, found = read_weights(run_id), load_weights(backbone.weights)
    assert list(found) == [
        f"convolution_{n}/{part}" for n in (1, 2, 3) for part in ("kernel", "bias")
    ]
    for name, array in found.items():
        np.testing.assert_array_equal(array, kept[f"cnn/{name}"])
    assert backbone.origin is not None
    assert backbone.origin.test_accuracy == store.run(run_id).test_accuracy
    arrows = open_dataset("arrows")
    split = plan_experiment("arrows", ["majority"], image_size=8).split.of(arrows)
    seen = {
        one.tobytes() for one in arrows.digests[np.concatenate([split.train, split.validation])]
    }
    stored = seen_images("arrows_cnn")
    assert stored is not None
    assert {one.tobytes() for one in stored} == seen

    add_stripes()
    strategies = ["majority", "arrows_cnn_probe", "arrows_cnn_finetune"]
    few = {"arrows_cnn_probe.epochs": 3, "arrows_cnn_finetune.epochs": 1}
    spec = plan_experiment("stripes", strategies, image_size=SIZE, overrides=few)
    assert spec.backbones["arrows_cnn"].record == own().records["arrows_cnn"]
    assert spec.backbones["arrows_cnn"].seen_test_images == 0
    second = all_run(store, spec)
    comparison = compare_experiment(store, second)
    assert [row.title for row in comparison.rows] == [
        "Majority class",
        "CNN of arrows probe",
        "CNN of arrows, everything fine-tuned",
    ]
    origin = backbone.origin.short
    assert list(results_frame(comparison)[ORIGIN]) == ["", origin, origin]
    (words,) = describe_origins(comparison.backbones)
    assert words.startswith("CNN of arrows: trained on arrows (")
    assert describe_overlap(comparison.backbones, 12) == []
    assert describe_gone(comparison.backbones) == []
    assert comparison.as_dict()["backbones"]["arrows_cnn"]["seen_test_images"] == 0

    # The network that was trained on the backbone is one itself, and remembers both datasets.
    tuned = f"{second}-arrows_cnn_finetune-0"
    assert made(store, tuned, "again") == "again"
    again = find_backbone("again")
    assert again.title == "CNN of arrows of stripes"
    assert again.origin is not None
    assert again.origin.started_from == "CNN of arrows, trained on arrows"
    both = seen_images("again")
    assert both is not None
    assert len(both) == len(seen) + spec.images["train"] + spec.images["validation"]
    assert again.colour != backbone.colour

    # Elsewhere its results can be read, and its networks not.
    folder = tmp_path / "recorded"
    export_experiment(store, second, folder)
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "elsewhere"))
    leave_out_bundled_datasets(tmp_path / "elsewhere")
    other = open_store()
    assert import_recorded(other, folder) == [second]
    elsewhere = compare_experiment(other, second)
    assert [row.title for row in elsewhere.rows] == [row.title for row in comparison.rows]
    (gone,) = describe_gone(elsewhere.backbones)
    assert gone.startswith("The weights of CNN of arrows (0.2 MB), which this experiment used, are")
    assert STRATEGIES["arrows_cnn_probe"].is_pretrained


# What cannot be one, or not under that name -------------------------------------------------------


def finished(store: Store, strategy: str, **settings: object) -> str:
    """The id of a run that counts as finished, with a weights file; nothing was trained."""
    overrides = {f"{strategy}.{name}": value for name, value in settings.items()}
    spec = plan_experiment("arrows", ["majority"], image_size=SIZE)
    entry = find_strategy(strategy)
    resolved = entry.resolve("quick", {name.partition(".")[2]: v for name, v in overrides.items()})
    spec = spec.model_copy(update={"strategies": ((strategy, resolved),)})
    experiment_id = store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    store.finish_run(run.id, made_up.result())
    weights_path(run.id).parent.mkdir(parents=True)
    np.savez(weights_path(run.id), kernel=np.zeros(3, np.float32))
    return f"{experiment_id}-{strategy}-0"


def reason_for(store: Store, run_id: str) -> str:
    run = store.run(run_id)
    reason = why_no_backbone(run, store.experiment(run.experiment_id))
    with pytest.raises(BadInput) as caught:
        request_backbone(store, run_id)
    assert str(caught.value) == reason
    assert reason is not None
    return reason


@pytest.mark.parametrize(
    ("strategy", "settings", "says"),
    [
        ("mlp", {}, "MLP has no convolutional layers, so it has no features"),
        ("vgg16_probe", {}, "VGG16 probe trains a head alone: the backbone under it is VGG16"),
        ("vgg16_freeze", {"k": 19}, "VGG16, first layers frozen trains a head alone"),
        ("majority", {}, "Majority class has no network"),
    ],
)
def test_a_run_without_a_network_of_its_own_is_refused(
    arrows_store: Store, strategy: str, settings: dict[str, object], says: str
) -> None:
    assert reason_for(arrows_store, finished(arrows_store, strategy, **settings)).startswith(says)
    assert arrows_store.jobs("backbone") == []


def test_a_run_without_weights_or_an_end_is_refused(arrows_store: Store) -> None:
    run_id = finished(arrows_store, "cnn")
    weights_path(run_id).unlink()
    assert "were not kept" in reason_for(arrows_store, run_id)
    waiting = arrows_store.create_experiment(plan_experiment("arrows", ["cnn"], image_size=SIZE))
    assert "only a finished run" in reason_for(arrows_store, f"{waiting}-cnn-0")
    with pytest.raises(UnknownName, match="no run named 'nothing'"):
        request_backbone(arrows_store, "nothing")


@pytest.mark.tensorflow
def test_weights_of_another_network_fail_and_nothing_is_stored(
    arrows_store: Store, home: Path
) -> None:
    run_id = finished(arrows_store, "cnn")
    name = request_backbone(arrows_store, run_id)
    job = arrows_store.claim_next("worker")
    assert job is not None
    execute(arrows_store, job.id)
    work = backbone_work(arrows_store, run_id, name)
    assert work.state == "failed"
    assert work.error.startswith("The kept weights do not fit CNN, three blocks")
    assert not (home / "backbones" / name).exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("vgg16", "names something else in Headstart already"),
        ("probe", "names something else"),
        ("all", "names something else"),
        ("cnn", "names something else"),
        ("vgg16_probe", "names something else"),
        ("Großes", "takes 2 to 40 small letters, digits and underscores"),
        ("../up", "takes 2 to 40"),
        ("a" * 41, "takes 2 to 40"),
        ("", "takes 2 to 40"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_name_that_cannot_be_is_refused_at_the_field(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        checked_name(name)
    assert caught.value.field == "name"


def test_a_name_that_is_taken_is_refused(arrows_store: Store) -> None:
    run_id = finished(arrows_store, "cnn")
    add_own("mine")
    with pytest.raises(BadInput, match="There is already a backbone named 'mine'"):
        request_backbone(arrows_store, run_id, "mine")
    add_own("arrows_cnn", "Another")
    assert request_backbone(arrows_store, run_id) == "arrows_cnn_2"


def test_a_run_is_one_backbone(arrows_store: Store) -> None:
    run_id = finished(arrows_store, "cnn")
    origin = add_own().origin.model_copy(update={"run": run_id})
    add_own("mine", "Mine", origin=origin)
    with pytest.raises(BadInput, match=r"is the backbone mine already\."):
        request_backbone(arrows_store, run_id)


# Overlap, and the end -----------------------------------------------------------------------------


@pytest.mark.usefixtures("arrows_store")
def test_test_images_that_the_backbone_has_seen_are_counted() -> None:
    arrows = open_dataset("arrows")
    spec = plan_experiment("arrows", ["majority"], image_size=SIZE)
    test = spec.split.of(arrows).test
    add_own(seen=arrows.digests[test[:5]])
    planned = plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE)
    assert planned.backbones["digits_cnn"].seen_test_images == 5
    (words,) = describe_overlap(planned.backbones, planned.images["test"])
    assert words.startswith(
        f"CNN of digits was trained or chosen on 5 of the {len(test)} test images of this"
    )
    own_path = find_backbone("digits_cnn").weights.own_file
    assert own_path is not None
    own_path.with_name("images.npy").unlink()
    unknown = plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE)
    (words,) = describe_overlap(unknown.backbones, 24)
    assert "has seen test images of this experiment is not known here" in words
    saw = {
        (strategy, seen): saw_test_images(strategy, spec_that_saw(planned, seen))
        for strategy in ("digits_cnn_probe", "digits_cnn_scratch", "cnn")
        for seen in (0, 5, None)
    }
    # Random weights have seen nothing; what is not known counts as seen.
    assert [key for key, value in saw.items() if value] == [
        ("digits_cnn_probe", 5), ("digits_cnn_probe", None)
    ]  # fmt: skip


def spec_that_saw(spec: ExperimentSpec, seen: int | None) -> ExperimentSpec:
    used = spec.backbones["digits_cnn"].model_copy(update={"seen_test_images": seen})
    return spec.model_copy(update={"backbones": {"digits_cnn": used}})


@pytest.mark.usefixtures("arrows_store")
def test_an_image_size_that_it_does_not_take_is_refused() -> None:
    _, *convolutions = blocks(SIZE, "same")
    add_own(layers=stored_layers(convolutions))
    says = "image_size is 63; CNN of digits needs at least 64 pixels, because its layers leave"
    with pytest.raises(BadInput, match=says) as caught:
        plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE - 1)
    assert caught.value.field == "image_size"


def test_a_backbone_in_use_is_not_removed_and_one_that_was_used_leaves_its_record(
    arrows_store: Store,
) -> None:
    add_own()
    spec = plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE)
    experiment_id = arrows_store.create_experiment(spec)
    with pytest.raises(BadInput, match=f"Experiment {experiment_id} uses the backbone digits_cnn"):
        remove_backbone(arrows_store, "digits_cnn")
    arrows_store.request_cancel_experiment(experiment_id)
    assert remove_backbone(arrows_store, "digits_cnn") is True
    assert not find_backbone("digits_cnn").is_offered
    (words,) = describe_gone(spec.backbones)
    assert words.startswith("The weights of CNN of digits (0.1 MB), which this experiment used,")
    assert "It was removed on" in words
    with pytest.raises(UnknownName, match=r"no backbone of your own named 'digits_cnn'\."):
        remove_backbone(arrows_store, "digits_cnn")
    with pytest.raises(BadInput, match="It was removed on"):
        plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE)


def test_a_backbone_stays_known_while_a_removed_experiment_can_come_back(
    arrows_store: Store,
) -> None:
    add_own()
    spec = plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE)
    experiment_id = arrows_store.create_experiment(spec)
    arrows_store.request_cancel_experiment(experiment_id)
    remove_experiments(arrows_store, [experiment_id], "somebody")
    assert remove_backbone(arrows_store, "digits_cnn") is True
    assert "digits_cnn" in own().records


def test_a_backbone_that_nobody_used_goes_whole(arrows_store: Store, home: Path) -> None:
    add_own()
    assert remove_backbone(arrows_store, "digits_cnn") is False
    assert list((home / "backbones").iterdir()) == []
    assert "digits_cnn" not in BACKBONES
    with pytest.raises(BadInput, match="vgg16 comes with Headstart"):
        remove_backbone(arrows_store, "vgg16")


def test_runs_on_a_backbone_that_is_gone_or_another_say_so(arrows_store: Store, home: Path) -> None:
    record = add_own()
    spec = plan_experiment("arrows", ["digits_cnn_probe"], image_size=SIZE)
    experiment_id = arrows_store.create_experiment(spec)
    remove_folder("digits_cnn")
    job = arrows_store.claim_next("worker")
    assert job is not None
    execute(arrows_store, job.id)
    run = arrows_store.run(job.id)
    gone = (
        "The backbone CNN of digits (digits_cnn) is gone from this machine, so its networks cannot "
        "be used; what was measured stays."
    )
    assert (run.state, run.error) == ("failed", gone)
    assert why_no_weights(run, arrows_store.experiment(experiment_id)) == gone
    assert describe_gone(spec.backbones) == [gone]
    add_own(seed=1, title="Another")
    other = why_no_weights(run, arrows_store.experiment(experiment_id))
    assert other is not None
    assert other.startswith("The backbone digits_cnn on this machine is not the one that was used")
    assert record.digest != own().records["digits_cnn"].digest
    assert (home / "backbones" / "digits_cnn").exists()
    unknown = made_up.run(strategy="no_such")
    assert why_no_weights(unknown, arrows_store.experiment(experiment_id)) == (
        "This version of Headstart has no strategy named no_such."
    )

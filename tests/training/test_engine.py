"""One contract for all strategies, and what the engine promises beyond it."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from core.conditions import conditions_of_all
from core.datasets.add import add_pixels
from core.datasets.prepare import prepare_images
from core.datasets.split import make_split
from core.errors import Cancelled, TrainingDiverged, UnknownName, WeightsUnavailable
from core.networks.restore import restored_model
from core.settings import PROJECT_ROOT
from core.strategies.network import BuildContext, build_plan
from core.strategies.registry import find_strategy
from core.strategies.strategy import Role
from core.training.engine import build_context, feature_request, train
from core.training.events import EpochRecord, Progress, RunResult, TrainingOutcome
from core.training.policy import DevicePolicy
from core.training.scoring import tracked_rows
from core.training.spec import TrainingSpec
from tests.conftest import TINY_CLASSES, TINY_IMAGES_PER_CLASS
from tests.strategies.stand_in import REPRESENTATIVE, STAND_IN

CHEAP = {"epochs": 2, "batch_size": 8}
# What makes each strategy small; settings that it does not have are left out.
SMALL = CHEAP | {"hidden_width": 16, "hidden_1": 32, "hidden_2": 16, "hidden_3": 8}
# Where the whole backbone is trained one epoch is enough.
TRAINED = {Role.RANDOM_START, Role.FINE_TUNED}
# Of what trains all of VGG16 one strategy: the stand-in has every mode, and other tests build all.
TRAINED_HERE = [name for name in REPRESENTATIVE if name not in ("vgg16_scratch", "vgg16_finetune")]
FREEZE = {"vgg16_freeze": {"head": "dense"}}
IMAGE_SIZE = {"cnn": 64}
BASE_PARAMETERS = 14_714_688


@pytest.fixture
def few_images(tiny_dataset):
    """The first eight images of each class: what trains VGG16 takes its time by the image."""
    first = np.flatnonzero(np.arange(tiny_dataset.image_count) % TINY_IMAGES_PER_CLASS < 8)
    pixels = np.stack([np.asarray(tiny_dataset.image(place)) for place in first])
    return add_pixels(pixels, tiny_dataset.labels[first], list(TINY_CLASSES), "few", "a test")


def specify(dataset, strategy, seed=0, image_size=None, **overrides):
    entry = find_strategy(strategy)
    small = SMALL | ({"epochs": 1, "head_epochs": 2} if entry.role in TRAINED else {})
    known = {setting.name for setting in entry.settings}
    small = {name: value for name, value in small.items() if name in known}
    settings = entry.resolve("quick", small | FREEZE.get(strategy, {}) | overrides)
    return TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy,
        settings=settings,
        seed=seed,
        image_size=image_size or IMAGE_SIZE.get(strategy, 32),
        split={"test": 0.3, "validation": 0.1},
        precision="float32",
    )


def train_on(dataset, spec, **options):
    return train(spec, dataset, spec.subsets_of(dataset), **options)


def outcome(events):
    events = list(events)
    assert isinstance(events[-1], TrainingOutcome)
    assert sum(isinstance(event, TrainingOutcome) for event in events) == 1
    records = [event for event in events if isinstance(event, EpochRecord)]
    return events[-1], records, [event for event in events if isinstance(event, Progress)]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", TRAINED_HERE)
@pytest.mark.usefixtures("random_weights", "stand_in")
def test_contract(request, name):
    large = find_strategy(name).backbone not in (None, STAND_IN)
    dataset = request.getfixturevalue("few_images" if large else "tiny_dataset")
    spec = specify(dataset, name)
    found, records, progress = outcome(train_on(dataset, spec))
    result = found.result
    split = make_split(dataset, 0.3, 0.1, 0)
    sides = {side: len(getattr(split, side)) for side in ("train", "validation", "test")}

    # every image of every side is scored exactly once
    assert {side: getattr(result.scores, side).images for side in sides} == sides
    assert sum(sides.values()) == dataset.image_count
    np.testing.assert_array_equal(found.predictions.test_indices, split.test)
    np.testing.assert_array_equal(found.predictions.labels, dataset.labels[split.test])
    chances = found.predictions.probabilities
    assert chances.shape == (sides["test"], 3)
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    right = chances.argmax(axis=1) == dataset.labels[split.test]
    assert result.scores.test.accuracy == right.mean()

    # the clocks
    main = [record for record in records if record.stage == "main"]
    assert result.epochs == len(main) == spec.settings.get("epochs", 0)
    if main:
        assert [record.epoch for record in main] == list(range(1, len(main) + 1))
        assert result.first_epoch_seconds == main[0].train_seconds > 0
        later = [record.train_seconds for record in main[1:]]
        assert result.steady_epoch_seconds == (np.median(later) if later else None)
        assert result.last_epoch == replace(main[-1], tracked=())
        highest = max(record.validation_accuracy for record in main)
        error = (highest * (1 - highest) / sides["validation"]) ** 0.5
        best = [record for record in main if record.validation_accuracy >= highest - error][-1]
        assert result.best_epoch == best.epoch
        assert result.scores.validation.accuracy == best.validation_accuracy
        assert result.conditions.first_epoch == main[0].conditions
        assert result.conditions.steady_epochs == conditions_of_all(r.conditions for r in main[1:])
    # what the machine did meanwhile: at work all the time, mostly for this process
    whole = result.conditions.whole_run
    assert whole.wall_seconds >= result.total_seconds - 0.01
    assert whole.own_processor_seconds >= sum(r.conditions.own_processor_seconds for r in records)
    # every epoch of every stage says what the same held-out pictures are called
    rows = tracked_rows(dataset.labels[split.validation])
    tracked = split.validation[rows].tolist()
    assert [[answer.image for answer in record.tracked] for record in records] == [tracked] * len(
        records
    )
    assert result.total_seconds >= sum(record.train_seconds for record in records)
    strategy = find_strategy(name)
    uses_features = "features" in strategy.needs(spec.settings)
    assert (result.feature_seconds is not None) == uses_features
    assert result.feature_cache == ("miss" if uses_features else None)
    extracting = result.conditions.features
    assert (extracting is not None) == uses_features
    assert not uses_features or extracting.wall_seconds == result.feature_seconds

    # what it was run on
    assert result.device
    assert result.device_kind in ("cpu", "gpu")
    assert result.precision == "float32"
    assert result.peak_memory_bytes > 0
    assert {"headstart", "python", "numpy"} <= result.versions.keys()
    if strategy.backbone:
        assert result.parameters > strategy.backbone.parameters()
    if strategy.has_network:
        assert progress
        assert 0 < result.trainable_parameters <= result.parameters
    assert RunResult.from_dict(json.loads(json.dumps(result.as_dict()))) == result

    # what is kept of it is float32, as large as what was trained, and gives the same answers
    kept = found.trained_weights
    assert all(array.dtype == np.float32 for array in kept.values())
    averages = sum(array.size for name, array in kept.items() if "/moving_" in name)
    assert sum(array.size for array in kept.values()) - averages == result.trainable_parameters
    # pre-trained averages stay as they are
    assert (averages > 0) == (name == "stand_in_scratch")
    if not strategy.has_network:
        assert kept == {}
        return
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    pictures = prepared.take(split.test)
    restored = restored_model(spec, kept, dataset)
    assert restored.image_shape == prepared.shape[1:]
    np.testing.assert_allclose(restored.probabilities(pictures), chances, rtol=0, atol=2e-6)


def built(strategy, image_size=32, **overrides):
    """The main stage's model, and all the parameters that a prediction needs."""
    context = BuildContext(
        image_shape=(32, 32, 3),
        image_size=image_size,
        class_count=3,
        settings=find_strategy(strategy).resolve("quick", overrides),
        mean_rgb=(0.0, 0.0, 0.0),
    )
    plan = build_plan(find_strategy(strategy), context)
    model = plan.stages[-1].model
    trained = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    return plan, trained, model.count_params() + plan.frozen_parameters


@pytest.mark.tensorflow
@pytest.mark.usefixtures("random_weights")
def test_only_what_is_not_frozen_is_trained():
    classifier = 512 * 3 + 3
    assert built("vgg16_probe")[1:] == (classifier, BASE_PARAMETERS + classifier)
    first_eight = 1_792 + 36_928 + 73_856 + 147_584 + 295_168  # block1_conv1 to block3_conv1
    everything = BASE_PARAMETERS + classifier
    assert built("vgg16_freeze", k=8)[1:] == (everything - first_eight, everything)
    assert built("vgg16_freeze", k=19)[1:] == (classifier, everything)
    assert built("vgg16_freeze", k=0)[1:] == (everything, everything)
    assert built("vgg16_finetune")[1:] == (everything, everything)


@pytest.mark.tensorflow
@pytest.mark.usefixtures("random_weights")
def test_the_fc_head_enlarges_to_224_and_trains_fc1_and_fc2():
    plan, trained, everything = built("vgg16_freeze", head="fc", k=19)
    assert everything == 134_260_544 + 4_096 * 3 + 3
    assert trained == everything - BASE_PARAMETERS
    assert [(stage.name, stage.on_features) for stage in plan.stages] == [
        ("head", True),
        ("main", False),
    ]
    assert plan.stages[0].model.input_shape == (None, 4_096)
    chances = plan.stages[-1].model.predict_on_batch(np.zeros((2, 32, 32, 3), np.uint8))
    assert chances.shape == (2, 3)


@pytest.mark.tensorflow
@pytest.mark.usefixtures("random_weights", "stand_in")
def test_a_fresh_start_has_no_head_stage_and_needs_no_features(tiny_dataset):
    fresh = specify(tiny_dataset, "stand_in_finetune", start="fresh")
    found, records, _ = outcome(train_on(tiny_dataset, fresh))
    assert {record.stage for record in records} == {"main"}
    assert found.result.feature_seconds is None
    _, records, _ = outcome(
        train_on(tiny_dataset, specify(tiny_dataset, "stand_in_finetune", start="probe"))
    )
    assert [(record.stage, record.epoch) for record in records] == [
        ("head", 1),
        ("head", 2),
        ("main", 1),
    ]


@pytest.mark.tensorflow
@pytest.mark.usefixtures("random_weights")
def test_features_are_extracted_once_and_their_cost_is_kept(few_images):
    first, _, _ = outcome(train_on(few_images, specify(few_images, "vgg16_probe")))
    again, _, _ = outcome(train_on(few_images, specify(few_images, "vgg16_features")))
    assert (first.result.feature_cache, again.result.feature_cache) == ("miss", "hit")
    assert again.result.feature_seconds == first.result.feature_seconds
    assert again.result.feature_images == few_images.image_count
    own_mean, _, _ = outcome(
        train_on(few_images, specify(few_images, "vgg16_probe", mean="dataset"))
    )
    assert own_mean.result.feature_cache == "miss"


@pytest.mark.tensorflow
@pytest.mark.usefixtures("random_weights", "stand_in")
def test_only_the_images_of_the_run_get_features_and_a_later_run_adds_the_rest(tiny_dataset):
    some = specify(tiny_dataset, "stand_in_probe").model_copy(update={"train_share": 0.2})
    finetune = specify(tiny_dataset, "stand_in_finetune").model_copy(update={"train_share": 0.2})
    split = some.subsets_of(tiny_dataset)
    # A whole network is fitted after the head: it scores the test images themselves.
    head, _, _ = outcome(train_on(tiny_dataset, finetune))
    assert head.result.feature_images == len(split.train) + len(split.validation)
    small, _, _ = outcome(train_on(tiny_dataset, some))
    used = head.result.feature_images + len(split.test)
    assert (small.result.feature_cache, small.result.feature_images) == ("part", used)
    assert small.result.feature_reused_seconds == head.result.feature_seconds
    every, _, _ = outcome(train_on(tiny_dataset, specify(tiny_dataset, "stand_in_probe")))
    assert (every.result.feature_cache, every.result.feature_images) == (
        "part",
        tiny_dataset.image_count,
    )
    assert every.result.end_to_end_seconds == pytest.approx(
        every.result.total_seconds + small.result.feature_seconds
    )


@pytest.mark.tensorflow
def test_the_same_seed_gives_the_same_result_and_another_seed_another(tiny_dataset):
    one, two, other = (
        outcome(train_on(tiny_dataset, specify(tiny_dataset, "mlp", seed=seed)))[0].predictions
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.probabilities, two.probabilities)
    assert not np.array_equal(one.probabilities, other.probabilities)


@pytest.mark.tensorflow
def test_the_mlp_learns_what_can_be_learned(tiny_dataset):
    spec = specify(tiny_dataset, "mlp", epochs=30, hidden_width=64, learning_rate=1e-3)
    found, _, _ = outcome(train_on(tiny_dataset, spec))
    assert found.result.scores.test.accuracy > 0.8


def test_majority_answers_the_commonest_training_class(tiny_dataset):
    found, _, _ = outcome(train_on(tiny_dataset, specify(tiny_dataset, "majority")))
    chances = found.predictions.probabilities
    split = make_split(tiny_dataset, 0.3, 0.1, 0)
    counts = np.bincount(tiny_dataset.labels[split.train], minlength=3)
    np.testing.assert_allclose(chances[0], counts / counts.sum(), rtol=0, atol=1e-7)
    assert len(set(chances.argmax(axis=1))) == 1


@pytest.mark.tensorflow
def test_cancel_is_heard_within_a_batch(tiny_dataset):
    asked = []

    def should_stop():
        asked.append(True)
        return len(asked) > 5

    spec = specify(tiny_dataset, "mlp", epochs=1000)
    with pytest.raises(Cancelled):
        list(train_on(tiny_dataset, spec, should_stop=should_stop))
    assert len(asked) == 6


@pytest.mark.tensorflow
def test_a_learning_rate_that_blows_up_is_named(few_images):
    spec = specify(
        few_images, "vgg16_scratch", epochs=3, learning_rate=1.0, dropout_1=0, image_size=32
    )
    with pytest.raises(TrainingDiverged, match="vgg16_scratch, seed 0 stopped in epoch"):
        list(train_on(few_images, spec))


@pytest.mark.tensorflow
def test_missing_weights_say_which_command_gets_them(tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(WeightsUnavailable, match="python -m core backbones fetch vgg16"):
        list(train_on(tiny_dataset, specify(tiny_dataset, "vgg16_probe")))


def test_unknown_names_are_refused(tiny_dataset):
    spec = specify(tiny_dataset, "mlp").model_copy(update={"strategy": "resnet"})
    with pytest.raises(UnknownName, match="Known: cnn"):
        list(train_on(tiny_dataset, spec))


@pytest.mark.tensorflow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_runs_where_tensorflow_is_not_installed(tiny_dataset, home, backend):
    """A tiny experiment in a process in which importing TensorFlow fails."""
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    spec = specify(tiny_dataset, "cnn")
    code = f"""
import sys
class NoTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ImportError("TensorFlow is not installed (test)")
sys.meta_path.insert(0, NoTensorFlow())
from core.datasets.storage import open_dataset
from core.training.engine import train
from core.training.spec import TrainingSpec
spec = TrainingSpec.model_validate_json({spec.model_dump_json()!r})
dataset = open_dataset(spec.dataset_id)
*_, outcome = train(spec, dataset, spec.subsets_of(dataset))
assert "tensorflow" not in sys.modules
print(outcome.result.backend, outcome.result.epochs, outcome.result.scores.test.images)
"""
    environment = os.environ | {"KERAS_BACKEND": backend, "HEADSTART_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    split = make_split(tiny_dataset, 0.3, 0.1, 0)
    assert done.stdout.split() == [backend, "2", str(len(split.test))], done.stderr[-2000:]


@pytest.mark.tensorflow
def test_depthwise_convolutions_give_features_in_bfloat16_and_train_in_float32(tiny_dataset):
    policy = DevicePolicy("a processor", "cpu", "tensorflow", "mixed_bfloat16", False)
    spec, mean = specify(tiny_dataset, "efficientnet_lite0_finetune"), (127.0, 127.0, 127.0)
    assert feature_request(spec, 8, mean, policy).precision == "mixed_bfloat16"
    trained = build_context(spec, tiny_dataset, (32, 32, 3), mean, policy)
    assert trained.backbone_precision == "float32"


def test_the_engine_needs_neither_a_database_nor_pages():
    """A machine with a GPU may have Keras and its backend alone (benchmarks.bench_gpu)."""
    code = """
import sys
import core.training.engine
left_out = ("sqlalchemy", "streamlit", "pandas", "sklearn", "scipy", "imagehash", "pyarrow")
print([name for name in left_out if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert done.stdout.strip() == "[]"

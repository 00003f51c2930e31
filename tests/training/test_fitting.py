"""Fitting with a scripted model: exact seconds, best epoch, cancel, divergence. No Keras runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.conditions import Conditions, Reading, look_at_machine
from core.errors import Cancelled, OutOfMemory, TrainingDiverged
from core.strategies.network import Stage
from core.strategies.strategy import FitOptions
from core.training import fitting
from core.training.events import EpochRecord, Progress, TrackedImage
from core.training.fitting import Fitting, TrainingData, _is_as_good
from tests import made_up


class Variable:
    def __init__(self, value):
        self.value = np.array([value], dtype=np.float32)
        self.shape = (1,)

    def assign(self, value):
        self.value = np.array(value)


class ScriptedModel:
    """Each training step takes 2 s, each prediction 5 s; ``rights`` says how many of the two
    validation images are right after each epoch."""

    def __init__(self, clock, rights, losses=None):
        self.clock, self.rights, self.losses = clock, rights, losses or []
        self.trainable_variables = self.weights = [Variable(0)]
        self.layers = []
        self.steps = 0
        self.compiled = {}
        self.sample_weights = []

    def compile(self, **options):
        self.compiled = options

    def train_on_batch(self, images, labels, sample_weight, return_dict):
        assert return_dict
        self.sample_weights.append(sample_weight)
        assert len(images) == len(labels)
        self.clock.now += 2
        self.trainable_variables[0].value += 1
        self.steps += 1
        loss = self.losses[self.steps - 1] if self.losses else 1.0
        if isinstance(loss, Exception):
            raise loss
        return {"loss": loss, "accuracy": 0.5}

    def predict_on_batch(self, images):
        self.clock.now += 5
        right = self.rights[self.steps // 3 - 1]  # three steps an epoch
        chances = np.full((len(images), 2), 0.1, np.float32)
        for place in range(len(images)):
            chances[place, 0 if place < right else 1] = 0.9
        return chances


@pytest.fixture
def clock():
    return type("HandClock", (), {"now": 0.0, "__call__": lambda self: self.now})()


@pytest.fixture(autouse=True)
def _no_keras(monkeypatch):
    monkeypatch.setattr(fitting, "_as_array", lambda variable: variable.value.copy())
    monkeypatch.setattr(
        fitting, "optimizer_of", lambda options, images: f"{options.learning_rate}, {images} images"
    )
    monkeypatch.setattr(fitting, "trace_for_any_batch", lambda *_: None)


def blank_images(seen=None):
    """Black images; which were taken goes into ``seen``."""

    def take(indices):
        if seen is not None:
            seen.append(indices.tolist())
        return np.zeros((len(indices), 4, 4, 3), np.uint8)

    return SimpleNamespace(
        take=take,
        shuffled=lambda indices, random: random.permutation(indices),
        gathered=lambda indices: np.arange(len(indices)),
    )


def run(
    model,
    clock,
    epochs=2,
    should_stop=lambda: False,
    batch_size=3,
    labels=None,
    look=look_at_machine,
    **options,
):
    inputs = blank_images()
    labels = np.zeros(9, np.int32) if labels is None else labels
    data = TrainingData(inputs, labels, train=np.arange(7), validation=np.array([7, 8]))
    stage = Stage("main", model, FitOptions(epochs, batch_size, learning_rate=0.1, **options))
    steps = Fitting("cnn, seed 0", 0, False, should_stop, clock, look).fit(stage, data)
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as stop:
            return events, stop.value


def test_training_and_validation_time_are_kept_apart(clock):
    events, _ = run(ScriptedModel(clock, rights=[1, 2]), clock)
    records = [event for event in events if isinstance(event, EpochRecord)]
    # 7 images in batches of 3 are three steps of 2 s, the short last one included
    assert [record.train_seconds for record in records] == [6.0, 6.0]
    assert [record.validation_seconds for record in records] == [5.0, 5.0]
    assert [record.images_per_second for record in records] == [7 / 6, 7 / 6]
    assert [record.validation_accuracy for record in records] == [0.5, 1.0]


def test_training_loss_and_accuracy_are_means_over_images_not_over_batches(clock):
    events, _ = run(ScriptedModel(clock, rights=[1], losses=[1.0, 2.0, 4.0]), clock, epochs=1)
    record = events[-1]
    # batches of 3, 3 and 1 images
    assert record.train_loss == (3 * 1.0 + 3 * 2.0 + 1 * 4.0) / 7
    assert record.train_accuracy == 0.5


def test_time_that_the_caller_takes_between_events_is_not_training_time(clock):
    model = ScriptedModel(clock, rights=[1])
    inputs = blank_images()
    data = TrainingData(inputs, np.zeros(9, np.int32), np.arange(7), np.array([7, 8]))
    records = []
    stage = Stage("main", model, FitOptions(1, 3, 0.1))
    for event in Fitting("cnn", 0, False, lambda: False, clock).fit(stage, data):
        clock.now += 1000  # writing to a store, drawing a page
        if isinstance(event, EpochRecord):
            records.append(event)
    assert [record.train_seconds for record in records] == [6.0]


def test_each_epoch_tells_what_the_machine_did_meanwhile(clock):
    def look():
        # Two processors; this process uses one and a half of them, others a quarter of one.
        now = clock()
        return Reading(wall=now, own=1.5 * now, busy=1.75 * now, idle=0.25 * now)

    events, _ = run(ScriptedModel(clock, rights=[1, 2]), clock, look=look)
    records = [event for event in events if isinstance(event, EpochRecord)]
    # training and validation
    epoch = Conditions(
        wall_seconds=11.0,
        own_processor_seconds=16.5,
        other_processor_seconds=2.75,
        processor_seconds=22.0,
    )
    assert [record.conditions for record in records] == [epoch, epoch]


def test_each_epoch_says_what_the_tracked_images_are_called(clock):
    events, _ = run(ScriptedModel(clock, rights=[1, 2]), clock)
    records = [event for event in events if isinstance(event, EpochRecord)]
    # both validation images are of class 0; taken beside validation, they cost no second of it
    assert [record.tracked for record in records] == [
        (TrackedImage(7, 0, 0.9), TrackedImage(8, 1, 0.9)),
        (TrackedImage(7, 0, 0.9), TrackedImage(8, 0, 0.9)),
    ]


def test_the_latest_epoch_that_is_as_good_as_the_highest_is_restored(clock):
    model = ScriptedModel(clock, rights=[1, 2, 2, 0])
    _, fitted = run(model, clock, epochs=4)
    assert (fitted.highest_epoch, fitted.best_epoch) == (2, 3)
    assert fitted.highest.validation_accuracy == 1.0
    # three steps an epoch, each adds one: after epoch 3 the weight was 9
    assert model.trainable_variables[0].value.tolist() == [9.0]
    assert len(fitted.records) == 4


@pytest.mark.parametrize(("right", "is_as_good"), [(65, True), (61, True), (60, False)])
def test_as_good_is_within_one_standard_error(right, is_as_good):
    # 65 of 94: 69.1 %, whose standard error is 4.8 points, 4.5 images
    record, highest = (made_up.epoch(1, validation_accuracy=n / 94) for n in (right, 65))
    assert _is_as_good(record, highest, 94) is is_as_good


def test_time_left_is_hidden_until_an_epoch_is_over(clock):
    events, _ = run(ScriptedModel(clock, rights=[1, 1]), clock)
    first, second = (
        [event for event in events if isinstance(event, Progress) and event.epoch == epoch]
        for epoch in (1, 2)
    )
    assert {event.seconds_left for event in first} == {None}
    # one epoch took 6 s of training and 5 s of validation; 3 of 7 images of the last are done
    assert second[0].seconds_left == pytest.approx(11 * (1 - 3 / 7))


def test_early_stopping_ends_after_epochs_that_were_no_better(clock):
    model = ScriptedModel(clock, rights=[0, 2, 1, 2, 1, 2, 2, 2])
    events, fitted = run(model, clock, epochs=8, patience=3)
    records = [event for event in events if isinstance(event, EpochRecord)]
    # epochs 3 to 5 were no better than epoch 2: an equal one is none
    assert [(record.epoch, record.epochs) for record in records] == [(n, 8) for n in range(1, 6)]
    assert (fitted.highest_epoch, fitted.best_epoch) == (2, 4)
    assert fitted.epochs_since_highest == 3
    assert model.trainable_variables[0].value.tolist() == [12.0]
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].step == "Training, epoch 5 of at most 8"
    assert all(event.is_upper_bound for event in progress)


def test_all_planned_epochs_are_trained_without_patience(clock):
    events, fitted = run(ScriptedModel(clock, rights=[2, 0, 0, 0]), clock, epochs=4)
    assert len(fitted.records) == 4
    assert not any(event.is_upper_bound for event in events if isinstance(event, Progress))


def test_class_weights_are_those_of_the_training_images(clock):
    # six of class 0 and one of class 1 are trained on; those that are validated do not count
    labels = np.array([0, 0, 0, 1, 0, 0, 0, 1, 1], np.int32)
    model = ScriptedModel(clock, rights=[1])
    run(model, clock, epochs=1, labels=labels, class_weights=True)
    given = np.concatenate(model.sample_weights)
    np.testing.assert_allclose(np.sort(given), [7 / 12] * 6 + [7 / 2])
    plain = ScriptedModel(clock, rights=[1])
    run(plain, clock, epochs=1, labels=labels)
    assert plain.sample_weights == [None] * 3


def test_cancel_is_heard_after_one_batch(clock):
    model = ScriptedModel(clock, rights=[1, 1])
    with pytest.raises(Cancelled, match="cnn, seed 0 was cancelled"):
        run(model, clock, should_stop=lambda: model.steps >= 2)
    assert model.steps == 2


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_a_number_stops_the_run_and_names_it(clock, loss):
    model = ScriptedModel(clock, rights=[1, 1], losses=[1.0, loss])
    with pytest.raises(TrainingDiverged, match=r"cnn, seed 0 stopped in epoch 1.*learning rate"):
        run(model, clock)
    assert model.steps == 2


def test_weights_that_became_nan_in_the_last_step_are_seen_in_validation(clock):
    model = ScriptedModel(clock, rights=[1])
    model.predict_on_batch = lambda images: np.full((len(images), 2), np.nan, np.float32)
    with pytest.raises(TrainingDiverged, match=r"cnn, seed 0 stopped in epoch 1.*nan"):
        run(model, clock)


def test_a_scoring_batch_is_never_larger_than_one_of_training(clock):
    model = ScriptedModel(clock, rights=[2])
    sizes = []
    predict = model.predict_on_batch
    model.predict_on_batch = lambda images: sizes.append(len(images)) or predict(images)
    model.rights, model.steps = [2] * 8, 0
    run(model, clock, epochs=1, batch_size=1)
    assert sizes == [1, 1]


def test_running_out_of_memory_names_the_batch(clock):
    model = ScriptedModel(clock, rights=[1], losses=[MemoryError("no room")])
    with pytest.raises(OutOfMemory, match="batch of 3 images"):
        run(model, clock)


def test_other_errors_are_not_disguised(clock):
    model = ScriptedModel(clock, rights=[1], losses=[KeyError("a bug")])
    with pytest.raises(KeyError, match="a bug"):
        run(model, clock)


def test_the_order_of_images_depends_on_the_seed_alone(clock):
    seen = []
    inputs = blank_images(seen)
    data = TrainingData(inputs, np.zeros(9, np.int32), np.arange(7), np.array([7, 8]))
    orders = []
    for seed in (0, 0, 1):
        seen.clear()
        stage = Stage("main", ScriptedModel(clock, rights=[1, 1, 1]), FitOptions(1, 7, 0.1))
        list(Fitting("cnn", seed, False, lambda: False, clock).fit(stage, data))
        orders.append(seen[0])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(7))

"""Loss, class weights, optimisers and schedules, held to formulas in numpy."""

import math

import numpy as np
import pytest

from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.settings import PRACTICE_SETTINGS
from core.strategies.strategy import FitOptions, fit_options
from core.training.optimisation import class_weights, loss_of, optimizer_of

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], np.float32)
LABELS = np.array([0, 2], np.int32)
# What the first edition stored of a run, and what it did with it.
STORED = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3}
STORED_SGD = STORED | {"momentum": 0.9, "decay": 1e-6}


def options(**changes):
    return FitOptions(**{"epochs": 4, "batch_size": 10, "learning_rate": 0.1} | changes)


def rates(options, images, steps):
    """The learning rate in each of the first ``steps``."""
    schedule = optimizer_of(options, images)._learning_rate
    return [float(schedule(step)) for step in range(steps)]


def test_class_weights_are_balanced_and_average_to_one():
    labels = np.array([0] * 6 + [2] * 3 + [3])
    weights = class_weights(labels)
    np.testing.assert_allclose(weights, [10 / 18, 0, 10 / 9, 10 / 3], rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1.0)


def test_a_run_stored_without_the_newer_settings_is_fitted_as_it_was():
    assert fit_options(STORED) == FitOptions(2, 16, 1e-3)
    assert fit_options(STORED_SGD) == FitOptions(2, 16, 1e-3, "sgd", 0.9, 1e-6)


@pytest.mark.parametrize("name", [name for name, one in STRATEGIES.items() if one.has_network])
@pytest.mark.parametrize("preset", ["quick", "article"])
def test_practice_is_off_in_every_trained_strategy(name, preset):
    entry = find_strategy(name)
    settings = entry.resolve(preset)
    practice = {setting.name for setting in PRACTICE_SETTINGS}
    assert practice <= settings.keys()
    # The optimiser of a run that was stored without one follows from its other settings.
    usual = "sgd" if "momentum" in settings else "adam"
    if settings["optimizer"] == usual:
        practice |= {"optimizer"}
    older = {key: value for key, value in settings.items() if key not in practice}
    assert entry.fits(older) == entry.fits(settings)


def test_the_head_that_is_fitted_first_has_the_same_loss_and_nothing_else():
    tuned = find_strategy("vgg16_finetune")
    changes = {"class_weights": True, "label_smoothing": 0.1, "patience": 3, "schedule": "cosine"}
    head, main = tuned.fits(tuned.resolve("quick", changes))
    assert (head.options.class_weights, head.options.label_smoothing) == (True, 0.1)
    assert (head.options.patience, head.options.schedule) == (0, "constant")
    assert (main.options.patience, main.options.schedule) == (3, "cosine")


@pytest.mark.tensorflow
def test_label_smoothing_spreads_its_fraction_over_all_classes():
    from keras import ops

    smoothed = loss_of(options(label_smoothing=0.1))(ops.convert_to_tensor(LABELS), PROBABILITIES)
    wanted = np.full((2, 3), 0.1 / 3)
    wanted[[0, 1], LABELS] += 0.9
    expected = -(wanted * np.log(PROBABILITIES)).sum(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(smoothed), expected, rtol=1e-5)
    assert loss_of(options()) == "sparse_categorical_crossentropy"


@pytest.mark.tensorflow
def test_the_cosine_falls_over_all_planned_epochs_after_the_warm_up():
    # 25 images in batches of 10 are three steps an epoch: 12 in all, 3 of them to warm up
    found = rates(options(schedule="cosine", warmup_epochs=1), 25, 13)
    rising = [0.1 / 3 + step / 3 * (0.1 - 0.1 / 3) for step in range(3)]
    falling = [0.05 * (1 + math.cos(math.pi * step / 9)) for step in range(10)]
    np.testing.assert_allclose(found, rising + falling, rtol=0, atol=1e-7)
    without = rates(options(schedule="cosine"), 25, 13)
    expected = [0.05 * (1 + math.cos(math.pi * step / 12)) for step in range(13)]
    np.testing.assert_allclose(without, expected, rtol=0, atol=1e-7)


@pytest.mark.tensorflow
def test_a_warm_up_as_long_as_the_training_leaves_one_step():
    found = rates(options(epochs=1, schedule="cosine", warmup_epochs=5), 25, 3)
    np.testing.assert_allclose(found, [0.05, 0.075, 0.1], rtol=1e-6)


@pytest.mark.tensorflow
def test_optimisers_are_the_chosen_ones_and_decay_weights_alone():
    import keras

    assert type(optimizer_of(options(), 25)) is keras.optimizers.Adam
    sgd = optimizer_of(options(optimizer="sgd", momentum=0.9, decay=0.5), 25)
    assert (sgd.momentum, sgd.nesterov, sgd.weight_decay) == (0.9, True, None)
    assert float(sgd._learning_rate(2)) == pytest.approx(0.1 / 2)
    for name in ("sgd", "adamw"):
        decayed = optimizer_of(options(optimizer=name, weight_decay=0.5), 25)
        kernel, bias = (keras.Variable([2.0], name=one) for one in ("kernel", "bias"))
        decayed.build([kernel, bias])
        decayed.apply([np.zeros(1, np.float32)] * 2)
        # 2 less 2 times 0.5 times the learning rate of 0.1; no gradient moves it
        assert float(kernel.numpy()[0]) == pytest.approx(1.9)
        assert float(bias.numpy()[0]) == 2.0

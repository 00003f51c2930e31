import dataclasses

import numpy as np
import pytest

from core.analysis.evidence import BASELINE, ExperimentPredictions, ladder_order, load_evidence
from core.errors import UnknownName
from core.experiments.run_files import predictions_path, read_predictions, write_predictions
from core.experiments.store import Store, open_store
from core.training.events import Predictions
from tests import made_up
from tests.made_evidence import (
    ANSWERS,
    EXPERIMENT,
    LABELS,
    TEST_INDICES,
    probabilities_of,
    store_experiment,
)

CNN_0 = f"{EXPERIMENT}-cnn-0"


@pytest.fixture
def store(home) -> Store:  # noqa: ARG001 - sets the home
    found = open_store()
    store_experiment(found)
    return found


@pytest.fixture
def evidence(store) -> ExperimentPredictions:
    return load_evidence(store, EXPERIMENT)


def test_strategies_come_in_ladder_order_with_seeds_rising(evidence):
    assert [answers.strategy for answers in evidence.answers] == ["cnn", "vgg16_probe"]
    assert evidence.answers[0].seeds == (0, 1)
    assert evidence.answers[0].run_ids == (CNN_0, f"{EXPERIMENT}-cnn-1")
    assert evidence.answers[0].title == "CNN, three blocks"
    assert evidence.missing == {}


def test_what_all_runs_share(evidence):
    assert evidence.labels.tolist() == LABELS.tolist()
    assert evidence.labels.dtype == np.int32
    assert evidence.test_indices.tolist() == TEST_INDICES.tolist()
    assert evidence.images == 8
    assert (evidence.majority_label, evidence.majority_name) == (0, "ant")
    assert evidence.majority_accuracy == 0.375
    assert evidence.majority_correct.tolist() == [[True] * 3 + [False] * 5]


def test_answers_of_one_strategy(evidence):
    cnn = evidence.of("cnn")
    assert cnn.predicted.tolist() == [ANSWERS["cnn", 0], ANSWERS["cnn", 1]]
    assert cnn.correct[0].tolist() == [True, True, False, True, True, False, True, False]
    assert cnn.accuracy == 9 / 16
    assert cnn.true_class_probability[0].tolist() == [0.5, 0.5, 0.375, 0.5, 0.5, 0.375, 0.5, 0.375]
    assert cnn.confidence.tolist() == [[0.5] * 8] * 2
    assert cnn.true_class_rank[0].tolist() == [0, 0, 1, 0, 0, 1, 0, 1]


def test_the_rank_of_the_label_counts_equals_in_the_order_of_classes(store):
    rows = np.full((8, 3), 1 / 3, np.float32)
    write_predictions(CNN_0, Predictions(TEST_INDICES, LABELS, rows))
    cnn = load_evidence(store, EXPERIMENT).of("cnn")
    assert cnn.true_class_rank[0].tolist() == LABELS.tolist()
    assert cnn.predicted[0].tolist() == [0] * 8


def test_a_strategy_without_answers_is_an_error_that_lists_the_others(evidence):
    with pytest.raises(UnknownName, match=r"no strategy named 'mlp'. Known: cnn, vgg16_probe"):
        evidence.of("mlp")


def test_an_unknown_experiment_is_an_error(store):
    with pytest.raises(UnknownName, match="no experiment named 'nothere'"):
        load_evidence(store, "nothere")


def test_resampled_accuracies_are_the_same_each_time_and_centred(evidence, store):
    again = load_evidence(store, EXPERIMENT)
    assert list(evidence.resampled) == [BASELINE, "cnn", "vgg16_probe"]
    for name, values in evidence.resampled.items():
        assert np.array_equal(values, again.resampled[name])
    assert evidence.resampled[BASELINE].mean() == pytest.approx(0.375, abs=0.01)
    assert evidence.resampled["cnn"].mean() == pytest.approx(9 / 16, abs=0.01)


def _remove(path):
    path.unlink()


def _cut(path):
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("damage", [_remove, _cut])
def test_a_missing_or_damaged_file_leaves_out_its_run_alone(store, damage):
    damage(predictions_path(CNN_0))
    evidence = load_evidence(store, EXPERIMENT)
    assert list(evidence.missing) == [CNN_0]
    assert "Start the run again" in evidence.missing[CNN_0]
    assert evidence.of("cnn").seeds == (1,)
    assert evidence.of("cnn").predicted.tolist() == [ANSWERS["cnn", 1]]


def _other_images(found: Predictions) -> Predictions:
    return dataclasses.replace(found, test_indices=found.test_indices + 1)


def _four_classes(found: Predictions) -> Predictions:
    return dataclasses.replace(found, probabilities=np.full((8, 4), 0.25, np.float32))


def _nothing(found: Predictions) -> Predictions:
    return Predictions(found.test_indices[:0], found.labels[:0], found.probabilities[:0])


def _unknown_class(found: Predictions) -> Predictions:
    return dataclasses.replace(found, labels=found.labels + 1)


def _not_numbers(found: Predictions) -> Predictions:
    return dataclasses.replace(found, probabilities=found.probabilities * np.float32("nan"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_other_images, "other test images"),
        (_four_classes, "shape (8, 4) and not (8, 3)"),
        (_nothing, "no images"),
        (_unknown_class, "classes that the experiment does not have"),
        (_not_numbers, "not numbers"),
    ],
)
def test_predictions_that_do_not_fit_are_left_out(store, change, reason):
    run = f"{EXPERIMENT}-vgg16_probe-1"
    write_predictions(run, change(read_predictions(run)))
    evidence = load_evidence(store, EXPERIMENT)
    assert list(evidence.missing) == [run]
    assert reason in evidence.missing[run]
    assert evidence.of("vgg16_probe").seeds == (0,)


def test_without_any_finished_run_the_evidence_is_empty(home):  # noqa: ARG001 - sets the home
    store = open_store()
    experiment = store.create_experiment(made_up.spec())
    evidence = load_evidence(store, experiment)
    assert evidence.answers == ()
    assert evidence.images == 0
    assert evidence.resampled == {}
    assert evidence.majority_accuracy == 0.0


def test_an_experiment_that_never_noted_its_commonest_class_takes_that_of_the_test_images(home):  # noqa: ARG001
    store = open_store()
    spec = made_up.spec(strategies=(("cnn", {}),), seeds=(0,), majority_class="")
    store.add_recorded("old", spec, "2026-01-01", made_up.origin(), [])
    assert load_evidence(store, "old").majority_label == 0


def test_strategies_that_the_registry_no_longer_has_come_last():
    assert ladder_order(["zzz", "vgg19", "cnn", "majority", "cnn"]) == [
        "majority",
        "cnn",
        "vgg19",
        "zzz",
    ]


def test_the_hand_made_probabilities_are_what_they_say():
    rows = probabilities_of(ANSWERS["cnn", 0])
    assert rows.sum(axis=1).tolist() == [1.0] * 8
    assert rows.argmax(axis=1).tolist() == ANSWERS["cnn", 0]

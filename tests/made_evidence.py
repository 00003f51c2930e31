"""A stored experiment small enough to work out by hand, and evidence from any right and wrong.

Eight test images: three of "ant", three of "bee", two of "cat"; "ant" is the commonest training
class. Two strategies with two seeds each. Every answer has probability 1/2; where it is wrong the
label has 3/8, and where it is right the next class has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.analysis.comparison import title_of
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.experiments.records import RecordedRun, run_id_of
from core.experiments.run_files import write_predictions
from core.experiments.store import Store
from core.training.events import Predictions
from tests import made_up

EXPERIMENT = "abcd1234"
CLASSES = ("ant", "bee", "cat")
LABELS = np.array([0, 0, 0, 1, 1, 1, 2, 2], np.int32)
TEST_INDICES = np.array([3, 5, 8, 13, 21, 34, 55, 89], np.int64)
ANSWERS = {
    ("cnn", 0): [0, 0, 1, 1, 1, 0, 2, 0],
    ("cnn", 1): [0, 1, 1, 1, 0, 0, 2, 2],
    ("vgg16_probe", 0): [0, 0, 0, 1, 1, 2, 2, 2],
    ("vgg16_probe", 1): [0, 0, 1, 1, 1, 1, 2, 2],
}
MOMENT = "2026-11-20T10:00:00.000000+00:00"


def probabilities_of(predicted: list[int], labels: np.ndarray = LABELS) -> np.ndarray:
    """float32 ``(N, 3)`` as the module says; every number is exact in binary."""
    found = np.full((len(labels), 3), 0.125, np.float32)
    for row, (answer, label) in enumerate(zip(predicted, labels, strict=True)):
        found[row, answer] = 0.5
        found[row, label if answer != label else (label + 1) % 3] = 0.375
    found[np.arange(len(labels)), predicted] = 0.5
    return found


def store_experiment(store: Store, results: Mapping[str, Any] | None = None) -> str:
    """Store the experiment with its predictions; ``results`` replaces those of a strategy."""
    spec = made_up.spec(
        strategies=(("vgg16_probe", {}), ("cnn", {})),
        classes=CLASSES,
        images={"train": 80, "validation": 8, "test": 8},
        majority_class="ant",
        majority_accuracy=0.375,
    )
    runs = []
    for strategy, seed in ANSWERS:
        accuracy = float(np.mean(ANSWERS[strategy, seed] == LABELS))
        result = (results or {}).get(strategy) or made_up.result(accuracy)
        epochs = (made_up.epoch(1), made_up.epoch(2))
        runs.append(RecordedRun(strategy, seed, {}, result, epochs, MOMENT, MOMENT, MOMENT))
    store.add_recorded(EXPERIMENT, spec, MOMENT, made_up.origin(), runs)
    for (strategy, seed), predicted in ANSWERS.items():
        write_predictions(
            run_id_of(EXPERIMENT, strategy, seed),
            Predictions(TEST_INDICES, LABELS, probabilities_of(predicted)),
        )
    return EXPERIMENT


@dataclass(frozen=True, eq=False)
class MadePredictions(StrategyPredictions):
    """Predictions without files: ``made`` is ``(S, N, C)``."""

    made: np.ndarray

    def probabilities(self) -> np.ndarray:
        return self.made


def evidence_of(rights: Mapping[str, Any], majority_right: int = 0) -> ExperimentPredictions:
    """Evidence in which each strategy got right what ``rights`` says: bool ``(S, N)`` by name.

    Labels are class 0 for the first ``majority_right`` images and class 1 for the others; class 0
    is the commonest training class. What is wrong was called class 2.
    """
    images = np.shape(next(iter(rights.values())))[1]
    labels = np.where(np.arange(images) < majority_right, 0, 1).astype(np.int32)
    answers = []
    for strategy, right in rights.items():
        table = np.asarray(right, bool)
        predicted = np.where(table, labels, 2).astype(np.int32)
        answers.append(
            MadePredictions(
                strategy=strategy,
                title=title_of(strategy),
                seeds=tuple(range(len(table))),
                run_ids=tuple(run_id_of(EXPERIMENT, strategy, seed) for seed in range(len(table))),
                predicted=predicted,
                correct=table,
                true_class_probability=np.where(table, 0.5, 0.375).astype(np.float32),
                confidence=np.full(table.shape, 0.5, np.float32),
                true_class_rank=np.where(table, 0, 1).astype(np.int32),
                made=np.stack([probabilities_of(row.tolist(), labels) for row in predicted]),
            )
        )
    return ExperimentPredictions(
        experiment_id=EXPERIMENT,
        dataset_id=made_up.DATASET_ID,
        dataset_name="insects",
        classes=CLASSES,
        labels=labels,
        test_indices=np.arange(images),
        majority_label=0,
        answers=tuple(answers),
        missing={},
    )


def evidence_with(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str] = ()
) -> ExperimentPredictions:
    """Evidence of one strategy, cnn, with ``probabilities`` ``(S, N, C)``."""
    right = probabilities.argmax(axis=2) == labels
    found = evidence_of({"cnn": right})
    names = tuple(classes) or tuple(f"class {number}" for number in range(probabilities.shape[2]))
    predicted = probabilities.argmax(axis=2).astype(np.int32)
    (answers,) = found.answers
    assert isinstance(answers, MadePredictions)
    answers = replace(answers, made=probabilities, predicted=predicted)
    return replace(found, labels=labels, classes=names, answers=(answers,))

"""Single images: disagreements, confident mistakes, hardest images, likely label errors.

Everything comes from stored predictions. An ``image`` is always its position in the dataset;
classes are positions in ``evidence.classes``; probabilities are 0 to 1. A strategy with several
seeds predicts what most of its seeds predict (``core.analysis.consensus``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.choice import best_strategies, good_strategies
from core.analysis.consensus import consensus
from core.analysis.evidence import ExperimentPredictions
from core.datasets.dataset import Dataset
from core.errors import BadInput
from core.strategies.registry import MAJORITY
from core.text import csv_cell

# One strategy alone may simply be wrong; two that agree against a label are evidence.
FEWEST_WITNESSES = 2
LABEL_ERROR_COLUMNS = (
    "image",
    "file",
    "label",
    "best_strategies_say",
    "mean_probability",
    "strategies",
)


@dataclass(frozen=True)
class Disagreement:
    """One image that one strategy got right and the other wrong.

    For each of the two: the predicted class, its confidence, the probability of the label.
    """

    image: int
    label: int
    first_predicted: int
    second_predicted: int
    first_true_class_probability: float
    second_true_class_probability: float
    first_confidence: float
    second_confidence: float


@dataclass(frozen=True)
class Disagreements:
    """``fixed``: images that only the second strategy gets right; ``regressed``: only the first.

    The largest difference in the probability of the label comes first.
    """

    fixed: tuple[Disagreement, ...]
    regressed: tuple[Disagreement, ...]


@dataclass(frozen=True)
class Mistake:
    """One image that a strategy got wrong; ``seeds_wrong`` of ``seed_count`` seeds did."""

    image: int
    label: int
    predicted: int
    confidence: float
    true_class_probability: float
    seeds_wrong: int
    seed_count: int


@dataclass(frozen=True)
class HardImage:
    """One image that all strategies get wrong; ``answers`` are pairs of strategy and class."""

    image: int
    label: int
    true_class_probability: float
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class LabelError:
    """One image for which all ``strategies`` predict ``suggested`` and not the label.

    ``probability`` is the mean over the strategies of that of ``suggested``.
    """

    image: int
    label: int
    suggested: int
    probability: float
    strategies: tuple[str, ...]


def disagreements(
    evidence: ExperimentPredictions,
    first: str,
    second: str,
    seed_of_first: int | None = None,
    seed_of_second: int | None = None,
) -> Disagreements:
    """The images that only one of two strategies gets right.

    With one seed each (chosen, or because there is only one) the counts are those of
    ``significance.paired_test``. With several, an image counts where more than half of the seeds
    of one are right and more than half of the other's are wrong; ``paired_test`` takes means over
    the pairs of seeds instead. ``UnknownName`` for a strategy or seed that is not there.
    """
    before = consensus(evidence.of(first), seed_of_first)
    after = consensus(evidence.of(second), seed_of_second)
    columns = (
        evidence.test_indices,
        evidence.labels,
        before.predicted,
        after.predicted,
        before.true_class_probability,
        after.true_class_probability,
        before.confidence,
        after.confidence,
    )
    gains = after.true_class_probability - before.true_class_probability
    fixed = _sorted_by(-gains, before.mostly_wrong & after.mostly_correct)
    regressed = _sorted_by(gains, before.mostly_correct & after.mostly_wrong)
    return Disagreements(
        tuple(Disagreement(*values) for values in _values(fixed, *columns)),
        tuple(Disagreement(*values) for values in _values(regressed, *columns)),
    )


def confident_mistakes(
    evidence: ExperimentPredictions, strategy: str, count: int
) -> tuple[Mistake, ...]:
    """The most confident mistakes of a strategy, at most ``count``.

    A mistake is an image that more than half of the seeds get wrong and whose most predicted
    class is not the label.
    """
    answers = evidence.of(strategy)
    found = consensus(answers)
    wrong = found.mostly_wrong & (found.predicted != evidence.labels)
    values = _values(
        _sorted_by(-found.confidence, wrong)[:count],
        evidence.test_indices,
        evidence.labels,
        found.predicted,
        found.confidence,
        found.true_class_probability,
        (~answers.correct).sum(axis=0),
    )
    return tuple(Mistake(*[*of_image, found.seed_count]) for of_image in values)


def hardest(evidence: ExperimentPredictions, count: int) -> tuple[HardImage, ...]:
    """Images that all strategies get wrong, those with the least probable label first.

    Only strategies that are clearly better than the majority class count: one that always predicts
    the commonest class gets its images right without having learned anything. Where none is better,
    all but the majority class count. A strategy is wrong where more than half of its seeds are.
    """
    asked = good_strategies(evidence) or tuple(
        answers for answers in evidence.answers if answers.strategy != MAJORITY
    )
    if not asked:
        return ()
    views = [consensus(answers) for answers in asked]
    wrong = np.all([view.mostly_wrong for view in views], axis=0)
    given = np.mean([view.true_class_probability for view in views], axis=0)
    return tuple(
        HardImage(
            image=int(evidence.test_indices[row]),
            label=int(evidence.labels[row]),
            true_class_probability=float(given[row]),
            answers=tuple(
                (answers.strategy, int(view.predicted[row]))
                for answers, view in zip(asked, views, strict=True)
            ),
        )
        for row in _sorted_by(given, wrong)[:count]
    )


def likely_label_errors(
    evidence: ExperimentPredictions, count: int | None = None
) -> tuple[LabelError, ...]:
    """Images on which the best strategies agree on one class that is not the label.

    See ``best_strategies``; fewer than two find nothing, because weaker ones often agree on the
    commonest class out of ignorance. Each must predict the class with more than half of its seeds.
    The highest mean probability of that class comes first, at most ``count`` images.
    """
    asked = best_strategies(evidence)
    if len(asked) < FEWEST_WITNESSES:
        return ()
    views = [consensus(answers) for answers in asked]
    predicted = views[0].predicted
    agreed = np.all([(view.predicted == predicted) & view.most_agree for view in views], axis=0)
    confidence = np.mean([view.confidence for view in views], axis=0)
    rows = _sorted_by(-confidence, agreed & (predicted != evidence.labels))[:count]
    values = _values(rows, evidence.test_indices, evidence.labels, predicted, confidence)
    strategies = tuple(answers.strategy for answers in asked)
    return tuple(LabelError(*[*of_image, strategies]) for of_image in values)


def label_errors_csv(evidence: ExperimentPredictions, dataset: Dataset) -> bytes:
    """All likely label errors as CSV, UTF-8, safe to open in a spreadsheet.

    Columns are ``LABEL_ERROR_COLUMNS``. ``BadInput`` if ``dataset`` is not the one that the
    experiment was made on.
    """
    if dataset.id != evidence.dataset_id:
        raise BadInput(
            f"The experiment {evidence.experiment_id} was made on another dataset than "
            f"{dataset.name!r}, so the files of its images are not known.",
            "dataset",
        )
    lines = [
        (
            error.image,
            dataset.file_names[error.image],
            evidence.classes[error.label],
            evidence.classes[error.suggested],
            f"{error.probability:.3f}",
            error.strategies,
        )
        for error in likely_label_errors(evidence)
    ]
    frame = pd.DataFrame(lines, columns=LABEL_ERROR_COLUMNS).map(csv_cell)
    return frame.to_csv(index=False, lineterminator="\r\n").encode()


def _sorted_by(key: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Rows where ``there`` is true, smallest ``key`` first; ties go to the earlier in the split."""
    rows = np.flatnonzero(there)
    return rows[np.argsort(key[rows], kind="stable")]


def _values(rows: np.ndarray, *columns: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """The Python numbers of each of ``rows`` in ``columns``."""
    return zip(*(column[rows].tolist() for column in columns), strict=True)

"""Single images: disagreements, confident mistakes, hardest images, likely label errors.

Everything comes from stored predictions. An ``image`` is always its position in the dataset;
classes are positions in ``evidence.classes``; probabilities are 0 to 1. A strategy with several
seeds predicts what most of its seeds predict (``core.analysis.consensus``).
"""

import csv
import io
from dataclasses import dataclass

import numpy as np

from core.analysis.consensus import Consensus, best_strategies, consensus, good_strategies
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
    """One image that one strategy had right and the other wrong.

    For the first and for the second strategy: the class that it predicts, its confidence, and the
    probability that it gave to the label.
    """

    image: int
    label: int
    first_predicted: int
    second_predicted: int
    first_true_class_probability: float
    second_true_class_probability: float
    first_confidence: float
    second_confidence: float

    @property
    def gain(self) -> float:
        """How much more the second strategy gave to the label, -1 to 1."""
        return self.second_true_class_probability - self.first_true_class_probability


@dataclass(frozen=True)
class Disagreements:
    """``fixed``: images that only the second strategy gets right, the largest gain first.

    ``regressed``: those that only the first gets right, the largest loss first.
    """

    fixed: tuple[Disagreement, ...]
    regressed: tuple[Disagreement, ...]


@dataclass(frozen=True)
class Mistake:
    """One image that a strategy got wrong, with the probability of its answer and of the label.

    ``seeds_wrong`` of ``seed_count`` seeds were wrong.
    """

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
    """One image for which ``strategies`` all predict ``suggested`` and not the label.

    ``probability`` is the mean over the strategies of what they gave to ``suggested``.
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
    """The images on which two strategies differ in being right.

    With one seed each (chosen, or because there is only one) the counts are those of
    ``significance.paired_difference``. With several, an image is one where more than half of
    the seeds of one are right and more than half of the other's are wrong; ``paired_difference``
    then counts means over the pairs of seeds instead. ``UnknownName`` for a strategy or seed that
    is not there.
    """
    before = consensus(evidence.of(first), seed_of_first)
    after = consensus(evidence.of(second), seed_of_second)
    gains = after.true_class_probability - before.true_class_probability
    return Disagreements(
        fixed=_disagreements(
            evidence, before, after, before.mostly_wrong & after.mostly_correct, -gains
        ),
        regressed=_disagreements(
            evidence, before, after, before.mostly_correct & after.mostly_wrong, gains
        ),
    )


def _disagreements(
    evidence: ExperimentPredictions,
    before: Consensus,
    after: Consensus,
    there: np.ndarray,
    order: np.ndarray,
) -> tuple[Disagreement, ...]:
    rows = _sorted_by(order, there)
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
    return tuple(
        Disagreement(*row) for row in zip(*(c[rows].tolist() for c in columns), strict=True)
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
    rows = _sorted_by(-found.confidence, wrong)[:count]
    seeds_wrong = (~answers.correct).sum(axis=0)
    return tuple(
        Mistake(
            image=int(evidence.test_indices[row]),
            label=int(evidence.labels[row]),
            predicted=int(found.predicted[row]),
            confidence=float(found.confidence[row]),
            true_class_probability=float(found.true_class_probability[row]),
            seeds_wrong=int(seeds_wrong[row]),
            seed_count=found.seed_count,
        )
        for row in rows
    )


def hardest(evidence: ExperimentPredictions, count: int) -> tuple[HardImage, ...]:
    """Images that all strategies get wrong, those with the least probability for the label first.

    Only strategies that are clearly better than the majority class count: one that always predicts
    the commonest class is right on it without having learned anything. Where none is better, all
    but the majority class count. An image is wrong where more than half of the seeds are.
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

    The best are those that are clearly better than the majority class and not clearly worse than
    the most accurate; fewer than two find nothing: weaker ones often agree on the commonest class
    out of ignorance. Each must predict the class with more than half of its seeds. The highest
    mean probability of that class comes first; ``count`` limits how many.
    """
    asked = best_strategies(evidence)
    if len(asked) < FEWEST_WITNESSES:
        return ()
    views = [consensus(answers) for answers in asked]
    predicted = views[0].predicted
    agreed = np.all([(view.predicted == predicted) & view.most_agree for view in views], axis=0)
    confidence = np.mean([view.confidence for view in views], axis=0)
    return tuple(
        LabelError(
            image=int(evidence.test_indices[row]),
            label=int(evidence.labels[row]),
            suggested=int(predicted[row]),
            probability=float(confidence[row]),
            strategies=tuple(answers.strategy for answers in asked),
        )
        for row in _sorted_by(-confidence, agreed & (predicted != evidence.labels))[:count]
    )


def label_errors_csv(evidence: ExperimentPredictions, dataset: Dataset) -> bytes:
    """All likely label errors as CSV, UTF-8, safe to open in a spreadsheet.

    Columns are ``LABEL_ERROR_COLUMNS``. ``BadInput`` if ``dataset`` is not the one that the
    experiment was made on.
    """
    if dataset.id != evidence.dataset_id:
        raise BadInput(
            f"The experiment {evidence.experiment_id} was made on another dataset than "
            f"{dataset.name!r}, so its images cannot be named.",
            "dataset",
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(LABEL_ERROR_COLUMNS)
    for error in likely_label_errors(evidence):
        cells = (
            error.image,
            dataset.file_names[error.image],
            evidence.classes[error.label],
            evidence.classes[error.suggested],
            f"{error.probability:.3f}",
            " ".join(error.strategies),
        )
        writer.writerow([csv_cell(cell) for cell in cells])
    return text.getvalue().encode()


def _sorted_by(key: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Rows where ``there`` is true, smallest ``key`` first; ties go to the earlier in the split."""
    rows = np.flatnonzero(there)
    return rows[np.argsort(key[rows], kind="stable")]

"""What the seeds of a strategy predict together, for all test images or for one.

With several seeds a strategy predicts what most of its seeds predict; ties go to the class with the
higher confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.errors import BadInput


@dataclass(frozen=True)
class Consensus:
    """One strategy, one seed or all; arrays over the test images in the order of the split.

    ``predicted`` int64 ``(N,)``: position in the classes of what most seeds predict.
    ``seeds`` int64 ``(N,)``: how many seeds predict it.
    ``confidence`` float64 ``(N,)``: the mean probability (0 to 1) that these gave it.
    ``true_class_probability`` float64 ``(N,)``: mean over all seeds of the label's.
    ``fraction_correct`` float64 ``(N,)``: fraction of seeds that are correct.
    """

    predicted: np.ndarray
    seeds: np.ndarray
    seed_count: int
    confidence: np.ndarray
    true_class_probability: np.ndarray
    fraction_correct: np.ndarray

    @property
    def mostly_correct(self) -> np.ndarray:
        """bool ``(N,)``: more than half of the seeds were right."""
        return self.fraction_correct > 0.5

    @property
    def mostly_wrong(self) -> np.ndarray:
        """bool ``(N,)``: more than half of the seeds were wrong."""
        return self.fraction_correct < 0.5

    @property
    def most_agree(self) -> np.ndarray:
        """bool ``(N,)``: more than half of the seeds predict the same class."""
        return 2 * self.seeds > self.seed_count


def consensus(
    answers: StrategyPredictions, seed: int | None = None, images: slice = slice(None)
) -> Consensus:
    """Of all seeds, or of one: ``UnknownName`` if the strategy has no such seed.

    ``images`` chooses some of the test images, by their row in the arrays.
    """
    chosen_seeds = slice(None) if seed is None else [answers.row_of(seed)]
    rows = (chosen_seeds, images)
    predicted = answers.predicted[rows]
    confidence = answers.confidence[rows].astype(np.float64)
    same = predicted[:, None, :] == predicted[None, :, :]
    seeds = same.sum(axis=1)
    sums = (same * confidence[None, :, :]).sum(axis=1)
    # A sum of probabilities is at most the number of seeds, so it only breaks ties.
    chosen = (seeds * (len(predicted) + 1) + sums).argmax(axis=0)[None, :]
    agreeing = np.take_along_axis(seeds, chosen, axis=0)[0]
    return Consensus(
        predicted=np.take_along_axis(predicted, chosen, axis=0)[0].astype(np.int64),
        seeds=agreeing,
        seed_count=len(predicted),
        confidence=np.take_along_axis(sums, chosen, axis=0)[0] / agreeing,
        true_class_probability=answers.true_class_probability[rows].mean(axis=0, dtype=np.float64),
        fraction_correct=answers.correct[rows].mean(axis=0),
    )


@dataclass(frozen=True)
class ImageAnswer:
    """One strategy on one image.

    ``predicted``: position in the classes. ``confidence``: mean probability (0 to 1) of the seeds
    that predict it. ``true_class_probability``: mean over all seeds of the label's.
    """

    strategy: str
    title: str
    predicted: int
    predicted_name: str
    correct: bool
    confidence: float
    true_class_probability: float
    seeds_correct: int
    seed_count: int


def answers_about(
    evidence: ExperimentPredictions, image: int, seed: int | None = None
) -> tuple[ImageAnswer, ...]:
    """What each strategy predicts for an image of the test split, in ladder order.

    ``image`` is its position in the dataset; ``BadInput`` if it is not one of the test images.
    With ``seed`` only strategies that have it are asked.
    """
    row = test_row(evidence, image)
    return tuple(
        _answer(evidence, answers, row, seed)
        for answers in evidence.answers
        if seed is None or seed in answers.seeds
    )


def test_row(evidence: ExperimentPredictions, image: int) -> int:
    """The row of an image in the arrays of ``evidence``; ``BadInput`` if it has none."""
    found = np.flatnonzero(evidence.test_indices == image)
    if not len(found):
        raise BadInput(
            f"Picture {image:,} is not one of the {evidence.images:,} test images, so there is no "
            "prediction for it.",
            "image",
        )
    return int(found[0])


def answers_frame(answers: Sequence[ImageAnswer]) -> pd.DataFrame:
    """One line a strategy: prediction, confidence, the label's probability, seeds correct."""
    return pd.DataFrame(
        [
            {
                "strategy": answer.title,
                "predicted": answer.predicted_name,
                "correct": "yes" if answer.correct else "no",
                "confidence (%)": 100 * answer.confidence,
                "probability of the label (%)": 100 * answer.true_class_probability,
                "seeds correct": f"{answer.seeds_correct} of {answer.seed_count}",
            }
            for answer in answers
        ]
    )


def _answer(
    evidence: ExperimentPredictions, answers: StrategyPredictions, row: int, seed: int | None
) -> ImageAnswer:
    found = consensus(answers, seed, slice(row, row + 1))
    predicted = int(found.predicted[0])
    return ImageAnswer(
        strategy=answers.strategy,
        title=answers.title,
        predicted=predicted,
        predicted_name=evidence.classes[predicted],
        correct=predicted == int(evidence.labels[row]),
        confidence=float(found.confidence[0]),
        true_class_probability=float(found.true_class_probability[0]),
        seeds_correct=round(float(found.fraction_correct[0]) * found.seed_count),
        seed_count=found.seed_count,
    )

"""What every strategy predicts for one test image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.consensus import consensus
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.errors import BadInput


@dataclass(frozen=True)
class ImageAnswer:
    """One strategy on one image; its seeds together predict what most of them predict.

    ``predicted``: position in the classes. ``confidence``: mean probability (0 to 1) of the seeds
    that predict it. ``true_class_probability``: what the label got, a mean over all seeds.
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

    ``image`` is its position in the dataset. With ``seed`` only strategies that have it are
    asked. ``BadInput`` where it is not one of the test images.
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
    """One line a strategy: prediction, confidence, what the label got, seeds that are correct."""
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
    # Of one image alone the majority of the seeds is quick to find.
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

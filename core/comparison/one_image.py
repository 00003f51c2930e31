"""What every strategy said about one test image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.text import percent_text
from core.comparison.consensus import consensus
from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.errors import BadInput


@dataclass(frozen=True)
class ImageAnswer:
    """One strategy on one image; its seeds together say what most of them say.

    ``said`` is a position in the classes, ``confidence`` the mean probability (0 to 1) of the seeds
    that said it, ``true_class_probability`` what the label got, a mean over all seeds.
    """

    strategy: str
    title: str
    said: int
    said_name: str
    right: bool
    confidence: float
    true_class_probability: float
    seeds_correct: int
    seed_count: int


def answers_about(
    evidence: ExperimentPredictions, image: int, seed: int | None = None
) -> tuple[ImageAnswer, ...]:
    """What each strategy said about an image of the test split, in ladder order.

    ``image`` is its position in the dataset. With ``seed`` only strategies that have it are
    asked. ``BadInput`` where it is not one of the test images.
    """
    row = test_row(evidence, image)
    return tuple(
        _answer(evidence, _of_row(answers, row), row, seed)
        for answers in evidence.answers
        if seed is None or seed in answers.seeds
    )


def test_row(evidence: ExperimentPredictions, image: int) -> int:
    """Where an image stands in the arrays of ``evidence``; ``BadInput`` if it does not."""
    found = np.flatnonzero(evidence.test_indices == image)
    if not len(found):
        raise BadInput(
            f"Picture {image:,} is not one of the {evidence.images:,} test images, so nothing was "
            "said about it.",
            "image",
        )
    return int(found[0])


def image_words(evidence: ExperimentPredictions, image: int, answers: Sequence[ImageAnswer]) -> str:
    """How many strategies were right about it, in a sentence."""
    label = evidence.classes[evidence.labels[test_row(evidence, image)]]
    right = sum(answer.right for answer in answers)
    if not answers:
        return f"Labelled {label}. No strategy was asked about it."
    if right == len(answers):
        return f"Labelled {label}; every strategy said so."
    if not right:
        return f"Labelled {label}; no strategy said so."
    return f"Labelled {label}; {right} of {len(answers)} strategies said so."


def answers_frame(answers: Sequence[ImageAnswer]) -> pd.DataFrame:
    """One line a strategy: what it said, how sure, what the label got, seeds that were right."""
    return pd.DataFrame(
        [
            {
                "strategy": answer.title,
                "said": answer.said_name,
                "right": "yes" if answer.right else "no",
                "probability of that (%)": 100 * answer.confidence,
                "probability of the label (%)": 100 * answer.true_class_probability,
                "seeds right": f"{answer.seeds_correct} of {answer.seed_count}",
            }
            for answer in answers
        ]
    )


def answer_words(answer: ImageAnswer) -> str:
    """``CNN, three blocks said beach (93.0 % sure), which is right``."""
    sure = percent_text(answer.confidence)
    verdict = "right" if answer.right else "wrong"
    return f"{answer.title} said {answer.said_name} ({sure} sure), which is {verdict}"


def _of_row(answers: StrategyPredictions, row: int) -> StrategyPredictions:
    """The same strategy with one image alone: what most seeds say costs nothing then."""
    here = slice(row, row + 1)
    return replace(
        answers,
        predicted=answers.predicted[:, here],
        right=answers.right[:, here],
        true_class_probability=answers.true_class_probability[:, here],
        confidence=answers.confidence[:, here],
        true_class_rank=answers.true_class_rank[:, here],
    )


def _answer(
    evidence: ExperimentPredictions, answers: StrategyPredictions, row: int, seed: int | None
) -> ImageAnswer:
    found = consensus(answers, seed)
    said = int(found.said[0])
    return ImageAnswer(
        strategy=answers.strategy,
        title=answers.title,
        said=said,
        said_name=evidence.classes[said],
        right=said == int(evidence.labels[row]),
        confidence=float(found.confidence[0]),
        true_class_probability=float(found.true_class_probability[0]),
        seeds_correct=round(float(found.fraction_correct[0]) * found.seed_count),
        seed_count=found.seed_count,
    )

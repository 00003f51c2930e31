"""Predictions for single images in words: confusion matrix, label errors, one image, map, game."""

from collections.abc import Sequence

import numpy as np

from core.analysis.choice import best_strategies
from core.analysis.confusion import Confusion
from core.analysis.consensus import ImageAnswer, test_row
from core.analysis.evidence import ExperimentPredictions
from core.analysis.feature_map import NEIGHBOURS, FeatureMap, neighbour_agreement, rows_on_map
from core.analysis.guessing import PlayerScore
from core.analysis.mistakes import FEWEST_WITNESSES, likely_label_errors
from core.analysis.significance import SIGNIFICANCE
from core.text import number_text, percent_text

MISTAKES_NAMED = 3


def describe_confusion(matrix: Confusion) -> str:
    """The matrix in two sentences: how many are correct, and what is confused most often."""
    images, correct = matrix.counts.sum(), matrix.counts.trace()
    seeds = f", on average over {matrix.seed_count} seeds" if matrix.seed_count > 1 else ""
    first = (
        f"{matrix.title}: {number_text(correct)} of {number_text(images)} test images were "
        f"predicted correctly ({percent_text(correct / images)}){seeds}."
    )
    wrong = matrix.wrong
    worst = np.argsort(-wrong.ravel(), kind="stable")[:MISTAKES_NAMED]
    listed = [
        f"{matrix.classes[true]} predicted as {matrix.classes[predicted]} "
        f"({number_text(wrong[true, predicted])})"
        for true, predicted in (divmod(int(cell), len(matrix.classes)) for cell in worst)
        if wrong[true, predicted] > 0
    ]
    if not listed:
        return f"{first} Nothing was confused."
    return f"{first} Confused most often: {', '.join(listed)}."


def describe_label_errors(evidence: ExperimentPredictions) -> str:
    """What the list of likely label errors means, or why there is none."""
    asked = best_strategies(evidence)
    if len(asked) < FEWEST_WITNESSES:
        good = f"only {asked[0].title} is" if asked else "none is"
        return (
            "A label is doubted where at least two strategies agree against it that are clearly "
            f"better than always predicting the commonest class; here {good}. So no labels are "
            "listed."
        )
    names = "; ".join(answers.title for answers in asked)  # titles have commas of their own
    found = len(likely_label_errors(evidence))
    if not found:
        return (
            f"On none of the {evidence.images:,} test images do the best strategies ({names}) "
            "agree on a class that is not the label."
        )
    return (
        f"On {found:,} of {evidence.images:,} test images "
        f"({percent_text(found / evidence.images)}) the best strategies ({names}) agree on a "
        "class that is not the label. Look at these, the most confident first: either the label "
        "is wrong, or the picture is hard."
    )


def describe_image(
    evidence: ExperimentPredictions, image: int, answers: Sequence[ImageAnswer]
) -> str:
    """How many strategies predicted its label, in a sentence."""
    label = evidence.classes[evidence.labels[test_row(evidence, image)]]
    correct = sum(answer.correct for answer in answers)
    if not answers:
        return f"Labelled {label}. No strategy made a prediction for it."
    if correct == len(answers):
        return f"Labelled {label}; every strategy predicts that."
    if not correct:
        return f"Labelled {label}; no strategy predicts that."
    return f"Labelled {label}; {correct} of {len(answers)} strategies predict that."


def describe_map(layout: FeatureMap, evidence: ExperimentPredictions) -> str:
    """The map in words: what is compared, and how well the classes lie apart on it."""
    labels = evidence.labels[rows_on_map(layout, evidence)]
    agreement = neighbour_agreement(layout, evidence)
    fractions = np.bincount(labels, minlength=len(evidence.classes)) / max(1, len(labels))
    words = (
        f"{layout.how} Of the {NEIGHBOURS} nearest neighbours of a point "
        f"{percent_text(float(agreement.mean()))} have the same label; if the classes lay mixed at "
        f"random it would be about {percent_text(float((fractions**2).sum()))}."
    )
    means = {label: float(agreement[labels == label].mean()) for label in np.unique(labels)}
    if len(means) < 2:
        return words
    best = max(means, key=lambda label: means[label])
    worst = min(means, key=lambda label: means[label])
    return (
        f"{words} The class most by itself is {evidence.classes[best]} "
        f"({percent_text(means[best])}), the least {evidence.classes[worst]} "
        f"({percent_text(means[worst])})."
    )


def describe_round(scores: Sequence[PlayerScore]) -> str:
    """What a round of the game can tell, and what it cannot; the visitor's score comes first."""
    visitor, strategies = scores[0], scores[1:]
    interval = (
        f"{visitor.correct} of {visitor.images} right means that on very many such pictures you "
        f"would plausibly be right for {percent_text(visitor.low)} to "
        f"{percent_text(visitor.high)} of them: so few pictures make a game, not a measurement."
    )
    leads = [score for score in strategies if score.correct != visitor.correct]
    real = [score for score in leads if score.p_value is not None and score.p_value < SIGNIFICANCE]
    if not real:
        return f"{interval} No lead in this round is larger than luck could explain."
    behind = [score.title for score in real if score.correct < visitor.correct]
    ahead = [score.title for score in real if score.correct > visitor.correct]
    parts = [
        f"{word} {'; '.join(titles)}"
        for word, titles in (("ahead of", behind), ("behind", ahead))
        if titles
    ]
    found = f"{interval} Even so, by more than luck would explain you are {', and '.join(parts)}."
    return found if len(real) == len(leads) else f"{found} The other leads may be luck."

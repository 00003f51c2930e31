"""The majority class: what one gets by always predicting the most frequent class."""

from typing import Any

from core.strategies.strategy import Appearance, Role, Strategy


def estimator() -> Any:
    """scikit-learn's ``DummyClassifier``. Its ``prior`` predicts the majority class, with the class
    fractions of the training images as probabilities, so that the log loss is finite."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


MAJORITY_CLASS = Strategy(
    name="majority",
    title="Majority class",
    role=Role.BASELINE,
    teaches="Always predicting the commonest class sets the score that any model has to beat: "
    "an accuracy means nothing without it.",
    tutorial="Case 1 compares every network with it: always predicting the commonest theme scores "
    "17.6 %.",
    settings=(),
    cost=0,
    appearance=Appearance("#8C8C8C", "line-ns", "dot"),
    terms=("majority class", "baseline"),
    needs=lambda _settings: frozenset(),
    fits=lambda _settings: (),
    estimator=estimator,
    convolutional=False,
    default_chosen=True,
)

"""The majority class: what one gets for always giving the commonest answer."""

from core.strategies.plan import BuildContext, Plan
from core.strategies.strategy import Strategy


def build(_context: BuildContext) -> Plan:
    """scikit-learn's ``DummyClassifier``; ``prior`` predicts the commonest class, with the class
    shares of the training images as probabilities, so that its log loss is finite."""
    from sklearn.dummy import DummyClassifier

    return Plan(estimator=DummyClassifier(strategy="prior"))


MAJORITY = Strategy(
    name="majority",
    title="Majority class",
    teaches="Always answering the commonest class is the score that any model has to beat: "
    "an accuracy means nothing without it.",
    tutorial="Case 1 compares every network with it: 17.6 % by always naming the commonest theme.",
    settings=(),
    needs=frozenset(),
    cost=0,
    builder="core.strategies.majority:build",
    convolutional=False,
)

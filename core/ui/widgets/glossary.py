"""What the words mean, for somebody who never trained a model: shown where a word is used.

``explain("baseline")`` gives the help text of a heading, a choice or a number; the page "How it is
measured" lists all of them.
"""

from core.backbones.registry import BACKBONES
from core.errors import UnknownName
from core.strategies.registry import STRATEGIES

GLOSSARY: dict[str, str] = {
    "accuracy": "The fraction of pictures that are predicted correctly. 66 % means 66 of 100.",
    "balanced accuracy": (
        "The fraction of each class that is predicted correctly, averaged over the classes: a rare "
        "class counts as much as a common one."
    ),
    "baseline": (
        "The result to compare with. A result means little until you know what a simpler method "
        "reaches."
    ),
    "calibration error": (
        "How far confidence is from accuracy. At 0 %, exactly 80 % of the predictions made with 80 "
        "% confidence are correct."
    ),
    "class": "One of the labels that a picture can have, such as cat or dog.",
    "CNN": (
        "Convolutional neural network: it slides small filters over the picture, and learns which "
        "filters help. It begins knowing nothing."
    ),
    "confidence interval": (
        "A range that holds the true value in 95 of 100 such measurements. Few test images make it "
        "wide."
    ),
    "confusion matrix": (
        "One row for each label, one column for each predicted class; each cell counts the "
        "pictures. Those on the diagonal are correct."
    ),
    "epoch": "One pass through all training images. A network needs several.",
    "experiment": (
        "One dataset, one split and one image size, on which several strategies were trained and "
        "scored."
    ),
    "F1": (
        "One number for precision and recall together; it is high only where both are (their "
        "harmonic mean)."
    ),
    "features": (
        "What a pre-trained network notices in a picture, as a list of numbers. They are computed "
        "once, and a small classifier learns from them instead of from the pixels."
    ),
    "fine-tuned": (
        "A pre-trained network whose own weights go on learning, in small steps, on the new "
        "pictures."
    ),
    "frozen": "Not changed by training: these layers keep what they learned elsewhere.",
    "Grad-CAM": (
        "A heat map of the places in a picture that support a prediction (Selvaraju et al. 2017)."
    ),
    "head": "The last layers of a network, which turn what was noticed into one of the classes.",
    "ImageNet": (
        "A collection of more than a million labelled photographs in 1,000 classes. Pre-trained "
        "networks were trained on it."
    ),
    "layer": (
        "One step of a network: numbers go in, other numbers come out. What it does to them is "
        "learned."
    ),
    "log loss": (
        "How low the probability of the true class is (mean negative logarithm, in nats). 0 is "
        "perfect; confident mistakes cost most."
    ),
    "loss": "What training makes small: how far the predictions are from the labels.",
    "macro F1": "The F1 of each class, averaged over the classes: a rare class counts as much.",
    "majority class": (
        "The class with most pictures. Always predicting it needs no learning, so every strategy "
        "has to beat its accuracy."
    ),
    "McNemar's test": (
        "Tests whether two strategies differ. It uses only the pictures that one gets right and "
        "the other wrong."
    ),
    "MLP": (
        "Multilayer perceptron: the simplest neural network. It sees a row of raw pixels and does "
        "not know which of them are neighbours."
    ),
    "near duplicate": (
        "A picture that looks the same as another though its file differs, for example saved again "
        "or resized. In two subsets of a split it would make results too good."
    ),
    "p value": (
        "How often luck alone gives a difference at least this large. Under 5 % the difference is "
        "called real here."
    ),
    "parameters": (
        "The numbers in a network that training sets. A large network has many millions of them."
    ),
    "pre-trained": "Trained before on other pictures; it starts with what it learned there.",
    "precision": "Of the pictures that were predicted as this class, the fraction that really "
    "belong to it.",
    "number format": (
        "How many digits the calculation keeps. bfloat16 keeps fewer than float32 and is faster "
        "where the processor has it; accuracy hardly changes."
    ),
    "preset": (
        "Settings for all strategies at once. quick takes minutes on two processor cores; article "
        "takes the tutorial's own sizes and epochs."
    ),
    "probe": (
        "The simplest use of a pre-trained network: it stays as it is, and one linear layer learns "
        "from what it notices."
    ),
    "recall": "Of the pictures of this class, the fraction that is predicted as it.",
    "run": "One strategy trained once, from one seed.",
    "seed": (
        "Where the random numbers start. Another seed gives other starting weights; several show "
        "how much of a result is luck."
    ),
    "split": (
        "Which images are for training, for validation and for the test. All strategies of an "
        "experiment share one."
    ),
    "strategy": (
        "One way to get a classifier, from always predicting the commonest class to a fine-tuned "
        "network."
    ),
    "test images": (
        "Held out until the end and scored once, so that the score shows what to expect on new "
        "pictures."
    ),
    "training images": "The images that the strategies learn from.",
    "validation images": (
        "Looked at after each epoch to choose the best one. Not learned from, but no longer new "
        "either."
    ),
}
GLOSSARY |= {backbone.title: backbone.about for backbone in BACKBONES.values()}


def explain(term: str) -> str:
    """One or two plain sentences; ``UnknownName`` for a programmer's typing error."""
    try:
        return GLOSSARY[term]
    except KeyError:
        raise UnknownName("term of the glossary", term, GLOSSARY) from None


def explain_all(*terms: str) -> str:
    """Several terms as Markdown, each with its name: for a heading that uses more than one."""
    return "\n\n".join(f"**{term[0].upper()}{term[1:]}**: {explain(term)}" for term in terms)


def explain_strategy(name: str) -> str | None:
    """The words in the title of a strategy; None for one that has no unusual ones."""
    strategy = STRATEGIES.get(name)
    return explain_all(*strategy.terms) if strategy and strategy.terms else None

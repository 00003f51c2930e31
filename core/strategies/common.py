"""Settings that several strategies share, worded once."""

from core.strategies.settings import Setting


def epochs(quick: int, article: int) -> Setting:
    return Setting(
        "epochs",
        "int",
        "Epochs",
        "How often every training image is seen. The epoch that does best on the validation "
        "images is the one that is scored.",
        quick,
        article,
        low=1,
        high=1000,
    )


def batch_size(quick: int, article: int) -> Setting:
    return Setting(
        "batch_size",
        "int",
        "Batch size",
        "Images between two steps of the optimiser.",
        quick,
        article,
        low=1,
        high=1024,
        unit="images",
    )


def learning_rate(quick: float, article: float) -> Setting:
    return Setting(
        "learning_rate",
        "float",
        "Learning rate",
        "Length of the optimiser's steps. Too long and the loss becomes NaN; too short and "
        "nothing is learned.",
        quick,
        article,
        low=1e-7,
        high=1.0,
    )


def dropout(name: str, title: str, share: float) -> Setting:
    return Setting(
        name,
        "float",
        title,
        "Share of the units that is switched off at random in each training step.",
        share,
        share,
        low=0.0,
        high=0.9,
    )


MEAN = Setting(
    "mean",
    "choice",
    "Mean that is subtracted",
    "ImageNet's mean colour, which the weights were trained with, or the mean colour of your own "
    "training images. Readers of the tutorial asked which: try both.",
    "imagenet",
    "imagenet",
    choices=("imagenet", "dataset"),
)

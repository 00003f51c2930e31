"""What the tutorial measured, and what can be laid beside it.

Source: "Transfer learning & the art of using pre-trained models in deep learning" (Analytics
Vidhya, 2017), case 1: 16 themes of pictures for mobile cases; case 2: handwritten digits. Its
accuracies are those that training printed: of the images that were trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from core.analysis.comparison import Comparison, Row
from core.backbones.registry import find_backbone
from core.strategies.registry import find_strategy, names_with
from core.strategies.strategy import Mode, Role, Strategy

NAME = "Transfer learning & the art of using pre-trained models in deep learning"
TRAINING_IMAGES, TEST_IMAGES, CLASSES, IMAGE_SIZE = 4591, 1200, 16, 224
FLATTENED_IN_THE_TEXT = 256
DIGITS_TRAINING_IMAGES = 49_000
BACKBONE = "vgg16"


@dataclass(frozen=True)
class TutorialModel:
    """One row of the tutorial's case 1.

    ``strategies`` are those of ours that are the same, the nearest first. ``accuracy`` is 0 to 1,
    on the training images (of the majority class: its share of them). ``epoch`` is what the text
    says of the time of an epoch.
    """

    title: str
    strategies: tuple[str, ...]
    accuracy: float
    epoch: str


MODELS = (
    TutorialModel("Majority class", names_with(Role.BASELINE), 0.176, "—"),
    TutorialModel("MLP", names_with(Role.FROM_SCRATCH, convolutional=False), 0.0688, "20 to 21 s"),
    TutorialModel("CNN", names_with(Role.FROM_SCRATCH, convolutional=True), 0.1575, "21 s"),
    TutorialModel(
        "VGG16, last layer trained",
        names_with(mode=Mode.SOFTMAX, backbone=BACKBONE)
        + names_with(mode=Mode.PROBE, backbone=BACKBONE),
        0.70,
        "“almost negligible”",
    ),
)


@dataclass(frozen=True)
class Beside:
    """A model of the tutorial and the row of ours that is nearest to it; None where there is
    none in the experiment."""

    model: TutorialModel
    row: Row | None


@dataclass(frozen=True)
class FlattenedSize:
    """How many numbers the CNN's last block leaves of a picture of ``image_size`` pixels."""

    padding: str
    shape: tuple[int, ...]
    units: int


def beside(comparison: Comparison | None) -> tuple[Beside, ...]:
    """Each model of the tutorial with the experiment's row, if it has one that is finished."""
    rows = {row.strategy: row for row in comparison.finished_rows} if comparison else {}
    return tuple(
        Beside(model, next((rows[name] for name in model.strategies if name in rows), None))
        for model in MODELS
    )


def flattened_sizes(image_size: int = IMAGE_SIZE) -> tuple[FlattenedSize, ...]:
    """What the tutorial's CNN can flatten to, for each padding; read from the layers."""
    cnn = find_strategy(names_with(Role.FROM_SCRATCH, convolutional=True)[0])
    paddings = next(setting.choices for setting in cnn.settings if setting.name == "padding")
    return tuple(_flattened(cnn, padding, image_size) for padding in paddings)


def backbone_features(image_size: int = IMAGE_SIZE) -> tuple[tuple[int, ...], int]:
    """Shape of the backbone's last feature map, and its numbers in all: (7, 7, 512), 25088."""
    shape = find_backbone(BACKBONE).layers(image_size, False)[-1].output
    return shape, prod(shape)


def chance_accuracy() -> float:
    """What guessing at random gets right, 0 to 1."""
    return 1 / CLASSES


def _flattened(cnn: Strategy, padding: str, image_size: int) -> FlattenedSize:
    settings = cnn.resolve("article", {"padding": padding})
    layers = cnn.layers(settings, image_size, CLASSES)
    row = next(number for number, layer in enumerate(layers) if layer.kind == "Flatten")
    return FlattenedSize(padding, layers[row - 1].output, layers[row].output[0])


def known(found: Sequence[Beside]) -> tuple[Beside, ...]:
    """Those that the experiment has a row for."""
    return tuple(entry for entry in found if entry.row is not None)

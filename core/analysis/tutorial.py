"""What the tutorial measured, and what can be laid beside it.

Source: "Transfer learning & the art of using pre-trained models in deep learning" (Analytics
Vidhya, 2017), case 1: 16 themes of pictures for mobile cases; case 2: handwritten digits. Its
accuracies are those that training printed: of the images that were trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.analysis.comparison import Comparison, Row
from core.strategies.registry import names_with
from core.strategies.strategy import Mode, Role

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


def beside(comparison: Comparison | None) -> tuple[Beside, ...]:
    """Each model of the tutorial with the experiment's row, if it has one that is finished."""
    rows = {row.strategy: row for row in comparison.finished_rows} if comparison else {}
    return tuple(
        Beside(model, next((rows[name] for name in model.strategies if name in rows), None))
        for model in MODELS
    )


def known(found: Sequence[Beside]) -> tuple[Beside, ...]:
    """Those that the experiment has a row for."""
    return tuple(entry for entry in found if entry.row is not None)

"""How it is measured: the tutorial's own numbers beside ours, why they differ, questions."""

import streamlit as st

from core.analysis import tutorial
from core.analysis.comparison import title_of
from core.analysis.tutorial import Beside
from core.charts.measured import tutorial_chart
from core.layers.record import units_text
from core.text import escape_markdown, percent_text, seconds_text
from core.ui.frame.evidence_reads import Subject
from core.ui.measured.document import show_text
from core.ui.widgets.exhibit import show_exhibit, show_table


def show_tutorial(subject: Subject | None) -> None:
    found = tutorial.beside(subject.comparison if subject else None)
    majority, mlp = found[0].model, found[1].model
    shape, features = tutorial.backbone_features()
    values = {
        "name": tutorial.NAME,
        "training_images": f"{tutorial.TRAINING_IMAGES:,}",
        "test_images": f"{tutorial.TEST_IMAGES:,}",
        "classes": tutorial.CLASSES,
        "size": tutorial.IMAGE_SIZE,
        "mlp_accuracy": percent_text(mlp.accuracy),
        "majority_accuracy": percent_text(majority.accuracy),
        "chance": percent_text(tutorial.chance_accuracy()),
        "own_mlp": _own_mlp(found[1]),
        "flattened_in_text": tutorial.FLATTENED_IN_THE_TEXT,
        "flattened": " and ".join(
            f"{entry.units:,} with “{entry.padding}” padding ({units_text(entry.shape)})"
            for entry in tutorial.flattened_sizes()
        ),
        "own_epoch": _own_epoch(found[-1]),
        "digits": f"{tutorial.DIGITS_TRAINING_IMAGES:,}",
        "features": f"{features:,}",
        "feature_shape": units_text(shape),
    }
    show_text("tutorial", _Tutorial(found), values | _own_images(subject))


class _Tutorial:
    """The figure of the section."""

    def __init__(self, found: tuple[Beside, ...]) -> None:
        self.found = found

    def numbers(self) -> None:
        exhibit = tutorial_chart(self.found)
        if tutorial.known(self.found):
            show_exhibit(exhibit, "measured.tutorial", table=False)
        show_table(exhibit.frame, "tutorial", exhibit.words)
        for entry in self.found:
            if entry.row is not None and entry.row.strategy != entry.model.strategies[0]:
                st.caption(
                    f"{escape_markdown(title_of(entry.model.strategies[0]))} is not in this "
                    f"experiment; the nearest is {escape_markdown(entry.row.title)}."
                )


def _own_images(subject: Subject | None) -> dict[str, object]:
    if subject is None or not subject.experiment.spec.images:
        return {}
    spec = subject.experiment.spec
    return {
        "dataset": spec.dataset_name,
        "own_training": f"{spec.images.get('train', 0):,}",
        "own_test": f"{spec.images.get('test', 0):,}",
        "own_classes": len(spec.classes),
        "own_size": spec.image_size,
        "own_majority": percent_text(spec.majority_accuracy),
    }


def _own_mlp(entry: Beside) -> str:
    if entry.row is None or entry.row.train_accuracy is None:
        return ""
    return f"Here it reaches {percent_text(entry.row.train_accuracy)} on its training images."


def _own_epoch(entry: Beside) -> str:
    if entry.row is None or entry.row.feature_seconds is None:
        return ""
    return (
        f"Here an epoch took {seconds_text(entry.row.steady_epoch_seconds)}, and the features "
        f"{seconds_text(entry.row.feature_seconds)}."
    )

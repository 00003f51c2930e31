"""The held-out pictures that are watched, with what they are called at the moment."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.curves import TrackedPrediction, TrainingSnapshot
from core.datasets.dataset import Dataset
from core.text import escape_markdown, percent_text, shorten
from core.ui.frame import reads

# Three of them with their gaps fill half a page of 1280 pixels, two a telephone of 390.
TILE_WIDTH, TILE_HEIGHT = 174, 72
IMAGE_SIZE, GAP = 64, 8
# Letters that fit beside a picture on one line.
LONGEST_LABEL = 11
# Nine strategies beside each other have so many in the width of 1280 pixels.
LONGEST_CELL = 12
RIGHT, WRONG, CHANGED = ":material/check:", ":material/close:", ":material/autorenew:"
NOTHING = "\N{NO-BREAK SPACE}"


def show_tiles(dataset: Dataset, images: Sequence[int], snapshot: TrainingSnapshot | None) -> None:
    """Each picture with its label and what ``snapshot`` calls it; the same height at any moment."""
    squares = reads.tiles(dataset, images, IMAGE_SIZE)
    with st.container(horizontal=True, gap="xsmall"):
        for image, square in zip(images, squares, strict=True):
            answer = snapshot.answers.get(image) if snapshot else None
            with st.container(
                width=TILE_WIDTH, height=TILE_HEIGHT, border=False, horizontal=True, gap="xsmall"
            ):
                st.image(square, width=IMAGE_SIZE, alt=_spoken(dataset, image, answer))
                with st.container(width=TILE_WIDTH - IMAGE_SIZE - GAP, gap=None):
                    # Two elements: a caption would make the badge too pale to read.
                    st.markdown(_badge(dataset, answer))
                    st.caption(_below(dataset, image, answer))


def show_matrix(
    dataset: Dataset,
    images: Sequence[int],
    snapshots: Sequence[TrainingSnapshot],
    majority_class: str,
    majority: float | None,
) -> None:
    """What every strategy calls every picture: a line a picture, a column a strategy."""
    labels = [shorten(dataset.classes[dataset.labels[image]], LONGEST_CELL) for image in images]
    columns = {
        "picture": [
            f"{number}{NOTHING}{escape_markdown(label)}"
            for number, label in enumerate(labels, start=1)
        ]
    }
    if majority_class in dataset.classes:
        always = dataset.classes.index(majority_class)
        columns[_column("Majority class", majority)] = [
            _cell(
                dataset,
                TrackedPrediction(always, None, bool(dataset.labels[image] == always), False),
            )
            for image in images
        ]
    for snapshot in snapshots:
        columns[_column(snapshot.title, snapshot.accuracy)] = [
            _cell(dataset, snapshot.answers.get(image)) for image in images
        ]
    st.table(
        columns,
        hide_index=True,
        border="horizontal",
        alt="What each strategy predicts for each tracked picture, one line for each picture.",
    )


def _column(title: str, accuracy: float | None) -> str:
    return f"{escape_markdown(title)} {percent_text(accuracy)}".replace(" %", f"{NOTHING}%")


def _badge(dataset: Dataset, answer: TrackedPrediction | None) -> str:
    if answer is None:
        return ":gray-badge[no answer yet]"
    called = escape_markdown(shorten(dataset.classes[answer.predicted], LONGEST_LABEL))
    return f":green-badge[{RIGHT} {called}]" if answer.correct else f":red-badge[{WRONG} {called}]"


def _below(dataset: Dataset, image: int, answer: TrackedPrediction | None) -> str:
    label = escape_markdown(shorten(dataset.classes[dataset.labels[image]], LONGEST_LABEL))
    if answer is None:
        return f"is {label}  \n{NOTHING}"
    verdict = "correct" if answer.correct else "wrong"
    mark = f"{CHANGED} " if answer.changed else ""
    percent = "" if answer.probability is None else f", {percent_text(answer.probability, 0)}"
    predicted = f"{mark}{verdict}{percent}".replace(" ", NOTHING)
    return f"is {label}  \n{predicted}"


def _cell(dataset: Dataset, answer: TrackedPrediction | None) -> str:
    if answer is None:
        return "—"
    called = escape_markdown(shorten(dataset.classes[answer.predicted], LONGEST_CELL))
    words = f"{RIGHT} correct" if answer.correct else f"{WRONG} {called}"
    return (f"{words} {CHANGED}" if answer.changed else words).replace(" ", NOTHING)


def _spoken(dataset: Dataset, image: int, answer: TrackedPrediction | None) -> str:
    """The tile for those who do not see it."""
    label = dataset.classes[dataset.labels[image]]
    if answer is None:
        return f"A picture of {label}; no answer yet"
    called = dataset.classes[answer.predicted]
    return f"A picture of {label}, predicted {called}: {'correct' if answer.correct else 'wrong'}"

"""How one moment of a training looks: each strategy's number, and the tracked held-out images with
what is predicted for them."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.curves import TrackedPrediction, TrainingSnapshot
from core.datasets.dataset import Dataset
from core.text import escape_markdown, percent_text, shorten
from core.ui.frame import reads
from core.ui.widgets.strategy_marks import GAP, MARK_WIDTH, mark_svg

# Seven numbers fit side by side into 1280 pixels.
NUMBER_WIDTH = 144
# A title of three lines, the number and its difference: kept free until they are there.
NUMBER_HEIGHT = 142
# Three tiles with their gaps fill half a page of 1280 pixels, two a telephone of 390.
TILE_WIDTH, TILE_HEIGHT = 174, 72
IMAGE_SIZE, IMAGE_GAP = 64, 8
# Letters that fit beside an image on one line.
LONGEST_LABEL = 11
# Letters that fit into a column where nine strategies share 1280 pixels.
LONGEST_CELL = 12
RIGHT, WRONG, CHANGED = ":material/check:", ":material/close:", ":material/autorenew:"
NO_BREAK = "\N{NO-BREAK SPACE}"
STATE_WORDS = {
    "queued": "waiting",
    "running": "starting",
    "finished": "before its first epoch",
    "failed": "failed",
    "cancelled": "cancelled",
    "interrupted": "interrupted",
}


def show_numbers(snapshots: Sequence[TrainingSnapshot], majority: float | None) -> None:
    """Each strategy's accuracy now, and how far it is from the majority line."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for snapshot in snapshots:
            delta, is_change = _delta(snapshot, majority)
            with st.container(
                width=NUMBER_WIDTH,
                height=NUMBER_HEIGHT,
                border=False,
                gap=None,
                vertical_alignment="bottom",
            ):
                # Not the label of the number: that is cut where it should go on below.
                with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                    st.image(mark_svg(snapshot.strategy), width=MARK_WIDTH, alt="")
                    title = f":small[{escape_markdown(snapshot.title)}]"
                    st.markdown(title, width=NUMBER_WIDTH - MARK_WIDTH - GAP)
                st.metric(
                    snapshot.title,
                    percent_text(snapshot.accuracy),
                    delta,
                    delta_color="normal" if is_change else "off",
                    delta_arrow="auto" if is_change else "off",
                    label_visibility="collapsed",
                )


def _delta(snapshot: TrainingSnapshot, majority: float | None) -> tuple[str, bool]:
    """The small line under a number, and whether it is a difference. It is never empty, so that
    nothing below moves when the number comes."""
    if snapshot.accuracy is None:
        return STATE_WORDS[snapshot.state], False
    if majority is None:
        return f"epoch {snapshot.epoch} of {snapshot.epochs}", False
    points = 100 * (snapshot.accuracy - majority)
    return (f"{points:+.1f} points", True) if abs(points) >= 0.05 else ("at the line", False)


def snapshot_words(snapshot: TrainingSnapshot | None, images: int) -> str:
    """The epoch of a strategy, and how many of the tracked ``images`` it gets right."""
    if snapshot is None:
        return "no answers yet"
    words = STATE_WORDS[snapshot.state]
    if snapshot.epoch is not None:
        stage = "" if snapshot.stage == "main" else "new head alone, "
        words = f"{stage}epoch {snapshot.epoch} of {snapshot.epochs}"
    return words + (f": **{snapshot.correct} of {images} correct**" if snapshot.answers else "")


def show_tiles(dataset: Dataset, images: Sequence[int], snapshot: TrainingSnapshot | None) -> None:
    """Each image with its label and its prediction in ``snapshot``; the height never changes."""
    squares = reads.tiles(dataset, images, IMAGE_SIZE)
    with st.container(horizontal=True, gap="xsmall"):
        for image, square in zip(images, squares, strict=True):
            answer = snapshot.answers.get(image) if snapshot else None
            alt, badge, below = _tile_words(dataset, image, answer)
            with st.container(
                width=TILE_WIDTH, height=TILE_HEIGHT, border=False, horizontal=True, gap="xsmall"
            ):
                st.image(square, width=IMAGE_SIZE, alt=alt)
                with st.container(width=TILE_WIDTH - IMAGE_SIZE - IMAGE_GAP, gap=None):
                    # Two elements: a caption would make the badge too pale to read.
                    st.markdown(badge)
                    st.caption(below)


def _tile_words(
    dataset: Dataset, image: int, answer: TrackedPrediction | None
) -> tuple[str, str, str]:
    """The text alternative, the badge, and two lines below it."""
    label = dataset.classes[dataset.labels[image]]
    is_label = f"is {escape_markdown(shorten(label, LONGEST_LABEL))}"
    if answer is None:
        alt = f"A picture of {label}; no answer yet"
        return alt, ":gray-badge[no answer yet]", f"{is_label}  \n{NO_BREAK}"
    predicted = dataset.classes[answer.predicted]
    short = escape_markdown(shorten(predicted, LONGEST_LABEL))
    verdict = "correct" if answer.correct else "wrong"
    badge = f":green-badge[{RIGHT} {short}]" if answer.correct else f":red-badge[{WRONG} {short}]"
    mark = f"{CHANGED} " if answer.changed else ""
    percent = "" if answer.probability is None else f", {percent_text(answer.probability, 0)}"
    below = f"{mark}{verdict}{percent}".replace(" ", NO_BREAK)
    alt = f"A picture of {label}, predicted {predicted}: {verdict}"
    return alt, badge, f"{is_label}  \n{below}"


def show_matrix(
    dataset: Dataset,
    images: Sequence[int],
    snapshots: Sequence[TrainingSnapshot],
    majority_class: str,
    majority: float | None,
) -> None:
    """What every strategy predicts for every image: a row an image, a column a strategy."""
    labels = [dataset.labels[image] for image in images]
    columns = {
        "picture": [
            f"{number}{NO_BREAK}{escape_markdown(shorten(dataset.classes[label], LONGEST_CELL))}"
            for number, label in enumerate(labels, start=1)
        ]
    }
    if majority_class in dataset.classes:
        always = dataset.classes.index(majority_class)
        columns[_column("Majority class", majority)] = [
            _cell(dataset, TrackedPrediction(always, None, bool(label == always), changed=False))
            for label in labels
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
    return f"{escape_markdown(title)} {percent_text(accuracy)}".replace(" %", f"{NO_BREAK}%")


def _cell(dataset: Dataset, answer: TrackedPrediction | None) -> str:
    if answer is None:
        return "—"
    predicted = escape_markdown(shorten(dataset.classes[answer.predicted], LONGEST_CELL))
    words = f"{RIGHT} correct" if answer.correct else f"{WRONG} {predicted}"
    return (f"{words} {CHANGED}" if answer.changed else words).replace(" ", NO_BREAK)

"""Compare, Pictures: the confusion matrix, whose cells open the pictures behind them."""

import streamlit as st

from core.analysis.confusion import Confusion, cell_images, confusion
from core.analysis.evidence import ExperimentPredictions
from core.charts.exhibit import Exhibit
from core.charts.matrices import (
    charted_classes,
    chosen_cell,
    confusion_chart,
    left_out_sentence,
    mark_cell,
)
from core.datasets.dataset import Dataset
from core.text import count_text, escape_markdown, number_text, percent_text
from core.ui.frame.address import Choice, choose_in_list, choose_in_row, remember
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.widgets.exhibit import (
    choose_seed,
    choose_strategy,
    matrix_place,
    show_exhibit,
    show_numbers,
)
from core.ui.widgets.glossary import explain
from core.ui.widgets.tiles import Tile, tiles_or_words

# Where the session keeps the cell that was last chosen in the chart itself.
CLICKED = "confusion.clicked"
CELL_WIDTH = 44
PRINTED = {"counts": "Pictures", "shares": "Fraction of the label (%)"}


def show_confusion(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    left, middle, right = st.columns([3, 2, 3])
    with left:
        strategy = choose_strategy(evidence)
    with middle:
        seed = choose_seed(evidence.of(strategy).seeds)
    with right:
        meaning = explain("confusion matrix")
        printed = choose_in_row(
            Choice("cells", "Printed in each cell", "numbers", PRINTED, "counts", meaning)
        )
    matrix = computed(subject, confusion, strategy, seed)
    true, predicted = _wanted_cell(matrix)
    exhibit = computed(subject, _marked_chart, strategy, seed, printed, true, predicted)
    st.markdown(escape_markdown(exhibit.words))
    st.caption(
        "Choose a cell to see its pictures, or choose the two classes below the chart: on a "
        "telephone that is easier."
    )
    key = f"confusion.{subject.id}.{strategy}.{seed}.{printed}"
    if st.session_state.get(CLICKED) != (true, predicted):
        # A choice in the boxes must not leave the old cell marked: the chart is drawn anew.
        key += f".{true}.{predicted}"
    show_exhibit(
        exhibit,
        key,
        table=False,
        place=matrix_place(len(charted_classes(matrix)), CELL_WIDTH),
        on_select=lambda: _remember_cell(key, matrix),
        selection_mode="points",
    )
    left_out = left_out_sentence(matrix)
    if left_out:
        st.caption(left_out)
    show_numbers(exhibit, f"confusion.{subject.id}")
    true, predicted = _choose_cell(matrix, true, predicted)
    _show_cell(evidence, dataset, matrix, true, predicted)


def _marked_chart(
    evidence: ExperimentPredictions,
    strategy: str,
    seed: int | None,
    printed: str,
    true: int,
    predicted: int,
) -> Exhibit:
    """The matrix with one cell marked; shared by all visitors."""
    matrix = confusion(evidence, strategy, seed)
    exhibit = confusion_chart(matrix, normalised=printed == "shares")
    mark_cell(exhibit.figure, matrix, true, predicted)
    return exhibit


def _wanted_cell(matrix: Confusion) -> tuple[int, int]:
    """What the address names, else the commonest mistake; the boxes below warn of a stale class."""
    worst = int(matrix.wrong.argmax())
    usual = divmod(worst, len(matrix.classes))
    named = st.query_params.get("true"), st.query_params.get("predicted")
    true, predicted = (
        matrix.classes.index(name) if name in matrix.classes else usual[place]
        for place, name in enumerate(named)
    )
    return true, predicted


def _choose_cell(matrix: Confusion, true: int, predicted: int) -> tuple[int, int]:
    names = {name: name for name in matrix.classes}
    left, right = st.columns(2)
    with left:
        chosen_true = choose_in_list(Choice("true", "Label", "class", names, matrix.classes[true]))
    with right:
        chosen_predicted = choose_in_list(
            Choice("predicted", "Predicted", "class", names, matrix.classes[predicted])
        )
    if "true" in st.query_params or "predicted" in st.query_params:
        # Half a cell in a link would be filled up with the commonest mistake of another day.
        remember(true=chosen_true, predicted=chosen_predicted)
    return matrix.classes.index(chosen_true), matrix.classes.index(chosen_predicted)


def _remember_cell(key: str, matrix: Confusion) -> None:
    cell = chosen_cell(st.session_state[key].selection.points)
    if cell is not None:
        st.session_state[CLICKED] = cell
        remember(true=matrix.classes[cell[0]], predicted=matrix.classes[cell[1]], page=None)


def _show_cell(
    evidence: ExperimentPredictions,
    dataset: Dataset | None,
    matrix: Confusion,
    true: int,
    predicted: int,
) -> None:
    found = cell_images(evidence, matrix.strategy, matrix.seed, true, predicted)
    label, answer = (escape_markdown(matrix.classes[place]) for place in (true, predicted))
    st.header(
        f"{label}, predicted correctly" if true == predicted else f"{label} predicted as {answer}"
    )
    count, images = matrix.counts[true, predicted], matrix.images_of_label[true]
    several = matrix.seed_count > 1
    words = f"{number_text(count)} of {number_text(images)} test images of this label"
    if images:
        words += f" ({percent_text(float(matrix.fractions[true, predicted]))})"
        words += f", on average over {matrix.seed_count} seeds" if several else ""
    words += "."
    if several and len(found.positions):
        words += (
            f" {count_text(len(found.positions), 'picture')} for at least one seed; those that "
            "most seeds agree on come first."
        )
    st.markdown(words)
    tiles = [
        Tile(
            int(position),
            (
                f"predicted {matrix.classes[predicted]}, {percent_text(float(confidence))}",
                *([f"{agreed} of {found.seed_count} seeds"] if found.seed_count > 1 else []),
            ),
        )
        for position, agreed, confidence in zip(
            found.positions, found.seeds, found.confidence, strict=True
        )
    ]
    tiles_or_words(dataset, tiles, "cell", "No picture is in this cell.")

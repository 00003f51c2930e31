"""Compare, Backbones: which pre-trained model, trained how far, and at what cost."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.backbones import (
    Answer,
    BackboneCost,
    BackboneMatrix,
    answer_of,
    backbone_matrix,
    costs_of,
)
from core.analysis.words.backbones import describe_answer, describe_family
from core.analysis.words.deployment import describe_conditions, describe_unmeasured
from core.analysis.words.own_backbones import describe_origins
from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES
from core.backbones.weights.access import is_available
from core.charts.backbones import (
    COSTS,
    MOST_PAIRS,
    backbone_cost_chart,
    backbone_matrix_chart,
    backbone_pairs_chart,
    cost_values,
)
from core.reports.export import ID_DIGITS, run_command
from core.strategies.registry import STRATEGIES, names_with
from core.strategies.strategy import Mode
from core.text import escape_markdown, list_text
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import evidence_or_words, matrix_place, sentences, show_exhibit
from core.ui.widgets.results import show_overlap

MODE_WIDTH = 120  # pixels of a column of the matrix
MATRIX_HELP = (
    "Each cell is one strategy: test accuracy, and below it the 95 % interval over test images "
    "like these. Brighter is better."
)
PAIRS_HELP = (
    "How many points of test accuracy one backbone is ahead of another in the same mode, with the "
    "95 % interval over test images and seeds. A filled marker means that the two can be told "
    "apart."
)
COST_HELP = (
    "The colour is that of the backbone, the marker that of the mode. Filled markers are on the "
    "front: nothing else is both better and cheaper. Open ones are beaten in both."
)


def show_backbones(subject: Subject) -> None:
    if evidence_or_words(subject) is None:
        return
    matrix = computed(subject, backbone_matrix)
    if not matrix.cells:
        st.info("No strategy of this experiment that has finished stands on a backbone.")
        _offer_others(subject, matrix)
        return
    costs = costs_of(subject.comparison.rows)
    answer = answer_of(matrix, cost_values(costs, "run"))
    _show_answer(matrix, answer, costs)
    if len(matrix.backbones) == 1:
        _offer_others(subject, matrix)
    st.header("Backbone and mode", help=MATRIX_HELP)
    place = matrix_place(len(matrix.modes), MODE_WIDTH)
    show_exhibit(backbone_matrix_chart(matrix), f"backbones.{subject.id}", place=place)
    for origin in describe_origins(subject.comparison.backbones):
        st.caption(escape_markdown(origin))
    show_overlap(subject.comparison)
    _show_costs(subject, matrix, costs)
    if matrix.pairs:
        st.header("Which differences are real", help=PAIRS_HELP)
        st.caption(escape_markdown(describe_family(matrix)))
        if answer is not None and len(matrix.pairs) > MOST_PAIRS:
            st.caption(f"The chart has those of the mode {answer.mode}, the table all of them.")
        exhibit = backbone_pairs_chart(matrix, answer.mode if answer else None)
        show_exhibit(exhibit, f"backbone-pairs.{subject.id}")
    if len(matrix.backbones) > 1:
        _offer_others(subject, matrix)


def _show_answer(
    matrix: BackboneMatrix, answer: Answer | None, costs: dict[str, BackboneCost]
) -> None:
    if answer is not None:
        st.header("Which pre-trained model?")
        sentences(describe_answer(answer, costs, matrix.images))
    elif len(matrix.backbones) > 1:
        st.info(
            "No two backbones were trained in the same mode, so no test can compare them.",
            icon=":material/info:",
        )


def _show_costs(subject: Subject, matrix: BackboneMatrix, costs: dict[str, BackboneCost]) -> None:
    st.header("What the accuracy costs", help=COST_HELP)
    chosen = choose_in_row(
        Choice(
            "cost",
            "Accuracy against",
            "cost",
            {"run": "a whole run", "image": "one image", "parameters": "parameters"},
            "run",
        )
    )
    known = cost_values(costs, chosen)
    if known:
        exhibit = backbone_cost_chart(matrix, known, COSTS[chosen])
        show_exhibit(exhibit, f"cost.{chosen}.{subject.id}")
    if chosen == "image":
        names = {cell.score.strategy for cell in matrix.cells}
        rows = [row for row in subject.comparison.finished_rows if row.strategy in names]
        if conditions := describe_conditions(rows):
            st.caption(escape_markdown(conditions))
        if unmeasured := describe_unmeasured(rows):
            st.caption(f":material/info: {escape_markdown(unmeasured)}")


def _offer_others(subject: Subject, matrix: BackboneMatrix) -> None:
    """How to run the backbones that this experiment lacks, in the modes that it has."""
    others = [
        backbone
        for name, backbone in BACKBONES.items()
        if backbone.is_offered and name not in matrix.backbones
    ]
    if not others:
        return
    st.header("Add other backbones")
    here = [backbone for backbone in others if is_available(backbone.weights)]
    if here:
        _offer_run(subject, here, matrix.modes or (Mode.PROBE,))
    missing = [backbone.title for backbone in others if backbone not in here]
    if missing:
        st.caption(
            f":material/lock: Not on this machine yet: {escape_markdown(list_text(missing))}."
        )
        link_to("measured", "What each is, and how to get it", section="backbones")


def _offer_run(subject: Subject, backbones: Sequence[Backbone], modes: Sequence[Mode]) -> None:
    spec = subject.experiment.spec
    more = [
        (name, STRATEGIES[name].resolve(spec.preset))
        for backbone in backbones
        for mode in modes
        for name in names_with(mode=mode, backbone=backbone.name)
    ]
    wider = spec.model_copy(update={"strategies": (*spec.strategies, *more)})
    titles = escape_markdown(list_text([backbone.title for backbone in backbones]))
    st.markdown(
        f"This experiment did not run {titles}. Run them beside its own strategies in a new "
        "experiment on the same images, from the form or with this command."
    )
    link_to(
        "benchmark",
        "Choose them in the form",
        dataset=spec.dataset_id[:ID_DIGITS],
        strategies=",".join(name for name, _ in wider.strategies),
    )
    st.code(run_command(wider), language=None, wrap_lines=True)

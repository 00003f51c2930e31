"""The page Advice: facts of a dataset before anything is trained on it, and what they propose."""

from contextlib import suppress

import streamlit as st

from core.analysis.advice.facts import Facts, facts_work, known_facts, latest_facts, read_facts
from core.analysis.advice.grades import graded_forecasts
from core.analysis.advice.placing import Placement, found_here, placed, proposal
from core.analysis.words.advice import (
    CONVENTIONS,
    describe_curve,
    describe_facts,
    describe_found,
    describe_left_out,
    describe_rule,
    describe_similarity,
    how_measured,
)
from core.charts.advice import (
    Lying,
    blocks_chart,
    found_frame,
    growth_chart,
    probes_chart,
    scenarios_chart,
)
from core.datasets.dataset import Dataset
from core.errors import BadInput, UnknownName
from core.text import count_text, escape_markdown, seconds_text
from core.ui.advice.forecasts import show_forecasts, show_grades
from core.ui.datasets.facts import (
    HEALTH,
    address_of,
    say_there_are_none,
    say_why_not,
    show_severities,
)
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.errors import error_box
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import sentences, show_exhibit, show_table
from core.ui.widgets.forms import OVERRIDES, written_overrides
from core.ui.widgets.glossary import explain_all

INTRODUCTION = (
    "What is worth trying on these images? Before anything is trained, the features of each "
    "pre-trained network on this machine are tried with two small classifiers, on training images "
    "alone. It takes a minute or so for a thousand images, and seconds where the features are "
    "known already."
)


def choose_dataset() -> Dataset | None:
    """The dataset that the address names (by address, name or id), else the first; None where
    there is none."""
    named = st.query_params.get("dataset")
    if named is not None:
        with suppress(UnknownName):  # the choice says so
            st.query_params["dataset"] = address_of(reads.dataset(named))
    found = {address_of(dataset): dataset for dataset in reads.datasets()}
    if not found:
        say_there_are_none()
        return None
    labels = {
        address: f"{dataset.name} ({count_text(dataset.image_count, 'image')}, "
        f"{count_text(len(dataset.classes), 'class')})"
        for address, dataset in found.items()
    }
    chosen = choose_in_list(Choice("dataset", "Dataset", "dataset", labels, next(iter(labels))))
    st.query_params["dataset"] = chosen
    return found[chosen]


def show_advice(dataset: Dataset) -> None:
    """The facts where they were measured; else the button that has them measured, or how far that
    is."""
    work = facts_work(reads.store(), dataset)
    if work is None:
        _offer(dataset)
        return
    ready = ready_or_words(lambda: facts_work(reads.store(), dataset) or work, "advice")
    if ready is not None:
        _show(dataset, read_facts(ready.result))


def _offer(dataset: Dataset) -> None:
    former = latest_facts(dataset)
    if former is not None:
        st.caption(
            "It was measured before, with other networks than this machine has now, or by an "
            "older version. Measure again to see how it is now."
        )
    pressed = st.button(
        "Measure",
        type="primary",
        icon=":material/speed:",
        key="advice.measure",
        disabled=not may_edit(),
        help="In a process of its own; it waits for trainings that are running.",
    )
    show_viewer_note("have a dataset measured")
    if not pressed:
        return
    try:
        actions.request_facts(dataset)
    except BadInput as error:
        say_why_not(error, dataset)
        return
    st.rerun()


def _show(dataset: Dataset, facts: Facts) -> None:
    placement = placed(facts)
    st.header("In short", help=explain_all("training images", "probe", "nearest neighbours"))
    sentences(describe_facts(facts))
    with st.container(horizontal=True, vertical_alignment="center"):
        show_severities(reads.findings(dataset))
        link_to("datasets", "Health of these images", dataset=address_of(dataset), section=HEALTH)
    _show_rule(dataset, facts, placement)
    if facts.backbones:
        _show_charts(facts, placement)
    graded = graded_forecasts(reads.store())
    show_forecasts(dataset, facts, graded)
    show_grades(facts, graded)
    _show_found(dataset, facts)
    with st.expander("How this was measured", icon=":material/straighten:"):
        st.markdown(escape_markdown(how_measured(facts)))
        for line in describe_left_out(facts):
            st.markdown(escape_markdown(line))
        st.caption(
            f"Measured {facts.made_at[:16].replace('T', ' ')} UTC in "
            f"{seconds_text(facts.seconds)}, {seconds_text(facts.extraction_seconds)} of it to "
            "extract features."
        )


def _show_rule(dataset: Dataset, facts: Facts, placement: Placement) -> None:
    st.header("What the tutorial's rule proposes", help=explain_all("ImageNet", "frozen", "block"))
    proposed = proposal(facts, placement)
    sentences(describe_rule(facts, placement, proposed))
    st.caption(escape_markdown(CONVENTIONS))
    if proposed is not None:
        query = {"dataset": address_of(dataset), "strategies": ",".join(proposed.strategies)}
        if proposed.settings:
            query[OVERRIDES] = written_overrides(proposed.settings)
        link_to("benchmark", "Fill the Benchmark form with these", **query)


def _show_charts(facts: Facts, placement: Placement) -> None:
    st.header(
        "How well the features fit",
        help=explain_all("features", "cross-validation", "confidence interval"),
    )
    show_exhibit(probes_chart(facts), "advice.probes")
    if facts.blocks is not None:
        st.header(
            f"Block by block of {escape_markdown(facts.blocks.title)}", help=explain_all("block")
        )
        st.markdown(escape_markdown(describe_similarity(facts)))
        show_exhibit(blocks_chart(facts, facts.blocks, placement), "advice.blocks")
    st.header("Would more images help?", help=explain_all("learning curve"))
    st.markdown(escape_markdown(describe_curve(facts)))
    show_exhibit(growth_chart(facts), "advice.growth")


def _show_found(dataset: Dataset, facts: Facts) -> None:
    """Where every measured dataset lies, and what the experiments on it found."""
    st.header("Where your datasets lie, and what was best on them")
    with error_box():
        names = {one.id: one.name for one in reads.datasets()} | {dataset.id: dataset.name}
        known = known_facts(reads.datasets()) | {dataset.id: facts}
        found = found_here(reads.store(), known)
        st.markdown(escape_markdown(describe_found(found)))
        lying = [Lying(names[key], one, placed(one), one is facts) for key, one in known.items()]
        if any(one.blocks is not None for one in known.values()):
            show_exhibit(scenarios_chart(lying), "advice.scenarios")
        if found:
            alt = "What was best on each dataset of this installation, one line each."
            show_table(found_frame(found), "advice.found", alt)

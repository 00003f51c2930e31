"""The page Advice: what to run first, why and how sure that is; then all that it rests on."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from core.analysis.advice.facts import Facts, facts_work, latest_facts, read_facts
from core.analysis.advice.gathered import Advice, gather
from core.analysis.advice.placing import FoundHere, found_here
from core.analysis.words.advice import (
    BLOCK_BY_BLOCK,
    CONVENTIONS,
    INTERVALS,
    QUICK_TEST,
    describe_backbones,
    describe_curve,
    describe_facts,
    describe_found,
    describe_left_out,
    describe_rule,
    how_measured,
)
from core.analysis.words.first_choice import describe_answer, describe_title
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
from core.ui.advice.columns import OF_DATASETS, OF_FACTS
from core.ui.advice.forecasts import show_forecasts, show_grades
from core.ui.advice.race import show_race
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
    "What is worth running on your images, and with what confidence? A quick test finds out before "
    "anything is trained. It takes a minute or so for a thousand images."
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
    """The answer first, then what to expect, a race, what was measured, mostly folded, and how good
    earlier advice was."""
    advice: Advice | None = None
    found: Sequence[FoundHere] = ()
    with error_box():
        advice = _advice(dataset)
    if advice is not None:
        with error_box():
            found = found_here(reads.store(), advice.known)
        with error_box():
            _show_answer(advice, found)
        with error_box():
            show_forecasts(advice)
    with error_box():
        show_race(dataset)
    if advice is not None:
        with error_box():
            _show_images(advice)
        with error_box():
            show_grades(advice)
        with error_box():
            _show_found(advice, found)
            _show_how(advice.facts)


def _advice(dataset: Dataset) -> Advice | None:
    """By the facts where they were measured, also with other networks than are here now; else the
    button that has them measured, or how far that is."""
    work, facts = facts_work(reads.store(), dataset), None
    if work is None:
        facts = latest_facts(dataset)
        _offer(dataset, facts is not None)
    else:
        ready = ready_or_words(lambda: facts_work(reads.store(), dataset) or work, "advice")
        facts = None if ready is None else read_facts(ready.result)
    return None if facts is None else gather(reads.store(), dataset, facts, reads.datasets())


def _offer(dataset: Dataset, is_known: bool) -> None:
    if is_known:
        st.caption(
            "What follows was measured with other networks than this machine has now, or by an "
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


def _show_answer(advice: Advice, found: Sequence[FoundHere]) -> None:
    """What to run first, why, and how sure that is."""
    choice = advice.first
    title = escape_markdown(describe_title(choice))
    st.header(title, help=explain_all("strategy", "pre-trained", "probe"))
    sentences(describe_answer(advice, found))
    if choice is not None:
        query = {"dataset": address_of(advice.dataset), "strategies": ",".join(choice.strategies)}
        if choice.settings:
            query[OVERRIDES] = written_overrides(choice.settings)
        link_to("benchmark", "Fill the Benchmark form with these", **query)


def _show_images(advice: Advice) -> None:
    """What the images are like, and folded how that was found."""
    facts = advice.facts
    st.header("Your images", help=explain_all("training images", "ImageNet", "near duplicate"))
    sentences(describe_facts(facts))
    st.caption(escape_markdown(INTERVALS))
    with st.container(horizontal=True, vertical_alignment="center"):
        show_severities(reads.findings(advice.dataset))
        address = address_of(advice.dataset)
        link_to("datasets", "Health of these images", dataset=address, section=HEALTH)
    if not facts.backbones:
        return
    with st.expander("Which pre-trained network fits best?", icon=":material/leaderboard:"):
        st.markdown(escape_markdown(QUICK_TEST))
        sentences(describe_backbones(facts))
        show_exhibit(probes_chart(facts), "advice.probes", helps=OF_FACTS)
    with st.expander("Like ImageNet's photographs? How much to train?", icon=":material/layers:"):
        sentences(describe_rule(facts, advice.placement))
        st.caption(escape_markdown(CONVENTIONS))
        if facts.blocks is not None:
            st.markdown(escape_markdown(BLOCK_BY_BLOCK))
            chart = blocks_chart(facts, facts.blocks, advice.placement)
            show_exhibit(chart, "advice.blocks", helps=OF_FACTS)
    with st.expander("Would more images help?", icon=":material/trending_up:"):
        st.markdown(escape_markdown(describe_curve(facts)))
        show_exhibit(growth_chart(facts), "advice.growth", helps=OF_FACTS)


def _show_found(advice: Advice, found: Sequence[FoundHere]) -> None:
    """Where every measured dataset lies, and what the experiments on it found."""
    with st.expander("Your datasets, and what was best on them", icon=":material/dataset:"):
        st.markdown(escape_markdown(describe_found(found)))
        names = {one.id: one.name for one in (*reads.datasets(), advice.dataset)}
        lying = [
            Lying(names[key], one, advice.placements[key], one is advice.facts)
            for key, one in advice.known.items()
        ]
        if any(one.blocks is not None for one in advice.known.values()):
            show_exhibit(scenarios_chart(lying), "advice.scenarios", helps=OF_DATASETS)
        if found:
            alt = "What was best on each dataset of this installation, one line each."
            show_table(found_frame(found), "advice.found", alt, OF_DATASETS)


def _show_how(facts: Facts) -> None:
    with st.expander("How this was measured", icon=":material/straighten:"):
        sentences([*how_measured(facts), *describe_left_out(facts)])
        st.caption(
            f"Measured {facts.made_at[:16].replace('T', ' ')} UTC in "
            f"{seconds_text(facts.seconds)}, {seconds_text(facts.extraction_seconds)} of it to "
            "extract features."
        )

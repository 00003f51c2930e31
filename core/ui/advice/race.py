"""The section Race of the page Advice: minutes and strategies, the race at work, and its result."""

import streamlit as st

from core.analysis.advice.race.request import (
    LONGEST_MINUTES,
    Race,
    RacePlan,
    latest_race,
    plan_race,
)
from core.analysis.comparison import title_of
from core.analysis.words.race import HOW, HOW_TO_READ, WHEN_DROPPED, describe_quick, describe_race
from core.analysis.words.verdicts import closed
from core.charts.race import race_chart, race_frame
from core.datasets.dataset import Dataset
from core.errors import BadInput
from core.text import escape_markdown
from core.ui.advice.columns import OF_RACE
from core.ui.datasets.facts import address_of
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.drawing import digest_of
from core.ui.frame.errors import error_box
from core.ui.frame.job_status import REFRESH_SECONDS, cancel_button, show_progress
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import sentences, show_exhibit, show_table
from core.ui.widgets.glossary import explain_all

USUAL_MINUTES = 10


def show_race(dataset: Dataset) -> None:
    """The last race on a dataset, at work or over; and the form for the next."""
    terms = ("training images", "validation images", "test images", "probe")
    st.header("Find out more by a race", help=explain_all(*terms))
    st.markdown(escape_markdown(HOW))
    with st.expander("When is a strategy dropped?", icon=":material/rule:"):
        sentences(WHEN_DROPPED)
    race = latest_race(reads.store(), dataset)
    if race is not None and race.job.is_active:
        st.fragment(_follow, run_every=REFRESH_SECONDS)(dataset)
        return
    _show_form(dataset)
    if race is not None:
        _show(dataset, race)


def _show_form(dataset: Dataset) -> None:
    try:
        everything = plan_race(reads.store(), dataset, USUAL_MINUTES)
    except BadInput as error:
        # Nobody has asked for anything yet, so nothing went wrong.
        st.info(escape_markdown(error), icon=":material/info:")
        link_to("benchmark", "Set up a benchmark", dataset=address_of(dataset))
        return
    names = everything.spec.names
    minutes = st.number_input(
        "Minutes",
        1,
        LONGEST_MINUTES,
        USUAL_MINUTES,
        key="race.minutes",
        width=160,
        help="The race ends after this time at the latest, and says what it could not decide. "
        "Loading the libraries and extracting features is part of it.",
    )
    with st.expander("Strategies", icon=":material/checklist:"):
        options = (*names, *everything.lost)
        chosen = st.multiselect(
            "Strategies in the race",
            options,
            default=names,
            format_func=title_of,
            key=f"race.strategies.{digest_of(dataset.id, options)}",  # no choice of what is gone
            help="At first those of all pre-trained networks that are on this machine.",
        )
        for name, reason in everything.left_out.items():
            if name not in everything.lost:
                st.caption(escape_markdown(f"{closed(title_of(name))} is left out. {reason}"))
    for name in everything.lost:
        title = closed(title_of(name))
        st.caption(escape_markdown(f"{title} is left out. {everything.left_out[name]}"))
    plan: RacePlan | None = everything  # as it stands at first
    if (minutes, tuple(chosen)) != (USUAL_MINUTES, names):
        plan = _planned(dataset, int(minutes), chosen)
    quick = None if plan is None else describe_quick(plan)
    if plan is not None and quick is not None:
        st.info(escape_markdown(quick), icon=":material/bolt:")
        query = {"dataset": address_of(dataset), "strategies": ",".join(plan.spec.names)}
        link_to("benchmark", "Fill the Benchmark form with all of them", **query)
    pressed = st.button(
        "Start the race",
        type="secondary" if quick else "primary",
        icon=":material/flag:",
        key="race.start",
        disabled=plan is None or not may_edit(),
        help="In a process of its own; it waits for trainings that are running.",
    )
    show_viewer_note("start a race")
    if pressed and plan is not None:
        with error_box():
            actions.request_race(plan)
            st.rerun()


def _planned(dataset: Dataset, minutes: int, chosen: list[str]) -> RacePlan | None:
    """The race that would be started; a sentence where it cannot be."""
    try:
        return plan_race(reads.store(), dataset, minutes, chosen)
    except BadInput as error:
        st.warning(escape_markdown(error), icon=":material/error:")
        return None


def _follow(dataset: Dataset) -> None:
    """Asked again every second while the race waits or works; then the page is drawn anew."""
    with error_box():
        race = latest_race(reads.store(), dataset)
        if race is not None and race.job.is_active:
            reads.wake_worker()
            bar, action = st.columns([5, 1.4], vertical_alignment="center")
            with bar:
                if race.job.state == "queued":
                    st.progress(0.0, text=reads.store().waiting_text(race.job.id))
                else:
                    show_progress(race.job.progress)
            cancel_button(
                action,
                race.job.id,
                "race.cancel",
                "Stop the race; what was trained is kept, and the next race goes on from it",
                disabled=race.job.cancel_requested,
            )
            _show_result(race)
            return
    st.rerun()


def _show(dataset: Dataset, race: Race) -> None:
    """A race that is over, with the way to the full run."""
    with error_box():
        st.subheader("The last race")
        _show_result(race)
        if race.remaining:
            query = {"dataset": address_of(dataset), "strategies": ",".join(race.remaining)}
            link_to("benchmark", f"Benchmark the {len(race.remaining)} that remain", **query)


def _show_result(race: Race) -> None:
    sentences(describe_race(race))
    if race.status.leader is None:
        return
    st.caption(escape_markdown(HOW_TO_READ))
    show_exhibit(race_chart(race), "advice.race", helps=OF_RACE)
    with st.expander("Strategy by strategy", icon=":material/rule:"):
        alt = "Each strategy of the race with its verdict, one line each."
        show_table(race_frame(race), "advice.race.verdicts", alt, OF_RACE)

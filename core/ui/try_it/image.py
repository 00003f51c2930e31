"""Try it, A picture: every finished strategy of the experiment answers at once."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.comparison import title_of
from core.jobs.records import Progress, progress_text
from core.live.client import (
    Candidate,
    LiveState,
    candidates,
    wake,
)
from core.text import count_text, escape_markdown
from core.ui.frame import reads
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.try_it.answers import show_answers, show_cards_waiting
from core.ui.try_it.source import ShownImage, choose_image
from core.ui.try_it.training import offer_training
from core.ui.widgets.exhibit import dataset_or_words
from core.ui.widgets.glossary import explain

REFRESH_SECONDS = 1.0
IMAGE_WIDTH, TEXT_WIDTH = 160, 340


def show_image_answers(subject: Subject) -> None:
    dataset = dataset_or_words(subject)
    if dataset is None:
        return
    offered = candidates(reads.store(), subject.id)
    able = [candidate for candidate in offered if candidate.why_not is None]
    unable = {
        candidate.strategy: candidate.why_not
        for candidate in offered
        if candidate.why_not is not None
    }
    networks = [candidate for candidate in able if candidate.has_network]
    # Asked before the picture is chosen: the networks load while the visitor looks around.
    standing = wake(reads.store(), subject.id)
    shown = choose_image(subject, dataset)
    if shown is not None:
        _show_asked(shown)
        _show_standing(subject, able, shown, standing)
    elif networks and standing.state in ("starting", "loading"):
        st.caption("The networks are being loaded meanwhile.")
    if standing.state == "ready":
        unable |= dict(standing.unable)
    _name_unable(unable)
    if unable:
        offer_training(subject, unable)


def _show_asked(shown: ShownImage) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(shown.square, width=IMAGE_WIDTH, alt=shown.name)
        with st.container(width=TEXT_WIDTH):
            st.header("What every strategy predicts", help=explain("strategy"))
            st.markdown(escape_markdown(shown.name))


def _show_standing(
    subject: Subject, able: Sequence[Candidate], shown: ShownImage, standing: LiveState
) -> None:
    if standing.state == "ready":
        with error_box():
            show_answers(subject, shown)
        if standing.note:
            st.caption(f":material/info: {escape_markdown(standing.note)}")
    elif standing.state == "failed":
        st.error(escape_markdown(standing.error), icon=":material/error:")
        st.button("Ask again", icon=":material/refresh:", key="try.again")
    else:
        st.fragment(_follow, run_every=REFRESH_SECONDS)(subject)
        show_cards_waiting(able, shown)


def _follow(subject: Subject) -> None:
    """How far the loading is; draws the page anew when it is done."""
    with error_box():
        standing = wake(reads.store(), subject.id)
        if standing.state in ("asleep", "starting", "loading"):
            progress = Progress(standing.step, standing.done, standing.total, unit="")
            st.markdown(f":material/hourglass_empty: {escape_markdown(progress_text(progress))}")
            return
    st.rerun()


def _name_unable(unable: dict[str, str]) -> None:
    """Those that cannot answer, with the reason; equal reasons are said once."""
    if not unable:
        return
    reasons: dict[str, list[str]] = {}
    for strategy, reason in unable.items():
        reasons.setdefault(reason, []).append(title_of(strategy))
    with st.expander(
        f"{count_text(len(unable), 'strategy')} cannot answer here", icon=":material/block:"
    ):
        for reason, titles in reasons.items():
            st.markdown(f"**{escape_markdown(', '.join(titles))}**: {escape_markdown(reason)}")

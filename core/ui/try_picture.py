"""Try it, A picture: every finished strategy of the experiment answers at once."""

from collections.abc import Sequence

import streamlit as st

from core.comparison.tables import title_of
from core.runs.live_models import Candidate, Standing, candidates, wake
from core.ui import reads
from core.ui.errors import error_box
from core.ui.evidence_frame import dataset_or_words
from core.ui.evidence_reads import Subject
from core.ui.glossary import explain
from core.text import escape_markdown, count_text
from core.ui.try_answers import show_answers, show_cards_waiting
from core.ui.try_source import ShownPicture, choose_picture
from core.ui.try_training import offer_training

REFRESH_SECONDS = 1.0
PICTURE_WIDTH, TEXT_WIDTH = 160, 340


def show_picture(subject: Subject) -> None:
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
    shown = choose_picture(subject, dataset)
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


def _show_asked(shown: ShownPicture) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(shown.square, width=PICTURE_WIDTH, alt=shown.name)
        with st.container(width=TEXT_WIDTH):
            st.header("What every strategy says", help=explain("strategy"))
            st.markdown(escape_markdown(shown.name))


def _show_standing(
    subject: Subject, able: Sequence[Candidate], shown: ShownPicture, standing: Standing
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
            count = f" · {standing.done:,} of {standing.total:,}" if standing.total else ""
            st.markdown(f":material/hourglass_empty: {escape_markdown(standing.step)}{count}")
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

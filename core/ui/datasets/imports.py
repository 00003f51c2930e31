"""Imports: live cards with progress, cancel, questions and outcome."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.imports import ImportRecord, list_imports
from core.text import count_text, escape_markdown, quoted_list_text
from core.ui.benchmark import STATE_LOOKS
from core.ui.datasets.question import show_question
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import error_box
from core.ui.frame.job_status import REFRESH_SECONDS, show_progress
from core.ui.frame.page import link_to

# Finished and cancelled imports need no answer and leave the page after this time.
SHOWN_WHEN_OVER = timedelta(hours=1)
MOST_SHOWN = 20
MOST_NOTES = 3


def watch_imports() -> None:
    """The live cards; they ask again every second, but only while an import waits or works."""
    active = any(entry.is_active for entry in list_imports(reads.store()))
    fragment = st.fragment(_watch, run_every=REFRESH_SECONDS if active else None)
    fragment(active)


def _watch(was_active: bool) -> None:
    active = was_active  # until the store can be read
    with error_box():
        entries = list_imports(reads.store())
        active = any(entry.is_active for entry in entries)
        if active:
            # Whoever looks at the page starts a worker that stopped while imports wait.
            reads.wake_worker()
        for entry in [entry for entry in entries if _is_shown(entry)][:MOST_SHOWN]:
            _show_import(entry)
    if active != was_active:
        reads.forget_datasets()
        st.rerun()  # the whole page, once: the new dataset joins the list, the timer stops


def _is_shown(entry: ImportRecord) -> bool:
    if entry.is_active or entry.state in ("failed", "interrupted"):
        return True
    ended = datetime.fromisoformat(entry.finished_at or entry.created_at)
    return datetime.now(UTC) - ended < SHOWN_WHEN_OVER


def _show_import(entry: ImportRecord) -> None:
    with st.container(border=True, key=f"import.{entry.id}"):
        title, middle, action = st.columns([3, 5, 1.6], vertical_alignment="center")
        with title:
            st.markdown(f"**{escape_markdown(entry.source)}**")
            _show_badge(entry)
        with middle:
            _show_state(entry)
        if not may_edit():
            return
        with action:
            _show_actions(entry)
        if entry.question is not None and _asks(entry):
            answer = partial(_act, actions.retry_import, entry.id)
            show_question(entry.question, entry.id, answer)


def _asks(entry: ImportRecord) -> bool:
    """Whether somebody must say how to read it."""
    return entry.question is not None and entry.can_retry


def _show_badge(entry: ImportRecord) -> None:
    colour, icon = STATE_LOOKS[entry.state]
    if _asks(entry):
        st.badge("a question", icon=":material/help:", color="orange")
    elif entry.cancel_requested and entry.is_active:
        st.badge("cancelling", icon=icon, color=colour)
    else:
        st.badge(entry.state, icon=icon, color=colour)


def _show_state(entry: ImportRecord) -> None:
    if entry.state == "queued":
        st.caption(reads.store().waiting_text(entry.id))
    elif entry.state == "running":
        show_progress(entry.progress)
    elif entry.state == "finished":
        _show_outcome(entry)
    elif entry.state == "cancelled":
        st.caption("Cancelled. Nothing was stored.")
    if entry.question is not None and _asks(entry):
        if entry.question.refusal:
            st.error(escape_markdown(entry.question.refusal), icon=":material/error:")
        ways = len(entry.question.offers)
        # The cards below name the ways, as the message of the error does for other readers.
        several = f"It can be read in {ways} ways, and only you can say which."
        text = several if ways > 1 else escape_markdown(entry.error)
        st.warning(text, icon=":material/help:")
    elif entry.error:
        st.error(escape_markdown(entry.error), icon=":material/error:")
    for note in entry.notes:
        st.caption(f":material/info: {escape_markdown(note)}")


def _show_outcome(entry: ImportRecord) -> None:
    try:
        dataset = reads.dataset(entry.dataset_id or "")
    except UnknownName:
        st.caption("Its dataset was removed since.")
        return
    except HeadstartError as error:
        st.error(escape_markdown(error))
        return
    left_out = len(dataset.health.quarantined)
    text = f"**{dataset.image_count:,}** images in **{len(dataset.classes):,}** classes"
    if left_out:
        text += f" · {left_out:,} could not be used: see its Health"
    st.markdown(text)
    st.caption(f"Classes: {escape_markdown(quoted_list_text(dataset.classes))}.")
    # A wrong reading should be seen here, before hours are spent on it.
    if dataset.reading is not None:
        st.caption(f":material/rule: {escape_markdown(dataset.reading.title)}.")
        for other in dataset.reading.others:
            text = f"It could also be read so: {escape_markdown(other.title)}. See Manage."
            st.caption(f":material/alt_route: {text}")
    title = "" if dataset.reading is None else dataset.reading.title
    notes = [note for note in dataset.health.notes if note.rstrip(".") not in title]
    for note in notes[:MOST_NOTES]:
        st.caption(f":material/info: {escape_markdown(note)}")
    if len(notes) > MOST_NOTES:
        st.caption(f"{count_text(len(notes) - MOST_NOTES, 'more note')}: see its Health.")
    with st.container(horizontal=True):
        link_to("datasets", f"Open {escape_markdown(dataset.name)}", dataset=dataset.folder.name)
        link_to("benchmark", "Benchmark it", dataset=dataset.folder.name)


def _show_actions(entry: ImportRecord) -> None:
    source = escape_markdown(entry.source)
    if entry.is_active:
        about = f"Stop reading {source}; nothing of it is kept"
        _button("Cancel", entry, actions.cancel_import, about, entry.cancel_requested)
        return
    if entry.can_retry and not _asks(entry):
        _button("Try again", entry, actions.retry_import, f"Read {source} again")
    rest = "; the dataset stays" if entry.state == "finished" else " and the upload"
    _button("Dismiss", entry, actions.forget_import, f"Remove this card{rest}")


def _button(
    label: str, entry: ImportRecord, action: Callable[..., None], about: str, disabled: bool = False
) -> None:
    st.button(
        label,
        width="stretch",
        key=f"{label}.{entry.id}",
        help=about,
        disabled=disabled,
        on_click=_act,
        args=(action, entry.id),
    )


def _act(action: Callable[..., None], *arguments: object) -> None:
    with error_box():
        try:
            action(*arguments)
        except BadInput as error:
            # Somebody else was faster; the next refresh shows the new state.
            st.toast(escape_markdown(error))

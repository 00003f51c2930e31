"""Imports: live cards with progress, cancel, questions and outcome."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.datasets.reading.columns import Columns
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.imports import ImportRecord, list_imports
from core.jobs.records import waiting_text
from core.text import escape_markdown, quoted_list_text
from core.ui.benchmark import STATE_LOOKS
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
        if _asks(entry):
            _ask_for_columns(entry)


def _asks(entry: ImportRecord) -> bool:
    """Whether somebody must say what the columns of its table hold."""
    return bool(entry.question) and entry.can_retry


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
        st.caption(waiting_text(reads.store().queue_place(entry.id)))
    elif entry.state == "running":
        show_progress(entry.progress)
    elif entry.state == "finished":
        _show_outcome(entry)
    elif entry.state == "cancelled":
        st.caption("Cancelled. Nothing was stored.")
    if _asks(entry):
        st.warning(escape_markdown(entry.error), icon=":material/help:")
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
    for note in dataset.health.notes[:MOST_NOTES]:
        st.caption(f":material/info: {escape_markdown(note)}")
    link_to("datasets", f"Open {escape_markdown(dataset.name)}", dataset=dataset.folder.name)


def _show_actions(entry: ImportRecord) -> None:
    if entry.is_active:
        st.button(
            "Cancel",
            width="stretch",
            key=f"cancel.{entry.id}",
            help=f"Stop reading {escape_markdown(entry.source)}; nothing of it is kept",
            disabled=entry.cancel_requested,
            on_click=_act,
            args=(actions.cancel_import, entry.id),
        )
        return
    if entry.can_retry and not _asks(entry):
        st.button(
            "Try again",
            width="stretch",
            key=f"retry.{entry.id}",
            help=f"Read {escape_markdown(entry.source)} again",
            on_click=_act,
            args=(actions.retry_import, entry.id),
        )
    st.button(
        "Dismiss",
        width="stretch",
        key=f"dismiss.{entry.id}",
        help="Remove this card"
        + ("; the dataset stays" if entry.state == "finished" else " and the upload"),
        on_click=_act,
        args=(actions.forget_import, entry.id),
    )


def _ask_for_columns(entry: ImportRecord) -> None:
    """The first lines of the table, and a field for each kind of column."""
    question = entry.question or {}
    columns = list(question.get("columns", ()))
    st.markdown(
        f"What do the columns of **{escape_markdown(question.get('table'))}** hold? These are its "
        "first lines."
    )
    rows = [list(row) for row in question.get("rows", ())]
    st.dataframe(
        {
            name: [row[place] if place < len(row) else "" for row in rows]
            for place, name in enumerate(columns)
        },
        hide_index=True,
        key=f"rows.{entry.id}",
        alt=f"The first lines of {question.get('table')}.",
    )
    left, middle, right = st.columns(3, gap="medium")
    label = left.selectbox(
        "Class of each image", columns, index=None, key=f"label.{entry.id}", placeholder="Choose"
    )
    file = middle.selectbox(
        "File name of each image",
        columns,
        index=None,
        key=f"file.{entry.id}",
        placeholder="Found by itself",
    )
    split = right.selectbox(
        "Train or test",
        columns,
        index=None,
        key=f"split.{entry.id}",
        placeholder="None, or found by itself",
    )
    st.button(
        "Read again",
        type="primary",
        icon=":material/refresh:",
        key=f"answer.{entry.id}",
        disabled=label is None,
        on_click=_act,
        args=(actions.retry_import, entry.id, Columns(file=file, label=label, split=split)),
    )


def _act(action: Callable[..., None], *arguments: object) -> None:
    with error_box():
        try:
            action(*arguments)
        except BadInput as error:
            # Somebody else was faster; the next refresh shows the new state.
            st.toast(escape_markdown(error))

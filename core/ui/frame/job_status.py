"""A job as a page shows it: how far it is, or what went wrong."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.jobs.cached import CachedWork, make_again
from core.jobs.progress import Progress, progress_text
from core.text import escape_markdown
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import error_box

REFRESH_SECONDS = 1.0


def show_progress(progress: Progress | None) -> None:
    """A bar with the sentence about a job at work."""
    fraction = progress.fraction if progress else 0.0
    st.progress(fraction, text=escape_markdown(progress_text(progress)))


def ready_or_words(ask: Callable[[], CachedWork], key: str) -> CachedWork | None:
    """The work once it is ready; until then a line that follows it, by itself.

    ``ask`` says how the work stands, and starts it where nobody has. While it runs it is asked
    again every second, beside a button that cancels it; when it has ended the page is drawn anew.
    A failure is shown, with a button that tries again.
    """
    work = ask()
    if work.state == "ready":
        return work
    if work.state in ("failed", "cancelled"):
        if work.state == "failed":
            st.error(escape_markdown(work.error), icon=":material/error:")
        else:
            st.caption(f":material/block: {escape_markdown(work.error)}")
        st.button(
            "Try again",
            icon=":material/refresh:",
            key=f"again.{key}",
            on_click=_try_again,
            args=(work,),
        )
        return None
    st.fragment(_follow, run_every=REFRESH_SECONDS)(ask, key)
    return None


def _try_again(work: CachedWork) -> None:
    with error_box():
        make_again(reads.store(), work)


def cancel_button(
    place: DeltaGenerator, job_id: str, key: str, help_text: str, disabled: bool = False
) -> None:
    """For those who may edit; ``help_text`` says what becomes of the work."""
    if may_edit():
        place.button(
            "Cancel",
            width="stretch",
            key=key,
            help=help_text,
            disabled=disabled,
            on_click=_cancel,
            args=(job_id,),
        )


def _cancel(job_id: str) -> None:
    with error_box():
        actions.cancel_work(job_id)


def _follow(ask: Callable[[], CachedWork], key: str) -> None:
    with error_box():
        work = ask()
        if work.state == "working":
            bar, action = st.columns([5, 1.4], vertical_alignment="center")
            bar.progress(work.fraction, text=escape_markdown(work.text))
            cancel_button(
                action, work.job_id, f"cancel.{key}", "Stop this work; nothing of it is kept"
            )
            return
    st.rerun()

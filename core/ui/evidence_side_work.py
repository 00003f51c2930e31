"""Work in a process of its own as a page shows it: how far it is, or what went wrong."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.runs.side_work import SideWork, forget
from core.ui.errors import error_box
from core.text import escape_markdown

REFRESH_SECONDS = 1.0


def ready_or_words(ask: Callable[[], SideWork], key: str) -> SideWork | None:
    """The work once it is ready; until then a line that follows it, by itself.

    ``ask`` says how the work stands, and starts it where nobody has; it is asked again every
    second while somebody is at it, and when it comes to its end the page is drawn anew. A failure
    is said, with a button that tries again.
    """
    work = ask()
    if work.state == "ready":
        return work
    if work.state == "failed":
        st.error(escape_markdown(work.error), icon=":material/error:")
        st.button(
            "Try again",
            icon=":material/refresh:",
            key=f"again.{key}",
            on_click=_try_again,
            args=(work.result,),
        )
        return None
    st.fragment(_follow, run_every=REFRESH_SECONDS)(ask)
    return None


def _try_again(result: Path) -> None:
    with error_box():
        forget(result)


def _follow(ask: Callable[[], SideWork]) -> None:
    with error_box():
        work = ask()
        if work.state == "working":
            share = min(1.0, work.done / work.total) if work.total else 0.0
            count = f" · {work.done:,} of {work.total:,}" if work.total else ""
            st.progress(share, text=f"{escape_markdown(work.step)}{count}")
            return
    st.rerun()

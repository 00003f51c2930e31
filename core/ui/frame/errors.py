"""Errors on a page: what happened, what to do, and an id that finds the traceback in the log."""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from core.errors import words_of
from core.text import escape_markdown

log = logging.getLogger("headstart.pages")
LATE_ERRORS = "errors.late"
# A download is held in the memory of the server while it is fetched.
LARGEST_DOWNLOAD_BYTES = 500 * 1024**2
T = TypeVar("T")


@contextmanager
def error_box() -> Iterator[None]:
    """Show what goes wrong inside as a box; the page around it goes on.

    Our own errors, and the system's about files, are worded for people. Anything else is logged
    with its traceback under an id that the box names. Streamlit's control flow (stop, rerun, switch
    page) does not derive from ``Exception`` and passes through.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the box names it, or finds it in the log
        st.error(_words(error, "on a page"), icon=":material/error:")


def file_or_error(build: Callable[[], T]) -> Callable[[], T]:
    """``build`` for a download button that makes its file when it is pressed.

    Streamlit 1.67 runs it outside the page, where nothing can be drawn, and says only that there
    is no file. So what went wrong is kept, and ``show_late_errors`` shows it when the page is drawn
    next; anything that is not our own error is logged under the id that is shown.
    """
    late: list[str] = st.session_state.setdefault(LATE_ERRORS, [])

    def run() -> T:
        try:
            return build()
        except Exception as error:
            late.append(_words(error, "in a download"))
            raise

    return run


def show_late_errors() -> None:
    """What went wrong in downloads since the page was last drawn."""
    late: list[str] = st.session_state.get(LATE_ERRORS, [])
    while late:
        st.error(f"The file could not be made. {late.pop(0)}", icon=":material/error:")


def _words(error: Exception, where: str) -> str:
    """Markdown; an error that nobody foresaw is logged."""
    if (words := words_of(error)) is not None:
        return escape_markdown(words)
    error_id = secrets.token_hex(4)
    log.exception("error %s %s", error_id, where)
    return (
        "Something went wrong on this page. The rest of Headstart goes on. Error id "
        f"`{error_id}`: the log of the server has the details under it."
    )

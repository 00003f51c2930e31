"""Errors on a page: what happened, what to do, and an id that finds the traceback in the log."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import HeadstartError
from core.ui.texts import literal

log = logging.getLogger("headstart.pages")


@contextmanager
def error_box() -> Iterator[None]:
    """Show what goes wrong inside as a box; the page around it goes on.

    Our own errors are worded for people and shown as they are. Anything else is logged with its
    traceback under an id that the box names. Streamlit's control flow (stop, rerun, switch page)
    does not derive from ``Exception`` and passes through.
    """
    try:
        yield
    except HeadstartError as error:
        st.error(literal(error), icon=":material/error:")
    except Exception:
        error_id = secrets.token_hex(4)
        log.exception("error %s on a page", error_id)
        st.error(
            f"Something went wrong on this page. The rest of Headstart goes on. Error id "
            f"`{error_id}`: the log of the server has the details under it.",
            icon=":material/error:",
        )

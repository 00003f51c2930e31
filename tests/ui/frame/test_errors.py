"""Errors on a page and in what a page starts: a box with an id, and the rest goes on."""

import logging
import re

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import DISK_IS_FULL_TEXT, BadInput

ID = re.compile(r"Error id `([0-9a-f]{8})`")


def page_with_downloads() -> None:
    import streamlit as st

    from core.errors import BadInput
    from core.ui.frame.errors import error_box, file_or_error, show_late_errors

    def breaks() -> bytes:
        raise ZeroDivisionError("the secret of the server")

    def refuses() -> bytes:
        raise BadInput("There is *no* table yet.")

    def pressed() -> None:
        with error_box():
            breaks()

    show_late_errors()
    st.session_state["builds"] = [
        file_or_error(breaks),
        file_or_error(refuses),
        file_or_error(lambda: b"whole"),
    ]
    st.button("Press", on_click=pressed)
    st.fragment(pressed)()
    st.markdown("The rest of the page.")


def test_a_fragment_and_a_callback_that_break_leave_a_box_with_an_id_that_the_log_has(caplog):
    app = AppTest.from_function(page_with_downloads, default_timeout=60).run()
    (shown,) = app.error
    (error_id,) = ID.findall(shown.value)
    assert f"error {error_id} on a page" in caplog.text
    assert "the secret of the server" not in shown.value
    assert "the secret of the server" in caplog.text
    assert app.markdown[0].value == "The rest of the page."

    app.button[0].click().run()
    assert len(app.error) == 2
    assert len({ID.findall(box.value)[0] for box in app.error}) == 2
    assert app.markdown[0].value == "The rest of the page."
    assert not app.exception


def test_what_went_wrong_in_a_download_is_said_once_when_the_page_is_drawn_next(caplog):
    app = AppTest.from_function(page_with_downloads, default_timeout=60).run()
    breaks, refuses, works = app.session_state["builds"]
    assert works() == b"whole"
    with pytest.raises(ZeroDivisionError):
        breaks()
    with pytest.raises(BadInput):
        refuses()
    with caplog.at_level(logging.ERROR):
        app.run()
    first, second, _ = (box.value for box in app.error)
    (error_id,) = ID.findall(first)
    assert first.startswith("The file could not be made. Something went wrong on this page.")
    assert f"error {error_id} in a download" in caplog.text
    assert second == "The file could not be made. There is \\*no\\* table yet\\."
    assert len(app.run().error) == 1


def page_on_a_full_disk() -> None:
    import errno
    import os

    from core.errors import HeadstartError
    from core.ui.frame.errors import error_box

    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/x")
    with error_box():
        raise full
    with error_box():
        raise HeadstartError("Nothing was added.") from full
    with error_box():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/home/*x*")


def test_a_full_disk_is_told_in_the_same_words_and_a_refused_file_is_named(caplog):
    app = AppTest.from_function(page_on_a_full_disk, default_timeout=60).run()
    shown = [box.value.replace("\\", "") for box in app.error]
    assert shown == [
        DISK_IS_FULL_TEXT,
        f"{DISK_IS_FULL_TEXT} Nothing was added.",
        "/home/*x* cannot be used (Permission denied). Check who owns it and its folder, and "
        "whether their disk can be written.",
    ]
    assert "headstart.pages" not in caplog.text

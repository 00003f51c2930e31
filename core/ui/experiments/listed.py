"""What is kept of the results of experiments, for all pages that list them."""

import time
from collections.abc import Collection, Mapping

import streamlit as st

from core.analysis.listing import ListedResult, list_result, listed_results
from core.text import count_text
from core.ui.frame import reads
from core.ui.frame.errors import error_box

# So long may one drawing of the page make what is not kept yet.
PATIENCE_SECONDS = 1.0


def listed() -> tuple[dict[str, ListedResult | None], dict[str, str]]:
    """Shared by all visitors: what ``listed_results`` gives, read again after a commit alone."""
    store = reads.store()
    return store.unless_changed("listed", lambda: listed_results(store))


def make_missing(missing: Mapping[str, str], known: Collection[str]) -> None:
    """Read the predictions of experiments whose results are not kept, then draw the page again.

    ``missing``: their marks, of which only those of ``known`` experiments are wanted.
    """
    todo = [(one, mark) for one, mark in missing.items() if one in known]
    if not todo:
        return
    place = st.empty()
    until, made = time.monotonic() + PATIENCE_SECONDS, 0
    for number, (experiment_id, mark) in enumerate(todo):
        text = f"Reading the results of {count_text(len(todo) - number, 'experiment')}"
        place.progress(number / len(todo), text)
        with error_box():
            list_result(reads.store(), experiment_id, mark)
            made += 1
        if time.monotonic() > until:
            break
    if made:  # what cannot be read would else be tried for ever
        st.rerun()

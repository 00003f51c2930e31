"""What is kept of the results of experiments, for all pages that list them."""

import time
from collections.abc import Mapping, Sequence

import streamlit as st

from core.analysis.datasets import Listed
from core.analysis.listing import list_result, listed_results
from core.experiments.records import ExperimentRecord
from core.text import count_text
from core.ui.frame import reads
from core.ui.frame.errors import error_box

# So long may one drawing of the page make what is not kept yet.
PATIENCE_SECONDS = 1.0


def listed(experiments: Sequence[ExperimentRecord]) -> tuple[list[Listed], dict[str, str]]:
    """Each of them with its kept result, and the marks of those that have none yet.

    What the store keeps is read again after a commit alone, once for all visitors.
    """
    store = reads.store()
    results, missing = store.unless_changed("listed", lambda: listed_results(store))
    return (
        [(each, results.get(each.id)) for each in experiments],
        {each.id: missing[each.id] for each in experiments if each.id in missing},
    )


def make_missing(missing: Mapping[str, str]) -> None:
    """Read the predictions of experiments whose results are not kept, then draw the page again;
    ``missing``: their marks."""
    todo = list(missing.items())
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

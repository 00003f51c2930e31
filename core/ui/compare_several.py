"""Compare, Several: up to six experiments in one table, with deltas to a pinned baseline."""

import streamlit as st

from core.comparison.several import (
    MOST_EXPERIMENTS,
    compare_several,
    several_frame,
    several_words,
)
from core.ui import reads
from core.ui.compare_address import Choice, choose_in_list, remember, shortened
from core.ui.evidence_reads import Subject
from core.ui.results import experiment_label
from core.text import escape_markdown

# Wide enough for the longest fact, narrow enough to leave a telephone its other half.
FACT_WIDTH = 260
NO_BASELINE = "none"
KEY = "address.several"


def show_several(subject: Subject) -> None:
    chosen = _choose_experiments(subject)
    if not chosen:
        st.info("Choose the experiments to lay side by side.")
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    labels = {name: label for name, label in _labels().items() if name in chosen}
    with left:
        baseline = choose_in_list(
            Choice(
                name="baseline",
                label="Baseline",
                kind="baseline",
                options={NO_BASELINE: "No baseline"} | labels,
                default=chosen[0],
                help="The others show how far they are from it: points of accuracy, and how many "
                "times as long. Numbers that may not be compared get a sentence instead.",
            )
        )
    with right:
        differences_only = st.toggle(
            "Differences only",
            value=st.query_params.get("differences", "yes") != "no",
            help="Facts in which all of them agree are left out.",
        )
    remember(differences=None if differences_only else "no")
    several = compare_several(reads.store(), chosen, None if baseline == NO_BASELINE else baseline)
    st.markdown(escape_markdown(several_words(several)))
    # One alone differs from nothing: all that is known of it is shown.
    frame = several_frame(several, differences_only and len(chosen) > 1)
    if frame.empty:
        st.info("They agree in everything that is known of them.")
        return
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        column_config={"fact": st.column_config.TextColumn("fact", pinned=True, width=FACT_WIDTH)},
        placeholder="—",
        key="several.table",
        alt=several_words(several),
    )


def _labels() -> dict[str, str]:
    return {entry.id: experiment_label(entry) for entry in reads.store().experiments()}


def _choose_experiments(subject: Subject) -> list[str]:
    """Those that the address names, in their order; without any, the one above.

    Those that are not here (any more), and those over the limit, are said and left out.
    """
    labels = _labels()
    named = [name for name in st.query_params.get("several", subject.id).split(",") if name]
    known = [name for name in dict.fromkeys(named) if name in labels]
    gone = [name for name in named if name not in labels]
    if gone:
        st.warning(
            f"The link names experiments that are not here (any more): "
            f"{escape_markdown(shortened(', '.join(gone)))}. They are left out."
        )
    if len(known) > MOST_EXPERIMENTS:
        st.warning(f"At most {MOST_EXPERIMENTS} are shown; the others of the link are left out.")
    if gone or len(known) > MOST_EXPERIMENTS:
        remember(several=",".join(known[:MOST_EXPERIMENTS]) or None)
    st.session_state[KEY] = known[:MOST_EXPERIMENTS]
    return st.multiselect(
        "Experiments",
        list(labels),
        format_func=lambda name: labels[name],
        key=KEY,
        max_selections=MOST_EXPERIMENTS,
        placeholder="Choose up to six",
        help="From the same dataset or different ones. The newest first.",
        on_change=_remember,
    )


def _remember() -> None:
    remember(several=",".join(st.session_state[KEY]))

"""Compare, Several: up to six experiments in one table, with deltas to a pinned baseline."""

import streamlit as st

from core.analysis.metrics import METRICS
from core.analysis.scores import score_table
from core.analysis.several import MOST_EXPERIMENTS, compare_several
from core.analysis.words.several import describe_several, several_frame
from core.text import escape_markdown, shorten
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row, remember
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.frame.evidence_reads import subject as find_subject
from core.ui.widgets.results import experiment_label

NO_BASELINE = "none"
KEY = "address.several"


def show_several(subject: Subject) -> None:
    labels = {entry.id: experiment_label(entry) for entry in reads.store().experiments()}
    chosen = _choose_experiments(subject, labels)
    if not chosen:
        st.info("Choose the experiments to lay side by side.")
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        baseline = choose_in_list(
            Choice(
                name="baseline",
                label="Baseline",
                kind="baseline",
                options={NO_BASELINE: "No baseline"} | {name: labels[name] for name in chosen},
                default=chosen[0],
                help="The others show how far they are from it: points of accuracy, and how many "
                "times as long. Numbers that may not be compared get a sentence instead.",
            )
        )
    titles = {name: metric.title for name, metric in METRICS.items()}
    metric = choose_in_row(Choice("metric", "Metric", "metric", titles, "accuracy"))
    with right:
        differences_only = st.toggle(
            "Differences only",
            value=st.query_params.get("differences", "yes") != "no",
            help="Facts in which all of them agree are left out.",
        )
    remember(differences=None if differences_only else "no")
    several = compare_several(
        reads.store(),
        chosen,
        None if baseline == NO_BASELINE else baseline,
        metric,
        lambda name: computed(find_subject(name), score_table, metric, with_intervals=False),
    )
    st.markdown(escape_markdown(describe_several(several)))
    # One alone differs from nothing: all that is known of it is shown.
    frame = several_frame(several, differences_only and len(chosen) > 1)
    if frame.empty:
        st.info("All known facts are the same.")
        return
    # Long texts wrap, and a plain table is there half a second before a data grid.
    st.table(frame.map(escape_markdown).rename(columns=escape_markdown).set_index("fact"))


def _choose_experiments(subject: Subject, labels: dict[str, str]) -> list[str]:
    """Those that the address names, in their order; without any, the one above.

    A warning names those that are not here (any more); those over the limit are left out too.
    """
    named = [name for name in st.query_params.get("several", subject.id).split(",") if name]
    known = [name for name in dict.fromkeys(named) if name in labels]
    gone = [name for name in named if name not in labels]
    if gone:
        st.warning(
            f"The link names experiments that are not here (any more): "
            f"{escape_markdown(shorten(', '.join(gone)))}. They are left out."
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
        on_change=lambda: remember(several=",".join(st.session_state[KEY])),
    )

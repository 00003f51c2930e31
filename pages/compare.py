"""Compare: one experiment, its strategies side by side."""

import streamlit as st

from core.errors import UnknownName
from core.runs.records import ExperimentRecord
from core.ui import reads
from core.ui.frame import link_to, show_page
from core.ui.results import (
    INTERVAL_HELP,
    experiment_label,
    show_accuracy,
    show_curves,
    show_downloads,
    show_facts,
    show_results_table,
    show_seeds,
    show_times,
)
from core.ui.texts import literal


def body() -> None:
    st.title("Compare")
    experiments = reads.store().experiments()
    if not experiments:
        st.info(
            "There is nothing to compare yet. Start a benchmark; its rows appear here as soon as "
            "the first run is finished.",
            icon=":material/bar_chart:",
        )
        link_to("benchmark", "Benchmark a dataset")
        return
    experiment_id = choose(experiments)
    comparison = reads.comparison(experiment_id)
    show_facts(comparison)
    if comparison.is_active:
        st.info("This experiment is still at work; its rows appear as they finish.")
        link_to("benchmark", "Watch it", experiment=experiment_id)
    if not comparison.finished_rows:
        st.warning("No run of this experiment has finished, so there is nothing to show yet.")
        show_seeds(comparison)
        return
    st.subheader("Test accuracy", help=INTERVAL_HELP)
    show_accuracy(comparison, key=f"accuracy.{experiment_id}")
    show_results_table(comparison, key=experiment_id)
    show_downloads(comparison)
    for name, reason in comparison.unavailable.items():
        st.caption(f":material/lock: {literal(name)} was left out: {literal(reason)}")
    show_times(comparison)
    curves = reads.curves(experiment_id)
    if curves:
        show_curves(curves, key=experiment_id)
    show_seeds(comparison)


def choose(experiments: list[ExperimentRecord]) -> str:
    """The experiment that the address names, or the newest; a stale address says so."""
    labels = {experiment.id: experiment_label(experiment) for experiment in experiments}
    wanted = st.query_params.get("experiment")
    try:
        shown = reads.chosen_experiment(experiments, wanted)
    except UnknownName as error:
        st.warning(literal(error))
        shown = experiments[0].id
    ids = list(labels)
    chosen = st.selectbox(
        "Experiment",
        ids,
        index=ids.index(shown),
        format_func=lambda key: labels[key],
        help="The newest first. The address of this page names your choice: share it as a link.",
    )
    st.query_params["experiment"] = chosen
    return chosen


show_page("compare", body)

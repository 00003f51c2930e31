"""Watch it learn: curves, numbers and a few held-out pictures while runs train, or afterwards."""

import streamlit as st

from core.experiments.records import ExperimentRecord
from core.ui.frame import reads
from core.ui.frame.errors import error_box
from core.ui.frame.page import is_presented, link_to, show_page, show_present_button
from core.ui.watch.view import watch
from core.ui.widgets.results import choose_experiment

# What was chosen of the old experiment goes with it.
OF_ONE_EXPERIMENT = ("group", "strategy", "seed", "at")


def body() -> None:
    experiments = reads.store().experiments()
    if not experiments:
        st.title("Watch it learn")
        st.info(
            "Nothing has been trained yet. Start a benchmark, and watch it learn here.",
            icon=":material/visibility:",
        )
        link_to("benchmark", "Benchmark a dataset")
        return
    heading, choice = st.columns([2, 3], vertical_alignment="bottom")
    with heading:
        st.title("Watch it learn")
    with choice:
        default = first_to_watch(experiments).id
        experiment_id = choose_experiment(experiments, default, OF_ONE_EXPERIMENT)
    with error_box():
        watch(experiment_id)
    if not is_presented():
        with st.container(horizontal=True, vertical_alignment="center"):
            link_to("compare", "Compare in full", experiment=experiment_id)
            link_to("workers", "Workers")
            show_present_button()


def first_to_watch(experiments: list[ExperimentRecord]) -> ExperimentRecord:
    """The one at work, else one that waits, else the newest with a finished run."""
    for state in ("running", "queued", "finished"):
        for experiment in experiments:
            if experiment.state_counts.get(state):
                return experiment
    return experiments[0]


show_page("watch", body)

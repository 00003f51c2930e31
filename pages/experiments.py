"""Experiments: all of them in one table, to find, name, compare and put away."""

import streamlit as st

from core.ui.experiments.table import show_experiments
from core.ui.frame import reads
from core.ui.frame.page import link_to, show_page


def body() -> None:
    st.title("Experiments")
    experiments = reads.store().experiments()
    if experiments:
        show_experiments(experiments)
    else:
        st.info(
            "There is no experiment yet. Start a benchmark; it appears here at once.",
            icon=":material/science:",
        )
    link_to("benchmark", "Benchmark a dataset")


show_page("experiments", body)

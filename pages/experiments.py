"""Experiments: all of them in one table, to find, name, compare and put away; the leaderboard; disk
use."""

import streamlit as st

from core.ui.experiments.chosen import show_removed
from core.ui.experiments.disk import show_disk
from core.ui.experiments.leaderboard import show_leaderboard
from core.ui.experiments.sharing import show_import
from core.ui.experiments.table import show_experiments
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.page import link_to, show_page

# What stands in the address: the name of the view and what draws it. Only the chosen one is drawn.
VIEWS = {
    "all": ("All experiments", show_experiments),
    "datasets": ("Leaderboard of datasets", show_leaderboard),
    "disk": ("Disk use", show_disk),
}


def body() -> None:
    st.title("Experiments")
    experiments = reads.store().experiments()
    if experiments:
        views = {name: title for name, (title, _) in VIEWS.items()}
        view = choose_in_row(Choice("view", "View", "view", views, "all"), label_visible=False)
        VIEWS[view][1](experiments)
    else:
        st.info(
            "There is no experiment yet. Start a benchmark; it appears here at once.",
            icon=":material/science:",
        )
        show_import()
        show_removed()
    link_to("benchmark", "Benchmark a dataset")


show_page("experiments", body)

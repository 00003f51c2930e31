"""Story, the first page: what a head start is worth, told in a few scenes over real results."""

import streamlit as st

from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, wanted
from core.ui.frame.page import is_presented, link_to, show_page
from core.ui.story import WHAT_IT_IS, headline, show_story, with_results
from core.ui.widgets.results import experiment_label


def body() -> None:
    experiments = with_results(reads.store().experiments())
    if not experiments:
        show_nothing_yet()
        return
    choice = Choice(
        name="experiment",
        label="Experiment of this story",
        kind="experiment",
        options={entry.id: experiment_label(entry) for entry in experiments},
        default=headline(experiments).id,
        help="Any experiment in which something has finished.",
        clears=("scene",),
    )
    chosen = wanted(choice)
    show_story(experiments, next(entry for entry in experiments if entry.id == chosen))
    if not is_presented():
        st.divider()
        choose_in_list(choice, width="stretch")


def show_nothing_yet() -> None:
    """What this is, and the one thing to do."""
    st.title("How much of a head start does a pre-trained model give?")
    st.markdown(WHAT_IT_IS)
    st.info(
        "No results yet. Open Benchmark and press Start: the first rungs take a minute.",
        icon=":material/flag:",
    )
    link_to("benchmark", "Benchmark a dataset")


show_page("start", body)

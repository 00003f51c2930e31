"""Story, the first page: what a head start is worth, told in a few scenes over real results."""

import streamlit as st

from core.experiments.records import ExperimentRecord
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, wanted
from core.ui.frame.page import is_presented, link_to, show_page
from core.ui.story import reads as story_reads
from core.ui.story.view import WHAT_IT_IS, show_story
from core.ui.widgets.results import experiment_label


def body() -> None:
    experiments = story_reads.tellable(reads.store().experiments())
    if not experiments:
        show_nothing_yet()
        return
    choice = experiment_choice(experiments, story_reads.headline(experiments).id)
    chosen = wanted(choice)
    own = next(entry for entry in experiments if entry.id == chosen)
    show_story(story_reads.facts_of(chosen), story_reads.contrasting_experiment(experiments, own))
    if not is_presented():
        st.divider()
        choose_in_list(choice, width="stretch")


def experiment_choice(experiments: list[ExperimentRecord], default: str) -> Choice:
    return Choice(
        name="experiment",
        label="Experiment of this story",
        kind="experiment",
        options={entry.id: experiment_label(entry) for entry in experiments},
        default=default,
        help="Any experiment in which something has finished.",
        clears=("scene",),
    )


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

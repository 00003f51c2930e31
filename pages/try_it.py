"""Try it: show the trained networks a picture, play against them, take one along."""

from collections.abc import Sequence

import streamlit as st

from core.experiments.records import ExperimentRecord
from core.live.client import candidates
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.errors import error_box
from core.ui.frame.page import link_to, show_page
from core.ui.story import headline, with_results
from core.ui.try_it.answers import show_image_answers
from core.ui.try_it.export import show_export
from core.ui.try_it.guess import show_guess
from core.ui.widgets.results import choose_experiment

# The address has the name of the view; only the chosen one is drawn.
VIEWS = {
    "picture": ("A picture", show_image_answers),
    "guess": ("Guess yourself", show_guess),
    "keep": ("Export a model", show_export),
}
# Searched for one that can answer; older ones are still in the list.
MOST_SEARCHED = 20
# What belongs to the old experiment when another is chosen.
OF_ONE_EXPERIMENT = ("group", "image", "page", "round", "strategy", "seed")


def body() -> None:
    st.title("Try it")
    experiments = reads.store().experiments()
    if not experiments:
        st.info(
            "There is nothing to try yet. Start a benchmark; its strategies can be tried as soon "
            "as the first run is finished.",
            icon=":material/photo_camera:",
        )
        link_to("benchmark", "Benchmark a dataset")
        return
    experiment_id = chosen_experiment(experiments)
    titles = {name: title for name, (title, _) in VIEWS.items()}
    view = choose_in_row(Choice("view", "View", "view", titles, "picture"), label_visible=False)
    with error_box():
        VIEWS[view][1](evidence_reads.subject(experiment_id))


def chosen_experiment(experiments: Sequence[ExperimentRecord]) -> str:
    """The id of the experiment that the address names, else of the newest that can answer."""
    wanted = st.query_params.get("experiment")
    known = {experiment.id for experiment in experiments}
    # The search costs some reads; a link that names an experiment spares them.
    default = wanted if wanted in known else first_to_try(experiments)
    return choose_experiment(experiments, default, OF_ONE_EXPERIMENT)


def first_to_try(experiments: Sequence[ExperimentRecord]) -> str:
    """The one that the story tells if it has a network to ask, else the newest that has one, else
    the newest with results, else the newest."""
    finished = with_results(experiments)
    if finished:
        shown_first = headline(finished)
        finished = [shown_first, *(entry for entry in finished if entry is not shown_first)]
    for entry in finished[:MOST_SEARCHED]:
        if any(found.has_network for found in candidates(reads.store(), entry.id)):
            return entry.id
    return (finished or list(experiments))[0].id


show_page("try_it", body)

"""Try it: show the trained networks a picture, play against them, take one along."""

import streamlit as st

from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to, show_page
from core.ui.try_it.experiment import choose_experiment
from core.ui.try_it.export import show_keep
from core.ui.try_it.guess import show_guess
from core.ui.try_it.image import show_image_answers


def keep(subject: Subject) -> None:
    """The view of another part: it reads the experiment by itself."""
    show_keep(subject.id)


# What stands in the address: the name of the view and what draws it. Only the chosen one is drawn.
VIEWS = {
    "picture": ("A picture", show_image_answers),
    "guess": ("Guess against the models", show_guess),
    "keep": ("Keep a model", keep),
}


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
    experiment_id = choose_experiment(experiments)
    view = choose_in_row(
        Choice(
            "view", "View", "view", {name: title for name, (title, _) in VIEWS.items()}, "picture"
        ),
        label_visible=False,
    )
    with error_box():
        VIEWS[view][1](evidence_reads.subject(experiment_id))


show_page("try_it", body)

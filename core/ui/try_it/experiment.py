"""Try it, which experiment: the address decides, else the newest whose networks can answer."""

from collections.abc import Sequence

import streamlit as st

from core.experiments.records import ExperimentRecord
from core.live.client import candidates
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.widgets.glossary import explain
from core.ui.widgets.results import experiment_label

# Looked through for one that can answer; older ones are still in the list.
MOST_LOOKED_AT = 20
# What another experiment may not have; what was chosen of the old one goes with it.
OF_ONE_EXPERIMENT = ("image", "page", "round", "strategy", "seed")


def choose_experiment(experiments: Sequence[ExperimentRecord]) -> str:
    """The id of the chosen experiment; a stale address says so. ``experiments``: one or more."""
    wanted = st.query_params.get("experiment")
    known = {experiment.id: experiment_label(experiment) for experiment in experiments}
    # Looking for a good one costs some reads; a link that names one spares them.
    default = wanted if wanted in known else _able(experiments)
    chosen = choose_in_list(
        Choice(
            name="experiment",
            label="Experiment",
            kind="experiment",
            options=known,
            default=default,
            help=f"{explain('experiment')} The address of this page names your choice: share it "
            "as a link.",
            clears=OF_ONE_EXPERIMENT,
        ),
        width="stretch",
    )
    st.query_params["experiment"] = chosen
    return chosen


def _able(experiments: Sequence[ExperimentRecord]) -> str:
    """The newest that has a network to ask, else the newest with results, else the newest."""
    finished = [entry for entry in experiments if entry.state_counts.get("finished")]
    for entry in finished[:MOST_LOOKED_AT]:
        if any(found.has_network for found in candidates(reads.store(), entry.id)):
            return entry.id
    return (finished or list(experiments))[0].id

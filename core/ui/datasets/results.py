"""What the experiments on a dataset found: its best result over time, who won on which version."""

from collections.abc import Sequence
from dataclasses import astuple

import streamlit as st

from core.analysis.datasets import DatasetResult, results_over_time, versions_of, winners_of
from core.analysis.words.datasets import describe_results
from core.charts.datasets import results_chart, winners_frame
from core.datasets.dataset import Dataset
from core.text import escape_markdown
from core.ui.experiments.listed import listed, make_missing
from core.ui.frame import reads
from core.ui.frame.drawing import digest_of, draw_once
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import sentences, show_exhibit, show_table

HELP = (
    "Each marker is an experiment: the test accuracy of its best strategy with the 95 % interval. "
    "A filled marker is better than all before it on that version, and the line is the best so "
    "far. Experiments on a fraction of the training images, and those in the archive, are left out."
)


def show_results(dataset: Dataset) -> None:
    """Of the dataset and its other versions, from the kept summaries."""
    versions = versions_of(dataset.id, {one.id: one.version_of for one in reads.datasets()})
    experiments = [one for one in reads.store().experiments() if one.spec.dataset_id in versions]
    found, missing = listed(experiments)
    results = results_over_time(found)
    draw_once(digest_of(dataset.id, *map(astuple, results)), _draw_results, results)
    with st.container(horizontal=True):
        for version in winners_of(results):
            title = f"Best on {escape_markdown(version.dataset)}"
            link_to("compare", title, experiment=version.best.experiment)
        own = [one for one in results if one.dataset_id == dataset.id]
        if own:  # the list knows a dataset by the name that it had
            link_to("experiments", "Its experiments", dataset=own[-1].dataset)
    make_missing(missing)


def _draw_results(results: Sequence[DatasetResult]) -> None:
    st.header("The best result over time", help=HELP)
    winners = winners_of(results)
    sentences(describe_results(results, winners))
    if results:
        show_exhibit(results_chart(results), "dataset-results")
        st.subheader("Which strategy won")
        alt = "How often each strategy was the best, by version of the dataset."
        show_table(winners_frame(winners), "dataset-winners", alt)

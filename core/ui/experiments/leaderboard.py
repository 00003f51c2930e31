"""Experiments, Leaderboard: on which datasets pre-training pays, by how much, at what size."""

from collections.abc import Sequence
from dataclasses import astuple

import streamlit as st

from core.analysis.datasets import DatasetGain, dataset_gains
from core.analysis.words.datasets import describe_gains
from core.charts.datasets import gains_chart
from core.experiments.records import ExperimentRecord
from core.text import escape_markdown
from core.ui.experiments.listed import listed, make_missing
from core.ui.frame.drawing import digest_of, draw_once
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import sentences, show_exhibit

MOST_LINKS = 12
HELP = (
    "Each marker is a dataset: how many points of test accuracy the chosen pre-trained strategy is "
    "ahead of the best from scratch, with the 95 % interval over test images and seeds, against "
    "the number of training images."
)


def show_leaderboard(experiments: Sequence[ExperimentRecord]) -> None:
    found, missing = listed(experiments)
    gains = dataset_gains(found)
    draw_once(digest_of(*(astuple(one) for one in gains)), _draw_gains, gains)
    with st.container(horizontal=True):
        for one in gains[:MOST_LINKS]:
            link_to("compare", escape_markdown(one.dataset), experiment=one.experiment)
    make_missing(missing)


def _draw_gains(gains: Sequence[DatasetGain]) -> None:
    st.header("Where does pre-training pay?", help=HELP)
    sentences(describe_gains(gains))
    if gains:
        show_exhibit(gains_chart(gains), "leaderboard")

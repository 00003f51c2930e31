"""Benchmark: choose images and strategies, see how long it will take, start, watch."""

import streamlit as st

from core.analysis.words.own_backbones import describe_overlap
from core.datasets.dataset import Dataset
from core.errors import BadInput, UnknownName
from core.experiments.planning import plan_experiment
from core.experiments.records import ExperimentRecord, ExperimentSpec
from core.text import escape_markdown
from core.ui.benchmark import (
    choose_dataset,
    forecast_cells,
    show_changes,
    show_forecast,
    start_experiment,
    watch_experiment,
)
from core.ui.datasets.facts import say_why_not
from core.ui.frame import reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.page import link_to, show_page
from core.ui.widgets.augmentation import show_augmentation
from core.ui.widgets.forms import Choices, choose_shared, fill_form, fill_overrides
from core.ui.widgets.glossary import explain_all
from core.ui.widgets.results import experiment_label
from core.ui.widgets.strategy_matrix import choose_strategies

# In the address: the experiment whose choices the form begins with.
REPEAT = "repeat"


def body() -> None:
    wanted = st.query_params.get("experiment")
    if wanted is None:
        set_up()
        return
    try:
        experiment = reads.store().experiment(wanted)
    except UnknownName as error:
        st.warning(escape_markdown(error))
        set_up()
        return
    watch(experiment)


def set_up() -> None:
    st.title("Benchmark")
    st.markdown("Which classifier is worth it for these images? Choose, start, and watch.")
    for experiment in reads.store().experiments():
        if experiment.is_active:
            link_to(
                "benchmark", f"Running: {experiment_label(experiment)}", experiment=experiment.id
            )
    former = _repeated()
    fill_overrides()
    st.header("1. Dataset", help=explain_all("class", "majority class"))
    dataset = choose_dataset()
    if dataset is None:
        return
    st.header("2. Preset, image size and seeds", help=explain_all("preset", "seed"))
    choices = choose_shared(has_own_split=dataset.predefined_subsets is not None)
    st.header("3. Strategies", help=explain_all("strategy", "epoch", "layer"))
    choose_strategies(choices, forecast_cells(dataset, choices))
    show_augmentation(dataset, choices)
    st.header("4. Start")
    spec = planned(dataset, choices)
    if spec is not None:
        for warning in describe_overlap(spec.backbones, spec.images["test"]):
            st.warning(escape_markdown(warning), icon=":material/warning:")
        if former is not None:
            show_changes(former, spec)
        show_forecast(reads.forecast(spec))
    pressed = st.button(
        "Start the benchmark",
        type="primary",
        icon=":material/play_arrow:",
        disabled=spec is None or not may_edit(),
    )
    show_viewer_note("start runs")
    if pressed and spec is not None:
        started = start_experiment(spec, former.id if former is not None else "")
        st.query_params.from_dict({"experiment": started})
        st.rerun()


def _repeated() -> ExperimentRecord | None:
    """The experiment that the address names as the one to repeat; the form begins with it, once."""
    wanted = st.query_params.get(REPEAT)
    if wanted is None:
        return None
    try:
        former = reads.store().experiment(wanted)
    except UnknownName as error:
        st.warning(escape_markdown(error))
        del st.query_params[REPEAT]
        return None
    if st.session_state.get(REPEAT) != former.id:
        st.session_state[REPEAT] = former.id
        fill_form(former.spec)
        st.query_params["dataset"] = former.spec.dataset_id[:12]
    st.caption(f"Filled from: {escape_markdown(experiment_label(former))}")
    return former


def planned(dataset: Dataset, choices: Choices) -> ExperimentSpec | None:
    """The experiment that the form describes; what is wrong with it is said, and gives None."""
    try:
        return plan_experiment(
            dataset.id,
            choices.strategies,
            preset=choices.preset,
            seeds=choices.seeds,
            image_size=choices.image_size,
            overrides=choices.overrides,
            split=choices.split,
            resize=choices.resize,
            precision=choices.precision,
        )
    except BadInput as error:
        say_why_not(error, dataset)
        return None


def watch(experiment: ExperimentRecord) -> None:
    st.title(f"Benchmark of {escape_markdown(experiment.spec.dataset_name)}")
    with st.container(horizontal=True):
        link_to("watch", "Watch it learn", experiment=experiment.id)
        link_to("compare", "Compare in full", experiment=experiment.id)
        link_to("benchmark", "Set up another")
    watch_experiment(experiment.id)


show_page("benchmark", body)

"""Try it, the way out: train the quick strategies of an experiment here, so that they answer."""

from collections.abc import Mapping

import streamlit as st

from core.errors import BadInput
from core.experiments.planning import plan_experiment, unavailable_reason
from core.experiments.records import ExperimentRecord, ExperimentSpec
from core.live.client import candidates
from core.strategies.registry import STRATEGIES
from core.text import escape_markdown
from core.ui.benchmark.live import start_experiment
from core.ui.benchmark.setup import show_forecast
from core.ui.frame import reads
from core.ui.frame.access import editor_help, may_edit
from core.ui.frame.address import remember
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.forms import CHOSEN_AT_FIRST
from core.ui.widgets.results import experiment_label


def offer_training(subject: Subject, unable: Mapping[str, str]) -> None:
    """One button that trains the quick strategies again, where some of them are ``unable``; a link
    where somebody did already."""
    settings = dict(subject.experiment.spec.strategies)
    names = [
        name
        for name in CHOSEN_AT_FIRST
        if name in settings and unavailable_reason(STRATEGIES[name], settings[name]) is None
    ]
    if not set(names) & set(unable):
        return
    with st.container(border=True):
        at_work = subject.experiment if subject.experiment.is_active else None
        same = at_work or _trained_here(subject, set(names))
        if same is not None:
            _link_to(same)
            return
        spec = _planned(subject, names)
        if spec is None:
            return
        titles = escape_markdown(", ".join(STRATEGIES[name].title for name in names))
        st.markdown(
            f"**Train the quick ones here** and they answer too: {titles}, on the same pictures, "
            "the same split, with the same settings."
        )
        show_forecast(reads.forecast(spec))
        st.button(
            "Train them here",
            icon=":material/play_arrow:",
            key=f"try.train.{subject.id}",
            disabled=not may_edit(),
            help=editor_help(),
            on_click=_start,
            args=(spec,),
        )


def _planned(subject: Subject, names: list[str]) -> ExperimentSpec | None:
    """The same experiment with few strategies and one seed; what is in the way is said."""
    spec = subject.experiment.spec
    known = dict(spec.strategies)
    try:
        return plan_experiment(
            spec.dataset_id,
            names,
            preset=spec.preset,
            seeds=spec.seeds[:1],
            image_size=spec.image_size,
            overrides={
                f"{name}.{setting}": value
                for name in names
                for setting, value in known[name].items()
                if setting in {own.name for own in STRATEGIES[name].settings}
            },
            split=spec.split,
            resize=spec.resize,
            precision=spec.precision,
            train_share=spec.train_share,
        )
    except BadInput as error:
        st.caption(f":material/info: They cannot be trained here: {escape_markdown(error)}")
        return None


def _trained_here(subject: Subject, names: set[str]) -> ExperimentRecord | None:
    """The newest experiment of this home on the same split that trains, or trained, ``names``."""
    spec = subject.experiment.spec
    for entry in reads.store().experiments():
        other = entry.spec
        alike = (
            other.dataset_id == spec.dataset_id
            and other.split_fingerprint == spec.split_fingerprint
            and other.image_size == spec.image_size
            and other.resize == spec.resize
            and other.train_share == spec.train_share
        )
        if not alike or entry.recorded or entry.id == subject.id:
            continue
        if names <= _able_in(entry):
            return entry
    return None


def _able_in(entry: ExperimentRecord) -> set[str]:
    """The strategies that answer there, or will once its runs are over."""
    if entry.is_active:
        return {name for name, _ in entry.spec.strategies}
    return {found.strategy for found in candidates(reads.store(), entry.id) if not found.why_not}


def _link_to(experiment: ExperimentRecord) -> None:
    if experiment.is_active:
        st.markdown("The quick strategies are being trained here at this moment.")
        with st.container(horizontal=True):
            link_to("watch", "Watch it learn", experiment=experiment.id)
            link_to("benchmark", "Follow every run", experiment=experiment.id)
        return
    st.markdown(
        "The quick strategies were trained here too, on the same pictures and the same split: "
        f"{escape_markdown(experiment_label(experiment))}."
    )
    st.button(
        "Ask those",
        icon=":material/arrow_forward:",
        key=f"try.other.{experiment.id}",
        on_click=remember,
        kwargs={"experiment": experiment.id},
    )


def _start(spec: ExperimentSpec) -> None:
    with error_box():
        start_experiment(spec)

"""Try it, the way out: train the quick strategies of an experiment here, so that they answer."""

from collections.abc import Collection

import streamlit as st

from core.errors import BadInput
from core.experiments.planning import plan_experiment, unavailable_reason
from core.experiments.records import ExperimentRecord, ExperimentSpec
from core.live.client import candidates
from core.strategies.registry import STRATEGIES
from core.text import escape_markdown
from core.ui.benchmark import show_forecast, start_experiment
from core.ui.frame import reads
from core.ui.frame.access import editor_help, may_edit
from core.ui.frame.address import remember
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.forms import CHOSEN_AT_FIRST
from core.ui.widgets.results import experiment_label


def offer_training(subject: Subject, unable: Collection[str]) -> None:
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
        is_active = subject.experiment.is_active
        same = subject.experiment if is_active else _trained_here(subject, set(names))
        if same is not None:
            _link_to(same)
            return
        spec = _planned(subject, names)
        if spec is None:
            return
        titles = escape_markdown(" · ".join(STRATEGIES[name].title for name in names))
        st.markdown(
            "**Train the quick ones here** and they answer too, on the same pictures and the same "
            f"split, with the same settings: {titles}."
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
    """The same experiment with few strategies and one seed; None, with a caption that says why."""
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
                f"{name}.{setting.name}": known[name][setting.name]
                for name in names
                for setting in STRATEGIES[name].settings
                if setting.name in known[name]
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
    known = _prepared_alike(subject.experiment.spec)
    for entry in reads.store().experiments():
        if entry.recorded or entry.id == subject.id or _prepared_alike(entry.spec) != known:
            continue
        if entry.is_active:
            able = {name for name, _ in entry.spec.strategies}
        else:
            found = candidates(reads.store(), entry.id)
            able = {candidate.strategy for candidate in found if not candidate.why_not}
        if names <= able:
            return entry
    return None


def _prepared_alike(spec: ExperimentSpec) -> tuple[object, ...]:
    """Equal for experiments whose networks see the same images for the same purpose."""
    return (spec.dataset_id, spec.split_fingerprint, spec.image_size, spec.resize, spec.train_share)


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

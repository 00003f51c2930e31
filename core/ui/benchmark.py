"""The page Benchmark: set up an experiment, and follow its runs, with cancel and retry."""

from typing import Literal

import pandas as pd
import streamlit as st

from core.analysis.comparison import title_of
from core.charts.curves import curve_chart
from core.datasets.dataset import Dataset
from core.errors import BadInput, HeadstartError
from core.experiments.forecast import Forecast
from core.experiments.planning import plan_experiment, spec_changes
from core.experiments.records import ExperimentRecord, ExperimentSpec, RunRecord
from core.jobs.launchers import ensure_worker
from core.jobs.progress import DeviceWait, waiting_text
from core.strategies.registry import MAJORITY, STRATEGIES
from core.strategies.strategy import Settings, Strategy
from core.text import count_text, escape_markdown, percent_text, rough_seconds_text, seconds_text
from core.ui.datasets.facts import address_of, majority_text, say_there_are_none
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import error_box
from core.ui.frame.job_status import REFRESH_SECONDS, show_progress
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import show_exhibit
from core.ui.widgets.forms import Choices
from core.ui.widgets.glossary import explain_all
from core.ui.widgets.results import show_facts, show_results_table

IMAGE_WIDTH = 84
Colour = Literal["gray", "blue", "green", "red", "orange"]
STATE_LOOKS: dict[str, tuple[Colour, str]] = {
    "queued": ("gray", ":material/hourglass_empty:"),
    "running": ("blue", ":material/play_arrow:"),
    "finished": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("orange", ":material/block:"),
    "interrupted": ("orange", ":material/power_off:"),
}


# Setting up ---------------------------------------------------------------------------------------


def choose_dataset() -> Dataset | None:
    """A dataset with one image and the count of each class; None where there is none.

    The one that the address names is chosen at first; the address follows the choice.
    """
    found = {dataset.id: dataset for dataset in reads.datasets()}
    if not found:
        say_there_are_none()
        return None
    wanted = _wanted_dataset()
    if wanted is not None:
        found.setdefault(wanted.id, wanted)
    ids = list(found)
    chosen = st.selectbox(
        "Dataset",
        ids,
        index=ids.index(wanted.id) if wanted is not None else 0,
        format_func=lambda key: _dataset_label(found[key]),
        help="A named set of labelled images. It never changes: its id is a fingerprint of its "
        "content.",
    )
    dataset = found[chosen]
    if wanted is None or chosen != wanted.id:
        st.query_params["dataset"] = address_of(dataset)
    _show_dataset(dataset)
    return dataset


def _wanted_dataset() -> Dataset | None:
    """The dataset that the address names; a stale name is reported, and gives None."""
    wanted = st.query_params.get("dataset")
    if wanted is None:
        return None
    try:
        return reads.dataset(wanted)
    except HeadstartError as error:
        st.warning(escape_markdown(error))
        return None


def _dataset_label(dataset: Dataset) -> str:
    """``themes16 (1,347 images, 16 classes)``."""
    return (
        f"{dataset.name} ({count_text(dataset.image_count, 'image')}, "
        f"{count_text(len(dataset.classes), 'class')})"
    )


def _show_dataset(dataset: Dataset) -> None:
    st.caption(f"{majority_text(dataset)}. Always predicting it is the first rung of the ladder.")
    images = reads.class_images(dataset)
    with st.container(horizontal=True, gap="small"):
        for name, count, image in images:
            st.image(
                image,
                caption=f"{escape_markdown(name)} · {count:,}",
                width=IMAGE_WIDTH,
                alt=f"A picture of the class {name}, which has {count_text(count, 'image')}",
            )
    left_out = len(dataset.classes) - len(images)
    if left_out:
        st.caption(f"The largest {len(images)} classes; {left_out} more are not shown.")
    if dataset.provenance:
        st.caption(f"Where they come from: {escape_markdown(dataset.provenance)}")
    with st.container(horizontal=True):
        link_to("advice", "What to try on it", dataset=address_of(dataset))
        link_to("datasets", "Look at this dataset", dataset=address_of(dataset))
        link_to("datasets", "Add your own images")


def forecast_cells(dataset: Dataset, choices: Choices) -> dict[str, float]:
    """How many seconds each strategy would take with the settings of the preset."""
    try:
        spec = plan_experiment(
            dataset.id,
            [MAJORITY],
            preset=choices.preset,
            seeds=choices.seeds,
            image_size=choices.image_size,
            split=choices.split,
        )
    except BadInput:
        return {}  # a split that cannot be made; where the experiment is planned, that is said
    strategies = tuple(
        (name, settings)
        for name, one in STRATEGIES.items()
        if _fits(one, settings := one.resolve(choices.preset), choices.image_size)
    )
    return reads.forecasts(spec.model_copy(update={"strategies": strategies}))


def _fits(strategy: Strategy, settings: Settings, image_size: int) -> bool:
    try:
        strategy.network_side(settings, image_size)
    except BadInput:
        return False
    return True


def show_forecast(forecast: Forecast) -> None:
    """How long the experiment will take and how that is known, or that nothing is known yet."""
    basis = escape_markdown(forecast.basis)
    if forecast.seconds is None:
        st.markdown(
            f"**Time: not known yet.** {basis} The time left is shown as soon as the first epoch "
            "ran."
        )
        return
    more = " and more" if forecast.unknown else ""
    st.markdown(f"**Time: about {rough_seconds_text(forecast.seconds)}{more}.** {basis}")
    if forecast.extraction_seconds:
        st.caption(
            f"About {rough_seconds_text(forecast.extraction_seconds)} of it for extracting "
            "features, which is saved where they are in the cache already."
        )
    if forecast.unknown:
        names = ", ".join(title_of(name) for name in forecast.unknown)
        st.caption(f"Not counted, because it never ran undisturbed here: {escape_markdown(names)}.")


def show_changes(former: ExperimentRecord, spec: ExperimentSpec) -> None:
    """What differs from the experiment that is repeated, so that the two can be compared by it."""
    changes = spec_changes(former.spec, spec)
    if not changes:
        st.caption("Nothing differs from it: the same would run again.")
        return
    st.markdown("**What differs from it**")
    st.table(
        pd.DataFrame(changes, columns=["what", "then", "now"])
        .map(escape_markdown)
        .set_index("what")
    )


def start_experiment(spec: ExperimentSpec, repeats: str = "") -> str:
    """Queue the runs of ``spec`` and see that a worker serves them; returns the experiment's id.

    ``repeats``: the id of the experiment from which the form was filled.
    """
    (experiment_id,) = actions.create_experiments([spec], repeats)
    # Whoever watches wakes a worker too: an error here must not lead to a second experiment.
    with error_box():
        ensure_worker(reads.store())
    return experiment_id


# At work ------------------------------------------------------------------------------------------


def watch_experiment(experiment_id: str) -> None:
    """The live view; asks again every second, but only while something waits or runs."""
    active = reads.store().experiment(experiment_id).is_active
    fragment = st.fragment(_watch, run_every=REFRESH_SECONDS if active else None)
    fragment(experiment_id, active)


def _watch(experiment_id: str, was_active: bool) -> None:
    active = was_active  # what is believed while the store cannot be read
    with error_box():
        runs = reads.store().runs(experiment_id)
        active = any(run.is_active for run in runs)
        if active:
            # A worker that stopped while runs wait is started again by whoever looks.
            reads.wake_worker()
        comparison = reads.comparison(experiment_id)
        show_facts(comparison)
        _show_summary(experiment_id, runs)
        _show_runs(runs, active)
        curves = reads.curves(experiment_id)
        so_far = " so far" if active else ""
        if curves:
            st.header(
                f"Validation accuracy{so_far}",
                help=explain_all("accuracy", "validation images", "epoch"),
            )
            chart = curve_chart(curves, "validation_accuracy")
            show_exhibit(chart, f"curve.{experiment_id}", table=False, config={})
        if comparison.finished_rows:
            st.header(f"Results{so_far}", help=explain_all("test images", "confidence interval"))
            show_results_table(comparison, key=f"live.{experiment_id}")
    if active != was_active:
        st.rerun()  # the whole page, once: the timer stops, or starts after a retry


def _show_summary(experiment_id: str, runs: list[RunRecord]) -> None:
    waiting = [run.id for run in runs if run.is_active]
    over = len(runs) - len(waiting)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(over / len(runs), text=f"{over} of {len(runs)} runs done")
        if waiting and may_edit():
            st.button(
                "Cancel all",
                icon=":material/stop_circle:",
                key="cancel-all",
                on_click=_cancel,
                args=(waiting,),
            )
    if not waiting and any(run.state == "finished" for run in runs):
        link_to("compare", "Everything is over: compare the results", experiment=experiment_id)


def _show_runs(runs: list[RunRecord], active: bool) -> None:
    """A card for each run that can still change, and a line for each finished one."""
    wait = reads.store().device_wait(runs[0].experiment_id) if active else None
    for run in runs:
        if run.state != "finished":
            _show_card(run, wait)
    finished = [(run, run.finished_result) for run in runs if run.state == "finished"]
    if not finished:
        return
    title = count_text(len(finished), "finished run")
    with st.expander(title, expanded=active, icon=STATE_LOOKS["finished"][1]):
        for run, result in finished:
            words = f"**{escape_markdown(title_of(run.strategy))}**, seed {run.seed}"
            if result is not None:
                test = result.scores.test
                words += (
                    f": **{percent_text(test.accuracy)}** of {test.images:,} test images correct · "
                    f"{seconds_text(result.total_seconds, 'total_seconds' in result.disturbed)}"
                )
            st.markdown(words)
            _show_notes(run)


def _show_card(run: RunRecord, wait: DeviceWait | None) -> None:
    """State, progress or error, and what can be done.

    ``wait``: why no worker takes it, asked once for all cards of the experiment.
    """
    title = f"{title_of(run.strategy)}, seed {run.seed}"
    with st.container(border=True):
        name, progress, action = st.columns([3, 5, 1.4], vertical_alignment="center")
        with name:
            colour, icon = STATE_LOOKS[run.state]
            st.markdown(f"**{escape_markdown(title_of(run.strategy))}**, seed {run.seed}")
            cancelling = run.cancel_requested and run.is_active
            st.badge("cancelling" if cancelling else run.state, icon=icon, color=colour)
        with progress:
            if run.state == "queued":
                place = reads.store().queue_place(run.id)
                st.caption(escape_markdown(waiting_text(place, wait)))
            elif run.state == "running":
                show_progress(run.progress)
            _show_notes(run)
        if not may_edit():
            return
        if run.is_active:
            action.button(
                "Cancel",
                width="stretch",
                key=f"cancel.{run.id}",
                help=f"Cancel {title}",
                disabled=run.cancel_requested,
                on_click=_cancel,
                args=([run.id],),
            )
        elif run.can_retry:
            action.button(
                "Retry",
                width="stretch",
                key=f"retry.{run.id}",
                help=f"Start {title}, again",
                on_click=_retry,
                args=(run.id,),
            )


def _show_notes(run: RunRecord) -> None:
    for note in run.notes:
        st.caption(f":material/info: {escape_markdown(note)}")
    if run.error:
        st.caption(f":material/error: {escape_markdown(run.error)}")


def _cancel(run_ids: list[str]) -> None:
    with error_box():
        actions.cancel_runs(run_ids)


def _retry(run_id: str) -> None:
    with error_box():
        try:
            actions.retry_run(run_id)
        except BadInput as error:
            # Somebody else was faster; the next refresh shows the state that it is in.
            st.toast(escape_markdown(error))
            return
        ensure_worker(reads.store())

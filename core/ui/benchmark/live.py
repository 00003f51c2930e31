"""An experiment at work: each run with its state, progress, time left, cancel and retry."""

from typing import Literal

import streamlit as st

from core.analysis.comparison import title_of
from core.charts.curves import curve_chart
from core.errors import BadInput
from core.experiments.records import ExperimentSpec, RunRecord
from core.experiments.store import Store
from core.jobs.launchers import ensure_worker
from core.jobs.records import waiting_text
from core.text import escape_markdown, percent_text, seconds_text
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import error_box
from core.ui.frame.job_status import show_progress
from core.ui.widgets.exhibit import show_exhibit
from core.ui.widgets.glossary import explain_all
from core.ui.widgets.results import show_facts, show_results_table

REFRESH_SECONDS = 1.0
Colour = Literal["gray", "blue", "green", "red", "orange"]
STATE_LOOKS: dict[str, tuple[Colour, str]] = {
    "queued": ("gray", ":material/hourglass_empty:"),
    "running": ("blue", ":material/play_arrow:"),
    "finished": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("orange", ":material/block:"),
    "interrupted": ("orange", ":material/power_off:"),
}


def start_experiment(spec: ExperimentSpec) -> str:
    """Queue the runs of ``spec`` and see that a worker serves them; returns the experiment's id."""
    (experiment_id,) = actions.create_experiments([spec])
    # Whoever watches wakes a worker too: an error here must not lead to a second experiment.
    with error_box():
        ensure_worker(reads.store())
    return experiment_id


def watch_experiment(experiment_id: str) -> None:
    """The live view; asks again every second, but only while something waits or runs."""
    active = reads.store().experiment(experiment_id).is_active
    fragment = st.fragment(_watch, run_every=REFRESH_SECONDS if active else None)
    fragment(experiment_id, active)


def _watch(experiment_id: str, was_active: bool) -> None:
    active = was_active  # what is believed while the store cannot be read
    with error_box():
        store = reads.store()
        runs = store.runs(experiment_id)
        active = any(run.is_active for run in runs)
        if active:
            # A worker that stopped while runs wait is started again by whoever looks.
            reads.wake_worker()
        comparison = reads.comparison(experiment_id)
        show_facts(comparison)
        _show_summary(runs)
        for run in runs:
            _show_run(store, run)
        curves = reads.curves(experiment_id)
        if curves:
            st.header(
                "Validation accuracy so far",
                help=explain_all("accuracy", "validation images", "epoch"),
            )
            chart = curve_chart(curves, "validation_accuracy")
            show_exhibit(chart, f"curve.{experiment_id}", table=False, config={})
        if comparison.finished_rows:
            st.header("Results so far", help=explain_all("test images", "confidence interval"))
            show_results_table(comparison, key=f"live.{experiment_id}")
    if active != was_active:
        st.rerun()  # the whole page, once: the timer stops, or starts after a retry


def _show_summary(runs: list[RunRecord]) -> None:
    over = sum(not run.is_active for run in runs)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(over / len(runs), text=f"{over} of {len(runs)} runs done")
        waiting = [run for run in runs if run.is_active]
        if waiting and may_edit():
            st.button(
                "Cancel all",
                icon=":material/stop_circle:",
                key="cancel-all",
                on_click=_cancel,
                args=([run.id for run in waiting],),
            )


def _show_run(store: Store, run: RunRecord) -> None:
    with st.container(border=True):
        name, progress, action = st.columns([3, 5, 1.4], vertical_alignment="center")
        with name:
            colour, icon = STATE_LOOKS[run.state]
            st.markdown(f"**{escape_markdown(title_of(run.strategy))}**, seed {run.seed}")
            st.badge(
                "cancelling" if run.cancel_requested and run.is_active else run.state,
                icon=icon,
                color=colour,
            )
        with progress:
            _show_progress(store, run)
        with action:
            if not may_edit():
                return
            if run.is_active:
                st.button(
                    "Cancel",
                    width="stretch",
                    key=f"cancel.{run.id}",
                    help=f"Cancel {title_of(run.strategy)}, seed {run.seed}",
                    disabled=run.cancel_requested,
                    on_click=_cancel,
                    args=([run.id],),
                )
            elif run.can_retry:
                st.button(
                    "Retry",
                    width="stretch",
                    key=f"retry.{run.id}",
                    help=f"Start {title_of(run.strategy)}, seed {run.seed}, again",
                    on_click=_retry,
                    args=(run.id,),
                )


def _show_progress(store: Store, run: RunRecord) -> None:
    if run.state == "queued":
        st.caption(waiting_text(store.queue_place(run.id)))
    elif run.state == "running":
        show_progress(run.progress)
    elif (result := run.finished_result) is not None:
        test = result.scores.test
        st.markdown(
            f"**{percent_text(test.accuracy)}** of {test.images:,} test images correct · "
            f"{seconds_text(result.total_seconds)}"
        )
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

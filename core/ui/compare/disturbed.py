"""Compare, Time: times that compare with no others, and measuring them again."""

import streamlit as st

from core.analysis.comparison import title_of
from core.experiments.records import RunRecord
from core.experiments.remeasure import job_of, obstacle
from core.jobs.launchers import ensure_worker
from core.jobs.progress import progress_text
from core.jobs.records import JobRecord
from core.text import count_text, escape_markdown, list_text, rough_percent_text
from core.training.events import TIME_TITLES, RunConditions
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.job_status import REFRESH_SECONDS

STEADY = "steady_epoch_seconds"
HELP = (
    "A time is disturbed where other programs used more than a tenth of the processors while "
    "it was taken, where the machine was slowed down, or where it was taken on another device than "
    "those of the other runs. It is marked, and compared with nothing."
)
AGAIN_HELP = (
    "Trains a few epochs of each of these runs for their times alone, when the device is free. "
    "Scores, predictions and weights stay as they are."
)


def show_disturbed(subject: Subject) -> None:
    """Nothing where no time of a finished run was disturbed."""
    runs = [run for run in subject.runs if run.finished_result and run.finished_result.disturbed]
    if not runs:
        return
    st.header("Disturbed times", help=HELP)
    st.markdown(
        "Other work on the machine made these times longer than they are on a quiet one, or they "
        "were taken on another device. They are marked wherever they are shown, and no ratio or "
        "forecast uses them."
    )
    st.markdown("\n".join(f"- {_run_words(run)}" for run in runs))
    again = [run for run in runs if _can_be_measured(run)]
    if again:
        is_active = any(job.is_active for job in _jobs_of(again).values())
        fragment = st.fragment(_measurements, run_every=REFRESH_SECONDS if is_active else None)
        fragment(again, is_active)
    if any("total_seconds" in run.finished_result.disturbed for run in runs if run.finished_result):
        st.caption(
            "The time of a whole run is measured by running it again, in a new benchmark while "
            "nothing else is at work."
        )


def _run_words(run: RunRecord) -> str:
    """Which times of a run were disturbed, and by how much."""
    result = run.finished_result
    if result is None:
        return ""
    who = f"**{escape_markdown(title_of(run.strategy))}**, seed {run.seed}"
    if result.other_device:
        where, usual = escape_markdown(result.device), escape_markdown(result.other_device)
        return f"{who}: all, taken on {where}; most runs here were on {usual}"
    names = [title for name, title in TIME_TITLES.items() if name in result.disturbed]
    found = result.conditions or RunConditions()
    loads = [
        each.other_load
        for each in (found.first_epoch, found.steady_epochs, found.features, found.whole_run)
        if each is not None and each.is_disturbed and each.other_load is not None
    ]
    most = ""
    if loads:
        most = f" (others used up to {rough_percent_text(max(loads))} of the processors)"
    return f"{who}: {list_text(names)}{most}"


def _can_be_measured(run: RunRecord) -> bool:
    result = run.finished_result
    is_disturbed = result is not None and STEADY in result.disturbed
    return is_disturbed and obstacle(reads.store(), run) is None


def _jobs_of(runs: list[RunRecord]) -> dict[str, JobRecord]:
    """The measurements that somebody has asked for, by the id of the run."""
    found = {run.id: reads.store().find_job(job_of(run.id)) for run in runs}
    return {run_id: job for run_id, job in found.items() if job is not None}


def _measurements(runs: list[RunRecord], was_active: bool) -> None:
    """Where each measurement stands, and the button; the page is drawn anew when all are over."""
    active = was_active
    with error_box():
        jobs = _jobs_of(runs)
        active = any(job.is_active for job in jobs.values())
        if active:
            reads.wake_worker()
        for run in runs:
            if run.id in jobs:
                _show_job(run, jobs[run.id])
    if may_edit() and not active:
        st.button(
            f"Measure the steady epochs of {count_text(len(runs), 'run')} again",
            icon=":material/timer:",
            key="remeasure",
            help=AGAIN_HELP,
            on_click=_remeasure,
            args=([run.id for run in runs],),
        )
    if active != was_active:
        st.rerun()


def _show_job(run: RunRecord, job: JobRecord) -> None:
    title = f"{escape_markdown(title_of(run.strategy))}, seed {run.seed}"
    if job.state == "queued":
        st.caption(f"{title}: {escape_markdown(reads.store().waiting_text(job.id))}")
    elif job.state == "running":
        fraction = job.progress.fraction if job.progress else 0.0
        st.progress(fraction, text=f"{title}: {escape_markdown(progress_text(job.progress))}")
    elif job.error:
        st.caption(f":material/error: {title}: {escape_markdown(job.error)}")


def _remeasure(run_ids: list[str]) -> None:
    with error_box():
        actions.remeasure_runs(run_ids)
        ensure_worker(reads.store())

"""The big numbers of a training that is watched, and the line that says what happens now."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.comparison import title_of
from core.analysis.watching import TrainingSnapshot
from core.experiments.records import RunRecord
from core.jobs.records import progress_text, waiting_text
from core.text import count_text, escape_markdown, percent_text
from core.ui.frame import reads
from core.ui.widgets.strategy_marks import GAP, MARK_WIDTH, mark_svg

# Seven of them stand side by side in 1280 pixels.
NUMBER_WIDTH = 144
# A title of two lines, the number and its difference: kept free until they are there.
NUMBER_HEIGHT = 120
STATE_WORDS = {
    "queued": "waiting",
    "running": "starting",
    "finished": "before its first epoch",
    "failed": "failed",
    "cancelled": "cancelled",
    "interrupted": "interrupted",
}


def show_status(runs: Sequence[RunRecord]) -> None:
    """What happens now, in one line and a bar, always of the same height."""
    over = sum(not run.is_active for run in runs)
    done = f"{over} of {count_text(len(runs), 'run')} done"
    running = next((run for run in runs if run.state == "running"), None)
    if running is not None:
        st.progress(
            running.progress.fraction if running.progress else 0.0,
            text=f"{done} · **{escape_markdown(title_of(running.strategy))}**: "
            f"{escape_markdown(progress_text(running.progress))}",
        )
        return
    waiting = next((run for run in runs if run.state == "queued"), None)
    if waiting is not None:
        where = waiting_text(reads.store().queue_place(waiting.id)).lower()
        st.progress(over / len(runs), text=f"{done} · waiting: {where}")


def show_failures(runs: Sequence[RunRecord]) -> None:
    """The runs that ended before their time, with the reason."""
    for run in runs:
        if run.can_retry:
            st.caption(
                f":material/error: {escape_markdown(title_of(run.strategy))}, seed {run.seed}: "
                f"{run.state}. {escape_markdown(run.error or '')}"
            )


def show_numbers(snapshots: Sequence[TrainingSnapshot], majority: float | None) -> None:
    """Each strategy's accuracy now, and how far it is from the majority line."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for snapshot in snapshots:
            delta, is_change = _delta(snapshot, majority)
            with st.container(
                width=NUMBER_WIDTH,
                height=NUMBER_HEIGHT,
                border=False,
                gap=None,
                vertical_alignment="bottom",
            ):
                # Not the label of the number: that is cut where it should go on below.
                _show_name(snapshot)
                st.metric(
                    snapshot.title,
                    percent_text(snapshot.accuracy),
                    delta,
                    delta_color="normal" if is_change else "off",
                    delta_arrow="auto" if is_change else "off",
                    label_visibility="collapsed",
                )


def _show_name(snapshot: TrainingSnapshot) -> None:
    """Mark and title, small enough that the longest title takes two lines."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.image(mark_svg(snapshot.strategy), width=MARK_WIDTH, alt="")
        st.markdown(
            f":small[{escape_markdown(snapshot.title)}]", width=NUMBER_WIDTH - MARK_WIDTH - GAP
        )


def _delta(snapshot: TrainingSnapshot, majority: float | None) -> tuple[str, bool]:
    """The small line under a number, and whether it is a difference. It is never empty, so that
    nothing below moves when the number comes."""
    if snapshot.accuracy is None:
        return STATE_WORDS[snapshot.state], False
    if majority is None:
        return f"epoch {snapshot.epoch} of {snapshot.epochs}", False
    points = 100 * (snapshot.accuracy - majority)
    return (f"{points:+.1f} points", True) if abs(points) >= 0.05 else ("at the line", False)


def where(snapshot: TrainingSnapshot) -> str:
    if snapshot.epoch is None:
        return STATE_WORDS[snapshot.state]
    stage = "" if snapshot.stage == "main" else "new head alone, "
    return f"{stage}epoch {snapshot.epoch} of {snapshot.epochs}"

"""How it is measured: the clocks. What each one counts, on the time line of one real run."""

import streamlit as st

from core.analysis.comparison import title_of
from core.analysis.measured import time_line
from core.charts.measured import time_line_chart
from core.experiments.records import RunRecord, finished_runs
from core.text import UNKNOWN, seconds_text
from core.training.events import RunResult
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.measured.document import Values, show_text
from core.ui.widgets.exhibit import show_exhibit

CLOCKS = (
    "first_epoch_seconds",
    "steady_epoch_seconds",
    "validation_seconds",
    "feature_seconds",
    "total_seconds",
)


def show_clocks(subject: Subject | None) -> None:
    show_text("clocks", _Clocks(subject))


class _Clocks:
    """The figures of the section; all show the run that was chosen."""

    def __init__(self, subject: Subject | None) -> None:
        self.subject = subject
        self.chosen: tuple[RunRecord, RunResult] | None = None

    def run(self) -> Values:
        self.chosen = _choose_run(self.subject) if self.subject else None
        if self.chosen is None:
            return dict.fromkeys(CLOCKS, UNKNOWN)
        run, result = self.chosen
        # Each time is kept on one line in a narrow column.
        values: dict[str, object] = {
            clock: seconds_text(getattr(result, clock)).replace(" ", "\N{NO-BREAK SPACE}")
            for clock in CLOCKS
        }
        if result.feature_cache is not None:
            cache = "hit" if result.feature_cache == "hit" else "miss"
            values[cache] = seconds_text(result.feature_seconds)
        return values | {"title": title_of(run.strategy), "seed": run.seed}

    def time_line(self) -> None:
        if self.chosen is not None:
            run, result = self.chosen
            segments = time_line(result, reads.store().epochs(run.id))
            show_exhibit(time_line_chart(title_of(run.strategy), segments), f"timeline.{run.id}")

    def link(self) -> None:
        if self.subject:
            link_to("compare", "Times of all strategies", experiment=self.subject.id, view="time")


def _choose_run(subject: Subject) -> tuple[RunRecord, RunResult] | None:
    """The first seed of the strategy that the address names; None where nothing has finished."""
    with_epochs = {(curve.strategy, curve.seed) for curve in reads.curves(subject.id)}
    runs: dict[str, tuple[RunRecord, RunResult]] = {}
    for run, result in finished_runs(subject.runs):
        if (run.strategy, run.seed) in with_epochs:
            runs.setdefault(run.strategy, (run, result))
    if not runs:
        st.info("No run with epochs has finished in this experiment, so there is no example.")
        return None
    with_features = [name for name, (_, result) in runs.items() if result.feature_cache]
    chosen = choose_in_list(
        Choice(
            "strategy",
            "Strategy",
            "strategy",
            {name: title_of(name) for name in runs},
            (with_features or list(runs))[0],
            help="The time line shows one real run, that of its first seed.",
        )
    )
    return runs[chosen]

"""How it is measured: the clocks. What each one counts, on the time line of one real run."""

import pandas as pd
import streamlit as st

from core.analysis.comparison import title_of
from core.analysis.time_breakdown import time_line
from core.charts.measured import time_line_chart
from core.experiments.records import RunRecord, finished_runs
from core.text import escape_markdown, seconds_text
from core.training.events import RunResult
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import show_exhibit

# Field of the result, name, what is inside, what is not.
CLOCKS = (
    (
        "first_epoch_seconds",
        "first epoch",
        "Training of the first epoch; the program is put together in it, so it is slower.",
        "Validation",
    ),
    (
        "steady_epoch_seconds",
        "steady epoch",
        "The median of all later epochs: what one more epoch costs.",
        "Validation, records, keeping the best weights",
    ),
    (
        "validation_seconds",
        "validation",
        "Scoring the validation images after one epoch (median).",
        "Training",
    ),
    (
        "feature_seconds",
        "features",
        "Sending every image through the frozen backbone once: what it cost when it was done.",
        "Training of the head",
    ),
    (
        "total_seconds",
        "total",
        "The whole run, from starting the libraries to the last score.",
        "Reducing the pictures, which all runs share; features that were in the cache",
    ),
)


def show_clocks(subject: Subject | None) -> None:
    st.markdown(
        "“An epoch takes a second” can be true and still mislead. So every run keeps five clocks, "
        "and the page never shows an epoch on ready-made features without what the features cost. "
        "Each run has the machine to itself, and the clock stops only when the device has really "
        "finished."
    )
    chosen = _choose_run(subject) if subject else None
    result = None
    if chosen is not None:
        run, result = chosen
        _show_time_line(run, result)
    st.subheader("The five clocks")
    st.table(
        pd.DataFrame(
            [_line(result, clock) for clock in CLOCKS],
        ).set_index("clock")
    )
    if result is not None and result.feature_cache:
        st.caption(escape_markdown(_cache_words(result)))
    if subject:
        link_to("compare", "Times of all strategies", experiment=subject.id, view="time")


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


def _show_time_line(run: RunRecord, result: RunResult) -> None:
    title = title_of(run.strategy)
    st.subheader(f"One run in time: {escape_markdown(title)}, seed {run.seed}")
    segments = time_line(result, reads.store().epochs(run.id))
    show_exhibit(time_line_chart(title, segments), f"timeline.{run.id}")
    st.caption(
        "Starting up and scoring are kept as one number; they stand at the end of the bar here."
    )


def _line(result: RunResult | None, clock: tuple[str, str, str, str]) -> dict[str, str]:
    field, name, inside, outside = clock
    line = {"clock": name}
    if result is not None:
        # Kept on one line in a narrow column.
        line["this run"] = seconds_text(getattr(result, field)).replace(" ", "\N{NO-BREAK SPACE}")
    return line | {"counts": inside, "leaves out": outside}


def _cache_words(result: RunResult) -> str:
    seconds = seconds_text(result.feature_seconds)
    if result.feature_cache == "hit":
        return (
            f"The features were in the cache (hit): this run did not spend these {seconds} again. "
            "Where whole runs are compared they are added, so that being second is no advantage."
        )
    return f"The features were not in the cache (miss): this run spent these {seconds} itself."

"""How it is measured: the clocks on the time line of one real run; device and versions."""

import pandas as pd
import streamlit as st

from core.analysis.comparison import title_of
from core.analysis.measured import time_line
from core.analysis.repeats import recorded_repeats
from core.charts.measured import time_line_chart
from core.conditions import Conditions
from core.experiments.records import RunRecord, finished_runs
from core.text import UNKNOWN, escape_markdown, percent_text, seconds_text
from core.training.events import RunConditions, RunResult
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.measured.document import Text, show_pairs
from core.ui.widgets.exhibit import show_exhibit
from core.ui.widgets.glossary import explain_all
from core.ui.widgets.results import recorded_text

CLOCKS = (
    "first_epoch_seconds",
    "steady_epoch_seconds",
    "validation_seconds",
    "feature_seconds",
    "total_seconds",
)


NOT_RECORDED = "not recorded"


def show_clocks(subject: Subject | None) -> None:
    text = Text("clocks", **dict.fromkeys(CLOCKS, UNKNOWN))
    if subject is None:
        text.rest()
        return
    text.until("run")
    chosen = _choose_run(subject)
    if chosen is not None:
        run, result = chosen
        clocks = {
            clock: seconds_text(getattr(result, clock), clock in result.disturbed)
            for clock in CLOCKS
        }
        extraction = clocks["feature_seconds"]
        text.until(
            "time_line",
            **clocks,
            title=title_of(run.strategy),
            seed=run.seed,
            hit=result.feature_cache == "hit" and extraction,
            miss=result.feature_cache == "miss" and extraction,
            part=result.feature_cache == "part" and extraction,
            saved=seconds_text(result.extraction_saved_seconds),
        )
        segments = time_line(result, reads.store().epochs(run.id))
        show_exhibit(time_line_chart(title_of(run.strategy), segments), f"timeline.{run.id}")
        text.until("conditions")
        _show_conditions(result)
    text.until("repeats")
    _show_repeats()
    text.until("link")
    link_to("compare", "Times of all strategies", experiment=subject.id, view="time")


def _show_conditions(result: RunResult) -> None:
    """What the machine did during each time of a run."""
    found = result.conditions or RunConditions()
    times = {
        "first epoch": (result.first_epoch_seconds, found.first_epoch),
        "steady epochs": (result.steady_epoch_seconds, found.steady_epochs),
        "features": (result.feature_seconds, found.features),
        "whole run": (result.total_seconds, found.whole_run),
    }
    rows = [
        (title, *_condition_texts(each))
        for title, (seconds, each) in times.items()
        if seconds is not None
    ]
    columns = ["this run", "its processor seconds", "those of others", "others used", "load"]
    st.table(pd.DataFrame(rows, columns=columns).set_index("this run"))


def _condition_texts(found: Conditions | None) -> tuple[str, str, str, str]:
    own = others = load = average = NOT_RECORDED
    if found is not None:
        own = seconds_text(found.own_processor_seconds)
        if found.other_load is not None:
            others = seconds_text(found.other_processor_seconds, found.is_disturbed)
            load = percent_text(found.other_load)
        if found.load is not None:
            average = f"{found.load:.2f}"
    return own, others, load, average


def _show_repeats() -> None:
    """How far quiet runs of the same thing agree; nothing where nobody has measured it."""
    found = recorded_repeats()
    if found is None:
        return
    agreed = {
        title_of(name): f"{percent_text(each.largest_difference)} at most, "
        f"{percent_text(each.median_difference)} in the middle, of any two of {each.undisturbed}"
        for name, each in found.strategies.items()
        if each.largest_difference is not None
    }
    st.markdown(
        f"The same steady epochs measured again and again, each time in a new process, on a quiet "
        f"machine ({escape_markdown(found.device)}, {found.date}), differed by:"
    )
    show_pairs(agreed, "strategy", "difference of the steady epoch")


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


def show_device(subject: Subject | None) -> None:
    if subject is None:
        Text("device").rest()
        return
    comparison = subject.comparison
    text = Text("device", experiment=subject.id)
    text.until("facts")
    facts = {
        "made": recorded_text(comparison) or "on this machine",
        "device": comparison.device or "not known yet",
        "number format": comparison.precision,
        "backend": comparison.backend or "not known yet",
        "experiment": comparison.experiment,
        "dataset": f"{comparison.dataset} ({comparison.dataset_id[:12]})",
        "seeds": ", ".join(str(seed) for seed in comparison.seeds),
    }
    show_pairs(facts, "fact", "value")
    st.markdown(explain_all("number format"))
    text.until("versions")
    if comparison.versions:
        show_pairs(comparison.versions, "library", "version")
    text.rest(no_versions=not comparison.versions)

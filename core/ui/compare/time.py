"""Compare, Time: where it went, what it bought, how soon, and what a network costs afterwards."""

import streamlit as st

from core.analysis.scores import score_table
from core.analysis.time_breakdown import TimeBreakdown
from core.analysis.words.deployment import describe_conditions, describe_unmeasured
from core.charts.accuracy import accuracy_scores
from core.charts.deployment import deployment_chart
from core.charts.time import (
    accuracy_time_chart,
    costs_frame,
    costs_words,
    disturbed_runs,
    epoch_time_chart,
    time_breakdown_chart,
    time_summary,
    whole_run_seconds,
)
from core.text import count_text, escape_markdown, seconds_text
from core.ui.compare.disturbed import show_disturbed
from core.ui.compare.overview import choose_metric
from core.ui.frame.evidence_reads import Subject, breakdown_of, computed, drawn
from core.ui.widgets.exhibit import evidence_or_words, show_exhibit, show_table

TIME_HELP = (
    "The median run of each strategy, from start to score. Extraction is counted also where the "
    "features were in the cache already. Loading the libraries, about 6 s that the runs of an "
    "experiment share, is not; results recorded before December 2026 include it. All times were "
    "measured; nothing is estimated."
)
COST_HELP = (
    "Seconds until the accuracy on the validation images first reached each mark: extraction, "
    "training and validation up to that epoch, without starting up and scoring. “never”: no epoch "
    "reached it."
)
PARETO_HELP = (
    "Filled markers are on the front: nothing else is both better and faster. Open ones are beaten "
    "in both. Whole time of one run, extraction always counted."
)

DEPLOYMENT_HELP = (
    "The trained network by itself: a fresh process loads the file that an export hands out, on "
    "the processor, and predicts one image at a time. The marker is the median after warm-up, the "
    "whisker the middle half. Beside the name: the size of the file."
)
EPOCH_HELP = (
    "Median training time of the epochs after the first, validation left out. Strategies on cached "
    "features train in no time, but the features had to be extracted once: the diamond."
)


def show_time(subject: Subject) -> None:
    breakdown = breakdown_of(subject)
    if not breakdown.rows:
        st.info(
            "No run of this experiment has finished yet, so no time was spent.",
            icon=":material/hourglass_empty:",
        )
        return
    drawn(subject, _draw_spent)
    st.header("What the time bought", help=PARETO_HELP)
    evidence = evidence_or_words(subject)
    drawn(subject, _draw_bought, None if evidence is None else choose_metric(evidence))
    drawn(subject, _draw_deployment)
    drawn(subject, _draw_epochs)
    show_disturbed(subject)


def _draw_spent(subject: Subject) -> None:
    breakdown = breakdown_of(subject)
    st.header("Where the time went", help=TIME_HELP)
    summary = time_summary(breakdown)
    if summary:
        st.markdown(escape_markdown(summary))
    _show_cache(breakdown)
    show_exhibit(time_breakdown_chart(breakdown), f"ledger.{subject.id}")
    _show_speed(breakdown)
    st.header("Cost to accuracy", help=COST_HELP)
    words = costs_words(breakdown)
    show_table(costs_frame(breakdown), f"costs.{subject.id}", words)
    with st.expander("In words", icon=":material/notes:"):
        st.markdown(escape_markdown(words))


def _draw_bought(subject: Subject, metric: str | None) -> None:
    """``metric`` is None where the answers cannot be read: then the stored accuracies are shown."""
    if metric is None:
        scores = accuracy_scores(subject.comparison)
    else:
        scores = computed(subject, score_table, metric, with_intervals=False)
    seconds = whole_run_seconds(breakdown_of(subject))
    chart = accuracy_time_chart(scores, seconds, disturbed=disturbed_runs(breakdown_of(subject)))
    show_exhibit(chart, f"pareto.{subject.id}")


def _draw_epochs(subject: Subject) -> None:
    if all(row.steady_epoch_seconds is None for row in subject.comparison.finished_rows):
        st.caption("Epochs appear here when the first strategy that trains has finished.")
        return
    st.header("Time of an epoch", help=EPOCH_HELP)
    exhibit = epoch_time_chart(subject.comparison)
    show_exhibit(exhibit, f"times.{subject.id}", table=False, config={})


def _draw_deployment(subject: Subject) -> None:
    rows = subject.comparison.finished_rows
    unmeasured, conditions = describe_unmeasured(rows), describe_conditions(rows)
    if not unmeasured and not conditions:
        return  # no network among them
    st.header("What it costs to deploy", help=DEPLOYMENT_HELP)
    if conditions:
        st.caption(escape_markdown(conditions))
        show_exhibit(deployment_chart(rows), f"deployment.{subject.id}")
    if unmeasured:
        st.caption(f":material/info: {escape_markdown(unmeasured)}")


def _show_cache(breakdown: TimeBreakdown) -> None:
    saved = [row for row in breakdown.rows if row.cache_hits]
    if not saved:
        st.markdown("No run found its features in the cache, so the cache saved nothing.")
        return
    total = seconds_text(sum(row.cache_saved for row in saved))
    runs = count_text(sum(row.cache_hits for row in saved), "run")
    each = "; ".join(f"{row.title} {seconds_text(row.cache_saved)}" for row in saved)
    st.markdown(
        f"The cache of features saved **{escape_markdown(total)}** in {runs} that did not have to "
        f"extract them again: {escape_markdown(each)}."
    )


def _show_speed(breakdown: TimeBreakdown) -> None:
    known = [row for row in breakdown.rows if row.images_per_second is not None]
    if not known:
        return
    speeds = "; ".join(
        f"{escape_markdown(row.title)} {row.images_per_second:,.0f} "
        f"{'feature vectors' if row.trains_on_features else 'pictures'} a second"
        for row in known
    )
    st.caption(f"Training speed: {speeds}.")

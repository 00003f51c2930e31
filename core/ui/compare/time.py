"""Compare, Time: where the time went, what it bought, how soon, what the cache saved."""

import streamlit as st

from core.analysis.time_breakdown import TimeBreakdown
from core.analysis.words.verdicts import number_word
from core.comparison.charts.ledger_charts import (
    costs_frame,
    costs_words,
    ledger_chart,
    ledger_frame,
    ledger_summary,
    ledger_words,
    pareto_chart,
    pareto_frame,
    pareto_words,
)
from core.comparison.charts.result_charts import accuracy_against_time_chart
from core.text import escape_markdown, seconds_text
from core.ui.compare.overview import choose_metric
from core.ui.frame import evidence_reads
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import evidence_or_words, show_chart, show_table
from core.ui.widgets.results import show_epoch_time, times_words

LEDGER_HELP = (
    "One whole run from start to score, of the seed in the middle. Extraction is counted also "
    "where the features were in the cache already. Clocks are those that the runs kept; nothing "
    "is estimated."
)
COST_HELP = (
    "Seconds until the accuracy on the validation images first reached each mark: extraction, "
    "training and validation up to that epoch, without starting up and scoring. “never” is a "
    "result too."
)
PARETO_HELP = (
    "Filled markers are on the front: nothing else is both better and faster. Open ones are beaten "
    "in both. Whole time of one run, extraction always counted."
)


def show_time(subject: Subject) -> None:
    breakdown = evidence_reads.breakdown(subject)
    if not breakdown.rows:
        st.info(
            "No run of this experiment has finished yet, so no time was spent.",
            icon=":material/hourglass_empty:",
        )
        return
    st.header("Where the time went", help=LEDGER_HELP)
    summary = ledger_summary(breakdown)
    if summary:
        st.markdown(escape_markdown(summary))
    _show_cache(breakdown)
    show_chart(
        ledger_chart(breakdown),
        ledger_words(breakdown),
        ledger_frame(breakdown),
        f"ledger.{subject.id}",
    )
    _show_speed(breakdown)
    st.header("Cost to accuracy", help=COST_HELP)
    words = costs_words(breakdown)
    show_table(costs_frame(breakdown), f"costs.{subject.id}", words)
    with st.expander("In words", icon=":material/notes:"):
        st.markdown(escape_markdown(words))
    st.header("What the time bought", help=PARETO_HELP)
    evidence = evidence_or_words(subject)
    if evidence is None:
        comparison = subject.comparison
        st.plotly_chart(
            accuracy_against_time_chart(comparison),
            key=f"cost.{subject.id}",
            alt=times_words(comparison),
        )
    else:
        scores = evidence_reads.scores(
            subject, choose_metric(len(subject.comparison.classes)), with_intervals=False
        )
        show_chart(
            pareto_chart(breakdown, scores),
            pareto_words(breakdown, scores),
            pareto_frame(breakdown, scores),
            f"pareto.{subject.id}",
        )
    show_epoch_time(subject.comparison)


def _show_cache(breakdown: TimeBreakdown) -> None:
    saved = [row for row in breakdown.rows if row.cache_hits]
    if not saved:
        st.markdown("No run found its features in the cache, so nothing was saved by it.")
        return
    runs = sum(row.cache_hits for row in saved)
    total = seconds_text(sum(row.cache_saved for row in saved))
    verb = "run" if runs == 1 else "runs"
    shares = [f"{row.title} {seconds_text(row.cache_saved)}" for row in saved]
    st.markdown(
        f"The cache of features saved **{escape_markdown(total)}** in {number_word(runs)} {verb} "
        f"that did not have to extract them again: {escape_markdown('; '.join(shares))}."
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

"""Compare, Overview: what was found, in words first; every seed; the ladder; the table."""

import streamlit as st

from core.analysis.evidence import ExperimentPredictions
from core.analysis.metrics import METRICS, TOP, TOP_METRIC
from core.analysis.words.summary import describe_findings
from core.charts.accuracy import accuracy_scores, ladder_chart, scores_chart
from core.text import count_text, escape_markdown, list_text
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import evidence_or_words, sentences, show_exhibit
from core.ui.widgets.glossary import explain_all
from core.ui.widgets.results import (
    INTERVAL_HELP,
    show_curves,
    show_downloads,
    show_facts,
    show_results_table,
    show_seeds,
)

LADDER_HELP = (
    "From always predicting the commonest class, at the bottom of the ladder, to the best "
    "strategy, in order of accuracy. Each bar is what a step adds to the one before; the whisker "
    "is the 95 % interval of that step over images and seeds. A whisker that reaches back over the "
    "start of its bar is a step that may be luck."
)
OTHER_INTERVAL_HELP = (
    "The bar is the 95 % interval over test images like these, from drawing the images anew many "
    "times. Small open markers are the single seeds."
)


def show_overview(subject: Subject) -> None:
    comparison = subject.comparison
    evidence = evidence_or_words(subject) if comparison.finished_rows else None
    if evidence is not None:
        _show_findings(evidence)
    show_facts(comparison)
    if comparison.is_active:
        st.info("This experiment is still at work; its rows appear as they finish.")
        link_to("benchmark", "Watch it", experiment=subject.id)
    if not comparison.finished_rows:
        st.warning("No run of this experiment has finished, so there is nothing to show yet.")
        show_seeds(comparison)
        return
    if evidence is not None:
        _show_scores(subject)
        _show_ladder(subject)
    else:
        st.header("Test accuracy", help=INTERVAL_HELP)
        show_exhibit(scores_chart(accuracy_scores(comparison)), f"accuracy.{subject.id}")
    st.header("All results", help=explain_all("epoch", "features", "confidence interval"))
    show_results_table(comparison, key=subject.id)
    show_downloads(comparison)
    for name, reason in comparison.unavailable.items():
        st.caption(
            f":material/lock: {escape_markdown(name)} was left out: {escape_markdown(reason)}"
        )
    curves = reads.curves(subject.id)
    if curves:
        show_curves(curves, key=subject.id)
    show_seeds(comparison)


def choose_metric(classes: int) -> str:
    """The measure that every chart shows; the address keeps it.

    Not offered: whether the label is among the first three of three ``classes`` or fewer.
    """
    metric = choose_in_row(
        Choice(
            name="metric",
            label="Metric",
            kind="metric",
            options={
                name: kind.title
                for name, kind in METRICS.items()
                if name != TOP_METRIC or classes > TOP
            },
            default="accuracy",
            help="\n\n".join(f"**{kind.title}**: {kind.help}" for kind in METRICS.values()),
        )
    )
    kind = METRICS[metric]
    st.caption(f"{escape_markdown(kind.help)} {kind.better.capitalize()} is better.")
    return metric


def _show_findings(evidence: ExperimentPredictions) -> None:
    """Who leads, who cannot be told apart, and what so many images can show at all."""
    st.header("What was found", help=explain_all("strategy", "baseline", "majority class", "seed"))
    sentences(describe_findings(evidence))


def _show_scores(subject: Subject) -> None:
    metric = choose_metric(len(subject.comparison.classes))
    scores = evidence_reads.scores(subject, metric)
    kind = METRICS[metric]
    st.header(
        escape_markdown(kind.title[0].upper() + kind.title[1:]),
        help=INTERVAL_HELP if kind.is_fraction else OTHER_INTERVAL_HELP,
    )
    seeds = sorted({len(score.seeds) for score in scores})
    if seeds == [1]:
        st.caption("One seed.")
    else:
        counts = list_text([count_text(count, "seed") for count in seeds], last="or")
        st.caption(f"{counts}, each a small open marker below its mean.")
    show_exhibit(scores_chart(scores), f"{metric}.{subject.id}")


def _show_ladder(subject: Subject) -> None:
    steps = evidence_reads.steps(subject)
    st.header("The ladder, step by step", help=LADDER_HELP)
    show_exhibit(ladder_chart(steps), f"ladder.{subject.id}")
    taught = [
        f"**{escape_markdown(step.title)}**: {escape_markdown(step.teaches)}"
        for step in steps
        if step.teaches
    ]
    with st.expander("What each step teaches", icon=":material/school:", expanded=True):
        st.markdown("\n".join(f"- {line}" for line in taught))

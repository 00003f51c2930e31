"""Compare, Overview: what was found, in words first; every seed; the ladder; the table."""

import streamlit as st

from core.charts.accuracy import accuracy_scores, ladder_chart, scores_chart
from core.comparison.evidence import ExperimentPredictions
from core.comparison.score_kinds import SCORES, TOP, TOP_SCORE
from core.ui import evidence_reads, reads
from core.ui.compare_address import Choice, choose_in_row
from core.ui.evidence_frame import evidence_or_words, sentences, show_exhibit
from core.ui.evidence_reads import Subject
from core.ui.frame import link_to
from core.ui.glossary import explain_all
from core.ui.results import (
    INTERVAL_HELP,
    show_curves,
    show_downloads,
    show_facts,
    show_results_table,
    show_seeds,
)
from core.text import escape_markdown, count_text

LADDER_HELP = (
    "From always saying the commonest class at the bottom of the ladder to the best strategy, in "
    "the order of their accuracy. Each bar is what a step adds to the one before; the whisker is "
    "the 95 % interval of that step over images and seeds. A whisker that reaches back over the "
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
        _show_findings(subject, evidence)
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
            label="Measure",
            kind="measure",
            options={
                name: kind.title
                for name, kind in SCORES.items()
                if name != TOP_SCORE or classes > TOP
            },
            default="accuracy",
            help="\n\n".join(f"**{kind.title}**: {kind.help}" for kind in SCORES.values()),
        )
    )
    kind = SCORES[metric]
    st.caption(f"{escape_markdown(kind.help)} {kind.better.capitalize()} is better.")
    return metric


def _show_findings(subject: Subject, evidence: ExperimentPredictions) -> None:
    """Who leads, who cannot be told apart, and what so many images can show at all."""
    best = max(evidence.answers, key=lambda answers: answers.accuracy)
    gain = 100 * (best.accuracy - evidence.majority_accuracy)
    found = [
        f"{best.title} named most test images right: {100 * best.accuracy:.1f} %, "
        f"{abs(gain):.1f} points {'over' if gain >= 0 else 'under'} always saying "
        f"“{evidence.majority_name}”."
    ]
    found += [group.words for group in evidence_reads.tie_groups(subject)]
    if len(evidence.answers) > 1 and not evidence_reads.tie_groups(subject):
        found.append("All neighbours in the ranking can be told apart.")
    found.append(evidence_reads.power(subject))
    single = [answers for answers in evidence.answers if len(answers.seeds) == 1]
    if single and len(single) == len(evidence.answers):
        found.append(
            "One seed each: how much of a difference comes from the luck of training is not known."
        )
    elif single:
        found.append(
            f"One seed: {'; '.join(answers.title for answers in single)}. How much of these comes "
            "from the luck of training is not known."
        )
    st.header("What was found", help=explain_all("strategy", "baseline", "majority class", "seed"))
    sentences(found)


def _show_scores(subject: Subject) -> None:
    metric = choose_metric(len(subject.comparison.classes))
    scores = evidence_reads.scores(subject, metric)
    kind = SCORES[metric]
    st.header(
        escape_markdown(kind.title[0].upper() + kind.title[1:]),
        help=INTERVAL_HELP if kind.is_share else OTHER_INTERVAL_HELP,
    )
    seeds = sorted({len(score.seeds) for score in scores})
    if seeds == [1]:
        st.caption("One seed.")
    else:
        counts = " or ".join(count_text(count, "seed") for count in seeds)
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

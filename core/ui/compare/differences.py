"""Compare, Differences: are two strategies really different; all pairs; classes; confidence."""

import streamlit as st

from core.analysis.families import key_pairs
from core.analysis.scores import reliability
from core.analysis.verdicts import against_majority, all_pairs, pair_verdict, ties
from core.analysis.words.families import describe_key_pairs, key_sections
from core.analysis.words.verdicts import (
    TIED,
    describe_majority,
    describe_pair,
    describe_power,
    describe_ties,
    holm_words,
    p_text,
    points_text,
)
from core.charts.classes import reliability_chart, reliability_frame
from core.charts.differences import differences_chart
from core.charts.matrices import PAIR_CELL, pairs_chart
from core.text import UNKNOWN, count_text, escape_markdown
from core.ui.compare.classes import show_table_of_classes
from core.ui.frame import evidence_reads
from core.ui.frame.address import remember
from core.ui.frame.evidence_reads import Subject, computed, drawn
from core.ui.widgets.exhibit import (
    choose_headline_pair,
    evidence_or_words,
    matrix_place,
    sentences,
    show_exhibit,
    show_table,
)

FIRST_HELP = (
    "At first the best strategy that was trained from scratch stands beside the pre-trained one "
    "that the story is about: the linear probe, unless another is really better."
)
KEY_HELP = (
    "How many points of test accuracy the second of two strategies is ahead of the first, with the "
    "95 % interval over test images and seeds. A filled marker means that the two can be told "
    "apart. The pairs were chosen by what the strategies are, not by how well they did."
)
PAIRS_HELP = (
    "Each cell says how many points the strategy of its row is ahead of that of its column. An "
    "arrow means that the difference is real (p under 5 % after Holm's correction for the number "
    f"of pairs); ≈ means that the two {TIED} on these test images."
)
RELIABILITY_HELP = (
    "Predictions are sorted by their confidence. On the dotted line confidence is exact: of the "
    "predictions made with 80 % confidence, 80 % are correct."
)
MAJORITY_HELP = (
    "Each strategy is asked this one question of its own, so its p value is not corrected for the "
    "number of strategies."
)


def show_differences(subject: Subject) -> None:
    evidence = evidence_or_words(subject)
    if evidence is None:
        return
    drawn(subject.with_all, _draw_key_pairs)
    st.header("Two strategies side by side")
    pair = choose_headline_pair(subject, FIRST_HELP)
    if pair is not None:
        remember(first=pair[0], second=pair[1])
        drawn(subject, _draw_pair, *pair)
        with st.container(horizontal=True):
            st.button(
                "See the pictures that differ",
                icon=":material/imagesmode:",
                on_click=remember,
                kwargs={"view": "pictures", "show": "flips", "image": None, "page": None},
            )
            st.button(
                "Curves of one class",
                icon=":material/timeline:",
                on_click=remember,
                kwargs={"view": "classes", "drawn": None},
            )
        show_table_of_classes(subject, pair)
        drawn(subject, _draw_reliability, *pair)
    if len(evidence.answers) > 1:
        drawn(subject, _draw_all_pairs)
    drawn(subject, _draw_against_majority)


def _draw_key_pairs(subject: Subject) -> None:
    """Of the whole experiment, whatever is shown; nothing where one pair says it all."""
    pairs = key_pairs(evidence_reads.evidence(subject))
    if len(pairs) < 2:
        return
    st.header("The pairs that matter", help=KEY_HELP)
    sentences(describe_key_pairs(pairs))
    show_exhibit(differences_chart(key_sections(pairs)), f"key.{subject.id}")


def _draw_against_majority(subject: Subject) -> None:
    st.header("Against always predicting the commonest class", help=MAJORITY_HELP)
    answers = evidence_reads.evidence(subject).answers
    verdicts = [computed(subject, against_majority, one.strategy) for one in answers]
    sentences(map(describe_majority, verdicts))


def _draw_pair(subject: Subject, first: str, second: str) -> None:
    verdict = computed(subject, pair_verdict, first, second)
    st.header(
        f"{escape_markdown(verdict.second_title)} against {escape_markdown(verdict.first_title)}",
        divider="gray",
    )
    st.markdown(f"**{escape_markdown(describe_pair(verdict))}**")
    interval = UNKNOWN
    if verdict.low is not None and verdict.high is not None:
        interval = f"{points_text(verdict.low)} to {points_text(verdict.high)} points"
    numbers = [
        (
            "Difference",
            f"{100 * verdict.difference:+.1f} points",
            "Test accuracy of the second minus that of the first.",
        ),
        ("95 % interval", interval, "Over test images and seeds like these (bootstrap)."),
        (
            "p after Holm",
            p_text(verdict.adjusted_p_value).removeprefix("p ").removeprefix("= "),
            "How likely luck alone gives a difference this large, corrected for "
            f"{count_text(verdict.pairs, 'pair')}: all those of the strategies shown. Exact paired "
            "test on the shared test images.",
        ),
        (
            "Fixed",
            f"{verdict.fixed:,.1f} images",
            "The first is wrong and the second is correct; mean over the seeds.",
        ),
        (
            "Regressed",
            f"{verdict.regressed:,.1f} images",
            "The first is correct and the second is wrong; mean over the seeds.",
        ),
    ]
    with st.container(horizontal=True, gap="medium"):
        for label, value, explained in numbers:
            with st.container(width="content"):
                st.markdown(f"{label}  \n**{escape_markdown(value)}**", help=explained)


def _draw_reliability(subject: Subject, first: str, second: str) -> None:
    evidence = evidence_reads.evidence(subject)
    st.header("Can confidence be trusted?", help=RELIABILITY_HELP)
    bins = {name: reliability(evidence, name) for name in (first, second)}
    exhibit = reliability_chart(bins)
    show_exhibit(exhibit, f"reliability.{evidence.experiment_id}", table=False)
    with st.expander("The numbers", icon=":material/table:"):
        st.markdown(escape_markdown(exhibit.words))
        for name, entries in bins.items():
            title = evidence.of(name).title
            st.markdown(f"**{escape_markdown(title)}**")
            alt = f"Confidence of the predictions of {title}, and the fraction that are correct."
            key = f"reliability.{name}.{evidence.experiment_id}"
            show_table(reliability_frame(entries), key, alt)


def _draw_all_pairs(subject: Subject) -> None:
    pairs = computed(subject, all_pairs)
    st.header("All pairs", help=PAIRS_HELP)
    groups = computed(subject, ties)
    sentences([*map(describe_ties, groups), computed(subject, describe_power)])
    strategies = {name for pair in pairs for name in (pair.first, pair.second)}
    shown = f"all those of the {count_text(len(strategies), 'strategy')} shown"
    st.caption(holm_words(len(pairs), shown))
    place = matrix_place(len(strategies), PAIR_CELL)
    show_exhibit(pairs_chart(pairs), f"pairs.{subject.id}", place=place)

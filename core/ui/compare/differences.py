"""Compare, Differences: are two strategies really different; all pairs; classes; confidence."""

import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.evidence import ExperimentPredictions
from core.analysis.scores import per_class_table, reliability
from core.analysis.verdicts import PairVerdict
from core.analysis.words.verdicts import (
    TIED,
    describe_majority,
    describe_pair,
    describe_ties,
    p_text,
    points_text,
)
from core.charts.classes import (
    class_frame,
    recall_chart,
    reliability_chart,
    reliability_frame,
)
from core.charts.matrices import PAIR_CELL, pairs_chart
from core.text import escape_markdown, percent_text
from core.ui.frame import evidence_reads
from core.ui.frame.address import remember
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import (
    ONE_STRATEGY,
    choose_pair,
    evidence_or_words,
    matrix_place,
    sentences,
    show_exhibit,
    show_table,
    titles_of,
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


def show_differences(subject: Subject) -> None:
    evidence = evidence_or_words(subject)
    if evidence is None:
        return
    default = headline_pair(evidence)
    if default is None:
        st.info(ONE_STRATEGY)
    else:
        pair = choose_pair(
            titles_of(evidence),
            default,
            "At first the best strategy that was trained from scratch stands beside the "
            "pre-trained one that the story is about: the linear probe, unless another is really "
            "better.",
        )
        if pair is not None:
            remember(first=pair[0], second=pair[1])
            _show_pair(evidence_reads.pair(subject, *pair))
            _show_classes(evidence, pair, subject.id)
            _show_reliability(evidence, pair, subject.id)
        _show_all_pairs(subject)
    _show_against_majority(subject)


def _show_pair(verdict: PairVerdict) -> None:
    st.header(
        f"{escape_markdown(verdict.second_title)} against {escape_markdown(verdict.first_title)}",
        divider="gray",
    )
    st.markdown(f"**{escape_markdown(describe_pair(verdict))}**")
    interval = (
        "—"
        if verdict.low is None or verdict.high is None
        else f"{points_text(verdict.low)} to {points_text(verdict.high)} points"
    )
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
            "How likely luck alone gives a difference this large, corrected for the number of "
            "pairs. Exact paired test on the shared test images.",
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
    st.button(
        "See the pictures that differ",
        icon=":material/imagesmode:",
        on_click=remember,
        kwargs={"view": "pictures", "show": "flips", "image": None, "page": None},
    )


def _show_classes(evidence: ExperimentPredictions, pair: tuple[str, str], key: str) -> None:
    st.header(
        "Class by class",
        help="Recall: the fraction of each class's test images that are predicted correctly. The "
        "hardest class for the first strategy is on top. Whiskers are 95 % intervals: with few "
        "images of a class they are wide.",
    )
    tables = {name: per_class_table(evidence, name) for name in pair}
    exhibit = recall_chart(tables)
    show_exhibit(exhibit, f"classes.{key}", table=False)
    with st.expander("The numbers", icon=":material/table:"):
        st.markdown(escape_markdown(exhibit.words))
        for name, table in tables.items():
            title = evidence.of(name).title
            st.markdown(f"**{escape_markdown(title)}**")
            show_table(
                class_frame(table),
                f"classes.{name}.{key}",
                f"Precision, recall and F1 of {title} for each class.",
            )
        always = per_class_table(evidence, None)[evidence.majority_label]
        st.caption(
            f"Always predicting {escape_markdown(evidence.majority_name)} has a recall of "
            f"{percent_text(always.recall)} and a precision of {percent_text(always.precision)} "
            "for that class, and 0 % for all others."
        )


def _show_reliability(evidence: ExperimentPredictions, pair: tuple[str, str], key: str) -> None:
    st.header("Can confidence be trusted?", help=RELIABILITY_HELP)
    bins = {name: reliability(evidence, name) for name in pair}
    show_exhibit(reliability_chart(bins), f"reliability.{key}", table=False)
    with st.expander("The numbers", icon=":material/table:"):
        for name, entries in bins.items():
            title = evidence.of(name).title
            st.markdown(f"**{escape_markdown(title)}**")
            show_table(
                reliability_frame(entries),
                f"reliability.{name}.{key}",
                f"Confidence of the predictions of {title}, and the fraction that are correct.",
            )


def _show_all_pairs(subject: Subject) -> None:
    pairs = evidence_reads.pairs(subject)
    st.header("All pairs", help=PAIRS_HELP)
    groups = evidence_reads.tie_groups(subject)
    sentences([*map(describe_ties, groups), evidence_reads.power(subject)])
    strategies = {name for pair in pairs for name in (pair.first, pair.second)}
    place = matrix_place(len(strategies), PAIR_CELL)
    show_exhibit(pairs_chart(pairs), f"pairs.{subject.id}", place=place)


def _show_against_majority(subject: Subject) -> None:
    st.header(
        "Against always predicting the commonest class",
        help="Each strategy is asked this one question of its own, so its p value is not corrected "
        "for the number of strategies.",
    )
    sentences([describe_majority(verdict) for verdict in evidence_reads.majority_verdicts(subject)])

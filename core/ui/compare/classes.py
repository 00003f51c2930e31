"""Compare, Classes: every class by itself, one against the rest, and a threshold between two."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.choice import headline_pair
from core.analysis.comparison import title_of
from core.analysis.evidence import ExperimentPredictions
from core.analysis.ranking import area, area_test, can_rank, class_curves
from core.analysis.scores import ClassScore, per_class_table
from core.analysis.words.ranking import (
    NOTHING_TO_FIND,
    against_words,
    describe_area_pair,
    describe_majority_class,
)
from core.charts.classes import CLASS_METRICS, charted_classes, class_chart, class_frame
from core.charts.exhibit import Exhibit
from core.charts.ranking import precision_recall_chart, roc_chart
from core.text import escape_markdown, shorten
from core.ui.compare.threshold import show_threshold
from core.ui.frame import evidence_reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row, remember
from core.ui.frame.evidence_reads import Subject, computed, drawn
from core.ui.widgets.exhibit import evidence_or_words, show_exhibit, show_table, titles_of
from core.ui.widgets.glossary import explain, explain_all

MOST_DRAWN = 6
CLASSES_HELP = (
    "Each class against all others, on the test images. The hardest class for the first strategy "
    "is on top. Whiskers are 95 % intervals: with few images of a class they are wide. Average "
    "precision and F1 have none."
)
CURVES_HELP = (
    "A strategy gives every image a probability for the chosen class. Whoever calls more images "
    "the class finds more of it, and raises more false alarms: the curves show what is to be had. "
    "Markers are what the strategy itself predicts. A curve up to the upper left corner (ROC) or "
    "the upper right one (precision and recall) has no mistake."
)


def show_classes(subject: Subject) -> None:
    evidence = evidence_or_words(subject)
    if evidence is None:
        return
    names = _choose_strategies(subject, evidence)
    show_table_of_classes(subject, names)
    label = _choose_class(evidence, computed(subject, per_class_table, names[0]))
    drawn(subject, _draw_curves, label, *names)
    if can_rank(evidence) and len(evidence.classes) == 2:
        show_threshold(subject, evidence, label)


def _choose_strategies(subject: Subject, evidence: ExperimentPredictions) -> list[str]:
    """Those that the address names, in their order; without any, the pair of the differences."""
    titles = titles_of(evidence)
    usual = [st.query_params.get("first", ""), st.query_params.get("second", "")]
    if not set(usual) <= set(titles):
        usual = list(computed(subject, headline_pair) or list(titles)[:1])
    named = [name for name in st.query_params.get("drawn", "").split(",") if name]
    gone = [name for name in named if name not in titles]
    if gone:
        st.warning(
            "The link names strategies that are not here (any more): "
            f"{escape_markdown(shorten(', '.join(gone)))}. They are left out."
        )
    known = [name for name in dict.fromkeys(named) if name in titles][:MOST_DRAWN]
    if named and known != named:
        remember(drawn=",".join(known))
    key = "address.drawn"
    st.session_state[key] = known or list(dict.fromkeys(usual))
    return st.multiselect(
        "Strategies",
        list(titles),
        format_func=lambda name: titles[name],
        key=key,
        max_selections=MOST_DRAWN,
        help=explain("strategy"),
        on_change=lambda: remember(drawn=",".join(st.session_state[key])),
    )


def show_table_of_classes(subject: Subject, names: Sequence[str]) -> None:
    """One metric of every class as a chart, and all of them as tables."""
    st.header("Class by class", help=CLASSES_HELP)
    titles = {name: title[0].upper() + title[1:] for name, title in CLASS_METRICS.items()}
    meaning = explain_all("recall", "specificity", "precision", "F1", "average precision")
    meaning += "\n\n" + explain_all("ROC AUC")
    metric = choose_in_row(
        Choice("of_classes", "Metric of each class", "metric", titles, "recall", meaning)
    )
    drawn(subject, _draw_classes, metric, *names)


def _draw_classes(subject: Subject, metric: str, *names: str) -> None:
    tables = {name: computed(subject, per_class_table, name) for name in names}
    exhibit = class_chart(tables, metric)
    show_exhibit(exhibit, f"classes.{subject.id}.{metric}", table=False)
    with st.expander("The numbers", icon=":material/table:"):
        st.markdown(escape_markdown(exhibit.words))
        for name, table in tables.items():
            st.markdown(f"**{escape_markdown(title_of(name))}**")
            alt = f"Every metric of {title_of(name)} for each class."
            show_table(class_frame(table), f"classes.{name}.{subject.id}", alt)
    majority = evidence_reads.evidence(subject).majority_label
    always = computed(subject, per_class_table, None)[majority]
    st.caption(escape_markdown(describe_majority_class(always)))


def _choose_class(evidence: ExperimentPredictions, table: Sequence[ClassScore]) -> int:
    """The class that is looked for; at first the rarer of two, else the hardest."""
    two = len(evidence.classes) == 2
    st.header("One class against the rest", help=CURVES_HELP)
    hardest = charted_classes({"": table})[0]
    rarer = min(table, key=lambda entry: entry.images).label
    names = {name: name for name in evidence.classes}
    usual = evidence.classes[rarer if two else hardest]
    chosen = choose_in_list(Choice("class", "The class that is looked for", "class", names, usual))
    return evidence.classes.index(chosen)


def _draw_curves(subject: Subject, label: int, *names: str) -> None:
    evidence = evidence_reads.evidence(subject)
    curves = computed(subject, class_curves, names, label)
    if not curves:
        st.info(NOTHING_TO_FIND)
        return
    if len(names) == 2:
        _show_pair(subject, evidence, (names[0], names[1]), label)
    against = against_words(evidence, label)
    key = f"{subject.id}.{label}.{'.'.join(names)}"
    left, right = st.columns(2, gap="medium")
    _show_curve(left, "ROC curve", "ROC AUC", roc_chart(curves, against), f"roc.{key}")
    chart = precision_recall_chart(curves, against)
    _show_curve(right, "Precision and recall", "average precision", chart, f"precision.{key}")


def _show_pair(
    subject: Subject, evidence: ExperimentPredictions, pair: tuple[str, str], label: int
) -> None:
    """Whether one of two ranks the images better, in a sentence."""
    first, second = (computed(subject, area, name, label) for name in pair)
    if first is not None and second is not None:
        titles = evidence.of(pair[0]).title, evidence.of(pair[1]).title
        test = area_test(first, second)
        sentence = describe_area_pair(*titles, test, evidence.classes[label])
        st.markdown(escape_markdown(sentence))


def _show_curve(place: DeltaGenerator, title: str, term: str, exhibit: Exhibit, key: str) -> None:
    with place:
        st.subheader(title, help=explain_all(term))
        show_exhibit(exhibit, key)

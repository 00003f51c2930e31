"""Compare, Pictures: a map on which pictures lie near each other that the network sees alike."""

import streamlit as st

from core.analysis.consensus import answers_about
from core.analysis.evidence import ExperimentPredictions
from core.analysis.feature_map import (
    METHOD_TITLES,
    FeatureMap,
    Method,
    feature_map,
    read_map,
)
from core.charts.feature_map import chosen_image, left_out_sentence, map_chart
from core.datasets.dataset import Dataset
from core.text import escape_markdown
from core.ui.compare.image import show_answers, show_large
from core.ui.frame import reads
from core.ui.frame.address import (
    Choice,
    choose_in_list,
    choose_in_row,
    remember,
    wanted_number,
)
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.job_status import ready_or_words
from core.ui.widgets.exhibit import show_exhibit, show_numbers, titles_of

BY_CLASS = "class"
MAP_HELP = (
    "Every test picture is a point, and similar pictures lie near each other. Similarity comes "
    "from the features of a frozen backbone, or from the pixels where this machine keeps no "
    "features. A class whose points form one group is easy for every strategy on the same "
    "features; a class that is spread over the map is hard. Making the map takes some seconds, or "
    "a minute for many pictures."
)


def show_map(subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None) -> None:
    if dataset is None:
        return
    st.markdown(MAP_HELP)
    titles = {str(name): title for name, title in METHOD_TITLES.items()}
    method: Method = (
        "pca"
        if choose_in_row(Choice("method", "Laid out by", "method", titles, "tsne")) == "pca"
        else "tsne"
    )
    asked = f"map.{subject.id}.{method}"
    if not st.session_state.get(asked):
        st.button(
            "Make the map",
            type="primary",
            icon=":material/scatter_plot:",
            on_click=_ask,
            args=(asked,),
            help="If it was made before it is there at once.",
        )
        return
    work = ready_or_words(lambda: feature_map(reads.store(), subject.id, method), asked)
    if work is not None:
        _draw(subject, evidence, dataset, read_map(work.result))


def _ask(asked: str) -> None:
    st.session_state[asked] = True


def _draw(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset, layout: FeatureMap
) -> None:
    colours = {BY_CLASS: "Class"} | {
        name: f"Correct or wrong: {title}" for name, title in titles_of(evidence).items()
    }
    colour = choose_in_list(Choice("colour", "Coloured by", "colouring", colours, BY_CLASS))
    strategy = None if colour == BY_CLASS else colour
    exhibit = map_chart(layout, evidence, dataset.file_names, strategy)
    key = f"map.{subject.id}.{colour}"
    point = wanted_number("point", dataset.image_count)
    left, right = st.columns([3, 2] if point is not None else [1, 0.01], gap="large")
    with left:
        show_exhibit(
            exhibit,
            key,
            table=False,
            on_select=lambda: _remember_point(key),
            selection_mode="points",
            config={"displayModeBar": False, "scrollZoom": True},
        )
    if point is not None:
        with right:
            _show_point(evidence, dataset, point)
    st.markdown(escape_markdown(exhibit.words))
    left_out = left_out_sentence(evidence)
    if left_out and strategy is None:
        st.caption(left_out)
    show_numbers(exhibit, key)


def _remember_point(key: str) -> None:
    remember(point=chosen_image(st.session_state[key].selection.points))


def _show_point(evidence: ExperimentPredictions, dataset: Dataset, point: int) -> None:
    if point not in evidence.test_indices:
        st.warning(f"Picture {point:,} is not one of the test pictures, so it is not on the map.")
        return
    answers = answers_about(evidence, point)
    show_large(evidence, dataset, point, answers)
    with st.container(horizontal=True):
        st.button(
            "Open it",
            icon=":material/open_in_full:",
            on_click=remember,
            kwargs={"image": point},
        )
        st.button("Close", icon=":material/close:", on_click=remember, kwargs={"point": None})
    show_answers(evidence, point, answers)

"""Compare, Pictures: one image large, what every strategy predicts; the map of all test images."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.analysis.consensus import ImageAnswer, answers_about, answers_frame
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.feature_map import (
    METHOD_TITLES,
    FeatureMap,
    Method,
    feature_map,
    kept_features,
    read_map,
)
from core.analysis.words.images import describe_image
from core.backbones.registry import BACKBONES
from core.charts.feature_map import chosen_image, left_out_sentence, map_chart
from core.datasets.dataset import Dataset
from core.errors import BadInput, StoreError
from core.experiments.heat_maps import HeatMaps, heat_maps, read_heat_maps, why_no_heat_maps
from core.text import count_text, escape_markdown, percent_text
from core.ui.datasets.facts import IMAGES, address_of
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row, remember, wanted_number
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import (
    choose_headline_pair,
    choose_seed,
    show_exhibit,
    show_numbers,
    show_table,
    titles_of,
)
from core.ui.widgets.images import brightest_words, overlay
from core.ui.widgets.tiles import Tile, draw_tiles

MOST_NEAR = 12
LOOKED_HELP = (
    "Grad-CAM (Selvaraju et al. 2017): the places of the picture that support a class, in the last "
    "layer that keeps positions. Bright places support it; grey ones do not. It takes some seconds "
    "the first time."
)
BY_CLASS = "class"
MAP_HELP = (
    "Every test picture is a point, and similar pictures lie near each other. Similarity comes "
    "from the features of a frozen backbone, or from the pixels where this machine keeps no "
    "features. A class whose points form one group is easy for every strategy on the same "
    "features; a class that is spread over the map is hard. Making the map takes some seconds, or "
    "a minute for many pictures."
)


def show_image(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None, image: int
) -> None:
    st.button(
        "Back to all pictures",
        icon=":material/grid_view:",
        on_click=remember,
        kwargs={"image": None},
    )
    try:
        answers = answers_about(evidence, image)
    except BadInput as error:
        st.warning(escape_markdown(error))
        if dataset is not None:
            st.image(reads.large_image(dataset, image), alt=f"Picture {image}")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_large(evidence, dataset, image, answers)
    with right:
        seed = choose_seed(sorted({seed for one in evidence.answers for seed in one.seeds}))
        _show_answers(evidence, image, answers_about(evidence, image, seed))
    if dataset is not None:
        _show_looked(subject, evidence, dataset, image, seed)
        _show_near(dataset, image)


def _show_large(
    evidence: ExperimentPredictions,
    dataset: Dataset | None,
    image: int,
    answers: Sequence[ImageAnswer],
) -> None:
    """The image with its file and label; without the dataset, its number."""
    words = describe_image(evidence, image, answers)
    if dataset is None:
        st.markdown(f"Picture number {image:,}. {escape_markdown(words)}")
        return
    name = dataset.file_names[image]
    st.image(reads.large_image(dataset, image), alt=f"{name}. {words}")
    st.markdown(f"File: **{escape_markdown(name)}**  \n{escape_markdown(words)}")
    place = {"dataset": address_of(dataset), "section": IMAGES, "image": str(image)}
    link_to("datasets", "In its dataset", **place)


def _show_answers(
    evidence: ExperimentPredictions, image: int, answers: Sequence[ImageAnswer]
) -> None:
    """What every strategy predicts, one line each."""
    st.header(
        "Predicted",
        help="With several seeds: the class that most of them predict, and their mean confidence "
        "in it.",
    )
    show_table(
        answers_frame(answers),
        f"answers.{evidence.experiment_id}.{image}",
        "What every strategy predicts for this picture, with probabilities.",
    )


def _show_looked(
    subject: Subject,
    evidence: ExperimentPredictions,
    dataset: Dataset,
    image: int,
    seed: int | None,
) -> None:
    st.header("Where two strategies looked", help=LOOKED_HELP)
    pair = choose_headline_pair(subject)
    if pair is None:
        return
    if not st.toggle(
        "Show where they looked",
        key="looked",
        help="Stays on for the next pictures. The computing is done beside this page, at low "
        "priority.",
    ):
        return
    for column, name in zip(st.columns(2, gap="large"), pair, strict=True):
        with column:
            _show_one_looked(evidence.of(name), dataset, image, seed)


def _show_one_looked(
    answers: StrategyPredictions, dataset: Dataset, image: int, seed: int | None
) -> None:
    place = answers.seeds.index(seed) if seed in answers.seeds else 0
    run_id = answers.run_ids[place]
    st.markdown(f"**{escape_markdown(answers.title)}**, seed {answers.seeds[place]}")
    store = reads.store()
    reason = why_no_heat_maps(store, run_id)
    if reason is not None:
        st.info(escape_markdown(reason))
        return
    work = ready_or_words(lambda: heat_maps(store, run_id, [image]), f"{run_id}.{image}")
    if work is None:
        return
    try:
        maps = read_heat_maps(work.result)
    except StoreError as error:
        st.error(escape_markdown(error))
        return
    _show_maps(maps, dataset, image)


def _show_maps(maps: HeatMaps, dataset: Dataset, image: int) -> None:
    large = reads.large_image(dataset, image)
    predicted, label = int(maps.predicted[0]), int(maps.labels[0])
    shown = [(predicted, maps.for_predicted[0], "for its prediction")]
    if predicted != label:
        shown.append((label, maps.for_label[0], "for the label"))
    for place, heat, what in shown:
        name = dataset.classes[place]
        confidence = percent_text(float(maps.probabilities[0, place]))
        st.image(
            overlay(large, heat),
            alt=f"Where it looked {what}, {name}: {brightest_words(heat)}",
            caption=f"{what}: {escape_markdown(name)}, {escape_markdown(confidence)}",
        )
        if not heat.any():
            st.caption(f"No place of the picture supports {escape_markdown(name)}.")


def _show_near(dataset: Dataset, image: int) -> None:
    near = np.flatnonzero(dataset.groups == dataset.groups[image])
    near = near[near != image]
    if not len(near):
        st.caption("No other picture of this dataset looks the same.")
        return
    st.header("Pictures that look the same")
    more = f" The first {MOST_NEAR} are shown." if len(near) > MOST_NEAR else ""
    st.caption(f"{count_text(len(near), 'picture')}, all in one subset of the split.{more}")
    tiles = [
        Tile(int(place), (f"label {dataset.classes[dataset.labels[place]]}",))
        for place in near[:MOST_NEAR]
    ]
    draw_tiles(dataset, tiles, "near")


def show_map(subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None) -> None:
    if dataset is None:
        return
    st.markdown(MAP_HELP)
    titles = {str(name): title for name, title in METHOD_TITLES.items()}
    chosen = choose_in_row(Choice("method", "Laid out by", "method", titles, "tsne"))
    method: Method = "pca" if chosen == "pca" else "tsne"
    kept = kept_features(subject.experiment.spec)
    backbone = _choose_features(list(kept))
    asked = f"map.{subject.id}.{method}.{backbone}"
    if not st.session_state.get(asked):
        st.button(
            "Make the map",
            type="primary",
            icon=":material/scatter_plot:",
            on_click=st.session_state.update,
            args=({asked: True},),
            help="If it was made before it is there at once.",
        )
        return
    work = ready_or_words(
        lambda: feature_map(reads.store(), subject.id, method, backbone, kept), asked
    )
    if work is not None:
        _draw_map(evidence, dataset, read_map(work.result))


def _choose_features(kept: list[str]) -> str | None:
    """Whose features lay out the map; not asked where one backbone has any, and None without.
    ``kept``: those that have some."""
    if len(kept) < 2 and st.query_params.get("of", "") in ("", *kept):
        return next(iter(kept), None)
    titles = {name: BACKBONES[name].title for name in kept} or {"": "The pixels"}
    choice = Choice("of", "Features of", "backbone with features", titles, next(iter(titles)))
    return choose_in_list(choice) or None


def _draw_map(evidence: ExperimentPredictions, dataset: Dataset, layout: FeatureMap) -> None:
    colours = {BY_CLASS: "Class"} | {
        name: f"Correct or wrong: {title}" for name, title in titles_of(evidence).items()
    }
    colour = choose_in_list(Choice("colour", "Coloured by", "colouring", colours, BY_CLASS))
    strategy = None if colour == BY_CLASS else colour
    exhibit = map_chart(layout, evidence, dataset.file_names, strategy)
    key = f"map.{evidence.experiment_id}.{colour}"
    point = wanted_number("point", dataset.image_count)
    left, right = st.columns([3, 2] if point is not None else [1, 0.01], gap="large")
    with left:
        show_exhibit(
            exhibit,
            key,
            table=False,
            on_select=lambda: remember(point=chosen_image(st.session_state[key].selection.points)),
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


def _show_point(evidence: ExperimentPredictions, dataset: Dataset, point: int) -> None:
    if point not in evidence.test_indices:
        st.warning(f"Picture {point:,} is not one of the test pictures, so it is not on the map.")
        return
    answers = answers_about(evidence, point)
    _show_large(evidence, dataset, point, answers)
    with st.container(horizontal=True):
        st.button(
            "Open it", icon=":material/open_in_full:", on_click=remember, kwargs={"image": point}
        )
        st.button("Close", icon=":material/close:", on_click=remember, kwargs={"point": None})
    _show_answers(evidence, point, answers)

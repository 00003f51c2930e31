"""Compare, Pictures: one picture large, what every strategy said, and where two of them looked."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.one_image import ImageAnswer, answers_about, answers_frame
from core.analysis.words.images import describe_image
from core.datasets.dataset import Dataset
from core.errors import BadInput, StoreError
from core.experiments.heat_maps import HeatMaps, heat_maps, read_heat_maps, why_no_heat_maps
from core.text import count_text, escape_markdown, percent_text
from core.ui.datasets.facts import PICTURES, address_of
from core.ui.frame import reads
from core.ui.frame.address import remember
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import (
    choose_pair,
    choose_seed,
    show_table,
    titles_of,
)
from core.ui.widgets.heat_map_overlay import overlay
from core.ui.widgets.tiles import Tile, draw_tiles

MOST_NEAR = 12
LOOKED_HELP = (
    "Grad-CAM (Selvaraju et al. 2017): the places of the picture that support a class, in the last "
    "layer that keeps positions. Bright places support it; grey ones do not. It takes some seconds "
    "the first time."
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
    seeds = sorted({seed for answers in evidence.answers for seed in answers.seeds})
    try:
        answers: Sequence[ImageAnswer] = answers_about(evidence, image)
    except BadInput as error:
        st.warning(escape_markdown(error))
        if dataset is not None:
            st.image(reads.large_image(dataset, image), alt=f"Picture {image}")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_large(evidence, dataset, image, answers)
    with right:
        seed = choose_seed(seeds)
        if seed is not None:
            answers = answers_about(evidence, image, seed)
        show_answers(evidence, image, answers)
    if dataset is not None:
        _show_looked(subject, evidence, dataset, image, seed)
        _show_near(dataset, image)


def show_large(
    evidence: ExperimentPredictions,
    dataset: Dataset | None,
    image: int,
    answers: Sequence[ImageAnswer],
) -> None:
    """The picture with its file and label; without the dataset, its number."""
    words = describe_image(evidence, image, answers)
    if dataset is None:
        st.markdown(f"Picture number {image:,}. {escape_markdown(words)}")
        return
    name = dataset.file_names[image]
    st.image(reads.large_image(dataset, image), alt=f"{name}. {words}")
    st.markdown(f"File: **{escape_markdown(name)}**  \n{escape_markdown(words)}")
    place = {"dataset": address_of(dataset), "section": PICTURES, "image": str(image)}
    link_to("datasets", "In its dataset", **place)


def show_answers(
    evidence: ExperimentPredictions, image: int, answers: Sequence[ImageAnswer]
) -> None:
    """What every strategy said, one line each."""
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
    default = headline_pair(evidence)
    if default is None:
        st.caption("Only one strategy has finished.")
        return
    pair = choose_pair(titles_of(evidence), default)
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
            _show_one_looked(subject, evidence.of(name), dataset, image, seed)


def _show_one_looked(
    subject: Subject, answers: StrategyPredictions, dataset: Dataset, image: int, seed: int | None
) -> None:
    place = answers.seeds.index(seed) if seed in answers.seeds else 0
    run_id = answers.run_ids[place]
    st.markdown(f"**{escape_markdown(answers.title)}**, seed {answers.seeds[place]}")
    store = reads.store()
    reason = why_no_heat_maps(store, run_id)
    if reason is not None:
        st.info(escape_markdown(reason))
        return
    key = f"{subject.id}.{run_id}.{image}"
    work = ready_or_words(lambda: heat_maps(store, run_id, [image]), key)
    if work is None:
        return
    try:
        maps = read_heat_maps(work.result)
    except StoreError as error:
        st.error(escape_markdown(error))
        return
    _show_maps(maps, dataset, image)


def _show_maps(maps: HeatMaps, dataset: Dataset, image: int) -> None:
    picture = reads.large_image(dataset, image)
    predicted, label = int(maps.predicted[0]), int(maps.labels[0])
    shown = [(predicted, maps.for_predicted[0], "for its prediction")]
    if predicted != label:
        shown.append((label, maps.for_label[0], "for the label"))
    for place, heat, what in shown:
        name = dataset.classes[place]
        confidence = percent_text(float(maps.probabilities[0, place]))
        st.image(
            overlay(picture, heat),
            alt=f"Where it looked {what}, {name}: {brightest_words(heat)}",
            caption=f"{what}: {escape_markdown(name)}, {escape_markdown(confidence)}",
        )
        if not heat.any():
            st.caption(f"No place of the picture supports {escape_markdown(name)}.")


def brightest_words(heat: np.ndarray) -> str:
    """Where the map is brightest, in words."""
    if not heat.any():
        return "nowhere"
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down = ("top", "middle", "bottom")[min(2, int(3 * row / heat.shape[0]))]
    across = ("left", "middle", "right")[min(2, int(3 * column / heat.shape[1]))]
    return "most in the middle" if down == across else f"most at the {down} {across}"


def _show_near(dataset: Dataset, image: int) -> None:
    near = np.flatnonzero(dataset.groups == dataset.groups[image])
    near = near[near != image]
    if not len(near):
        st.caption("No other picture of this dataset looks the same.")
        return
    st.header("Pictures that look the same")
    more = len(near) - MOST_NEAR
    st.caption(
        f"{count_text(len(near), 'picture')}; all of them are in one subset of the split."
        + (f" {more:,} more are not shown." if more > 0 else "")
    )
    draw_tiles(
        dataset,
        [
            Tile(int(place), (f"label {dataset.classes[dataset.labels[place]]}",))
            for place in near[:MOST_NEAR]
        ],
        "near",
    )

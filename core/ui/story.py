"""The page Story: one scene at a time, next and back, and what to do after the last."""

import io
import re
from collections.abc import Sequence
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from PIL import Image

from core.analysis.advice.grades import quote_of
from core.analysis.choice import headline_pair
from core.analysis.story import (
    ELSEWHERE,
    IMAGES,
    Bars,
    Montage,
    Squares,
    StoryFacts,
    Times,
    headline_experiment,
    other_experiments,
    scene_keys,
    stored_gains,
)
from core.analysis.summary import summary_of
from core.analysis.words.answer import answer_cards
from core.analysis.words.slices import describe_slices_in_short
from core.analysis.words.story import TITLES, Scene, missing_sentence, scene_of
from core.charts.story import story_chart
from core.datasets.dataset import Dataset
from core.errors import HeadstartError
from core.experiments.records import ExperimentRecord
from core.experiments.run_files import has_predictions
from core.reports.report import report_html
from core.settings import current_settings
from core.text import count_text, escape_markdown, shorten
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, remember, wanted
from core.ui.frame.drawing import digest_of, draw_once
from core.ui.frame.errors import file_or_error
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import is_presented, link_to, show_present_button
from core.ui.frame.slice_reads import gains_of, known_of
from core.ui.widgets.answer import show_cards
from core.ui.widgets.exhibit import dataset_or_words, show_exhibit
from core.ui.widgets.results import recorded_text

WHAT_IT_IS = (
    "Headstart trains a ladder of image classifiers on the same pictures, from always predicting "
    "the commonest kind to a network that has seen a million others. It shows the accuracy of each "
    "rung on pictures that it never saw, how certain that number is, and the time it costs. "
    "Everything runs on this machine; your pictures stay here."
)
MOST_CLASSES = 24
# The montage has about this many images: few classes show several each, at most a row.
WANTED_IMAGES, MOST_EACH = 24, 6
# Compared for each image shown, so that an almost empty one does not stand for its class.
CANDIDATES = 3
TILE_SIZE, PRESENTED_SIZE = 84, 120
LONGEST_NAME = 12
# Where a line must not end: between a number and what it counts, and in the escaped "n \= 36".
_JOINED = re.compile(r"(?<=\d) (?=%|(?:points|ms|s|min|h)\b)|(?<=\b[np]) (?=\\=)|(?<==) (?=\d)")


# Which experiments ------------------------------------------------------------------------------


def with_results(experiments: Sequence[ExperimentRecord]) -> list[ExperimentRecord]:
    """Those in which a run has finished; one that is archived only where the address names it."""
    named = st.query_params.get("experiment")
    return [
        entry
        for entry in experiments
        if entry.state_counts.get("finished") and (not entry.labels.archived or entry.id == named)
    ]


def headline(experiments: Sequence[ExperimentRecord]) -> ExperimentRecord:
    """The story shown where the address names none; ``experiments`` must not be empty."""
    return headline_experiment(experiments, _gains_of(experiments))


def _contrasting_experiment(
    experiments: Sequence[ExperimentRecord], own: ExperimentRecord
) -> Subject | None:
    """The experiment on another dataset that shows the other side; None where there is none.

    Experiments of a learning curve have fewer training images on purpose and are left out. One
    without stored predictions, whose gain cannot be tested, is taken where there is no other.
    """
    gains = _gains_of(experiments)
    others = {
        entry.id: gains[entry.id]
        for entry in experiments
        if entry.id in gains
        and not entry.spec.series
        and entry.spec.dataset_id != own.spec.dataset_id
    }
    names = other_experiments(others, gains.get(own.id))
    found = next(filter(_can_be_tested, names), next(iter(names), None))
    return evidence_reads.subject(found) if found is not None else None


def _can_be_tested(experiment_id: str) -> bool:
    """Whether the predictions of all its finished runs are stored."""
    finished = reads.store().runs(experiment_id, ["finished"])
    return all(has_predictions(run.id) for run in finished)


def _facts_of(subject: Subject) -> StoryFacts:
    """Shared by all visitors: what it finds out, it finds out once."""
    return evidence_reads.kept(
        subject,
        "story",
        lambda: StoryFacts(
            subject.comparison,
            lambda: evidence_reads.evidence(subject),
            lambda: quote_of(reads.store(), subject.experiment),
        ),
    )


def _gains_of(experiments: Sequence[ExperimentRecord]) -> dict[str, float]:
    finished = tuple((entry.id, entry.state_counts.get("finished", 0)) for entry in experiments)
    return _gains(current_settings().database_url, finished)


# A finished run never changes, so their number in each experiment says whether there is news.
@st.cache_resource(max_entries=8, show_spinner=False)
def _gains(database_url: str, finished: tuple[tuple[str, int], ...]) -> dict[str, float]:
    store = reads.store()
    specs = {entry.id: entry.spec for entry in store.experiments()}
    return stored_gains(store.runs(states=["finished"]), specs)


# The scene --------------------------------------------------------------------------------------


def show_story(experiments: Sequence[ExperimentRecord], own: ExperimentRecord) -> None:
    """The scene of ``own`` that the address names, with the way to the others."""
    subject, contrast = evidence_reads.subject(own.id), _contrasting_experiment(experiments, own)
    facts, other = _facts_of(subject), None if contrast is None else _facts_of(contrast)
    keys = scene_keys(facts, other)
    numbers = {str(number): str(number) for number in range(1, len(keys) + 1)}
    place = int(wanted(Choice("scene", "Scene", "scene", numbers, "1"))) - 1
    with st.container(horizontal=True, vertical_alignment="center"):
        _show_step("Back", "Left", place - 1, len(keys), own.id)
        _show_step("Next", "Right", place + 1, len(keys), own.id)
        show_present_button()
        st.space("stretch")
        _show_numbers(keys, place, own.id)
    scene = scene_of(keys[place], facts, other)
    # The scene about another dataset rests on the other experiment.
    rests_on = other if scene.key == ELSEWHERE and other is not None else facts
    key = digest_of(subject.key, None if contrast is None else contrast.key)
    _show_scene(scene, key, rests_on, f"{place + 1} of {len(keys)}")
    if place + 1 == len(keys):
        evidence_reads.drawn(subject, _draw_answer)
        _show_slices(subject)
        _show_end(facts)


def _show_step(label: str, key: str, place: int, count: int, experiment: str) -> None:
    """A button to the scene at ``place``, from 0; an arrow key presses it too."""
    st.button(
        label,
        key=f"story.{label}",
        type="primary" if label == "Next" else "secondary",
        shortcut=key,
        disabled=not 0 <= place < count,
        on_click=remember,
        kwargs={"experiment": experiment, "scene": place + 1},
    )


def _show_numbers(keys: tuple[str, ...], place: int, experiment: str) -> None:
    """A button to each scene, the present one framed.

    Plain buttons: a segmented control would take the arrow keys for itself once it was clicked.
    """
    with st.container(horizontal=True, gap="xxsmall", width="content"):
        for number, key in enumerate(keys):
            st.button(
                str(number + 1),
                key=f"story.scene.{number + 1}",
                type="secondary" if number == place else "tertiary",
                width=40,
                help=TITLES[key],
                on_click=remember,
                kwargs={"experiment": experiment, "scene": number + 1},
            )


def _show_scene(scene: Scene, key: str, facts: StoryFacts, where: str) -> None:
    """``key`` changes with either experiment of the story."""
    text, figure = st.columns([2, 3], gap="large")
    with text:
        st.caption(f"{where} · {scene.title}")
        st.title(_unbroken(scene.sentence), anchor=False)
        if scene.key == IMAGES:
            st.markdown(WHAT_IT_IS)
    with figure:
        if isinstance(scene.visual, Montage):
            dataset = dataset_or_words(evidence_reads.subject(facts.comparison.experiment))
            if dataset is not None:
                size = PRESENTED_SIZE if is_presented() else TILE_SIZE
                draw_once(reads.dataset_key(dataset), _draw_montage, dataset, size)
        else:
            draw_once(key, _draw_chart, scene.visual, scene.key, is_presented())
        # Below the figure, so that on a telephone the figure follows the sentence. There are no
        # larger captions, and a projected page must be readable from the last row.
        small = st.markdown if is_presented() else st.caption
        small(_unbroken(scene.small_print))
        known = facts.comparison
        made = recorded_text(known) or f"Made on this machine, {known.created_at[:10]}"
        small(
            f"{escape_markdown(made)} · {known.image_size} × {known.image_size} pixels · preset "
            f"{escape_markdown(known.preset)}"
        )


def _draw_chart(visual: Squares | Bars | Times, scene: str, presented: bool) -> None:
    exhibit = story_chart(visual, presented)
    # With its height, the space is kept free while the chart is loaded.
    height = int(exhibit.figure.layout.height)
    show_exhibit(exhibit, f"story.{scene}", table=False, height=height)


def _draw_answer(subject: Subject) -> None:
    evidence = evidence_reads.evidence(subject)
    summary = summary_of(evidence, evidence_reads.breakdown_of(subject))
    if summary is not None:
        # The last scene may have shown another dataset.
        st.header(f"The answer for {escape_markdown(subject.comparison.dataset)}", anchor=False)
        show_cards(answer_cards(summary))


def _show_slices(subject: Subject) -> None:
    """Whether it depends on the pictures, by what was measured of them so far."""
    pair = evidence_reads.computed(subject, headline_pair)
    if pair is None:
        return
    try:
        reads.dataset(subject.experiment.spec.dataset_id)
        known = known_of(subject, has_dataset=True)
    except HeadstartError:  # the first scene says why
        known = known_of(subject, has_dataset=False)
    gains = gains_of(subject, known, *pair)
    found = describe_slices_in_short(gains, evidence_reads.evidence(subject).classes)
    if found:
        st.header("Where does it help?", anchor=False)
        st.markdown(escape_markdown(found))
        link_to("compare", "All slices", experiment=subject.id, view="slices")


def _show_end(facts: StoryFacts) -> None:
    """What to do now: try, guess, compare, take the report, send the link."""
    experiment = facts.comparison.experiment
    missing = missing_sentence(facts)
    if missing is not None:
        st.info(escape_markdown(missing), icon=":material/add_circle:")
        link_to("benchmark", "Run them")
    st.header("And now you", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        link_to("try_it", "Try it yourself", experiment=experiment)
        link_to("try_it", "Guess against the models", experiment=experiment, view="guess")
        link_to("compare", "Compare in full", experiment=experiment)
        st.download_button(
            "Download the report",
            data=file_or_error(lambda: report_html(reads.store(), experiment)),
            file_name=f"headstart-{experiment}.html",
            mime="text/html",
            icon=":material/description:",
            on_click="ignore",
            help="One HTML file with everything in it; it opens without a network.",
        )
    st.caption("Share this story: its address is the link.")
    address = (st.context.url or "").rstrip("/")
    st.code(f"{address}/?{urlencode({'experiment': experiment})}", language=None, wrap_lines=True)


def _unbroken(sentence: str) -> str:
    """Shown as it is, a number and its unit never on two lines."""
    return _JOINED.sub("\N{NO-BREAK SPACE}", escape_markdown(sentence))


# The first scene --------------------------------------------------------------------------------


def _draw_montage(dataset: Dataset, size: int) -> None:
    """Images of the largest classes in rows, each class with its name and its number."""
    chosen = _montage(dataset.id, size, dataset)
    with st.container(horizontal=True, gap="small"):
        for label, squares in chosen.items():
            name = dataset.classes[label]
            with st.container(width="content" if len(squares) > 1 else size, gap=None):
                with st.container(horizontal=True, gap="xxsmall"):
                    for number, square in enumerate(squares, start=1):
                        st.image(square, width=size, alt=f"{name}, picture {number}")
                st.caption(
                    f"{escape_markdown(shorten(name, LONGEST_NAME))}  \n"
                    f"{count_text(dataset.class_counts[name], 'picture')}"
                )
    hidden = len(dataset.classes) - len(chosen)
    if hidden:
        st.caption(f"and {hidden:,} more kinds, each with at most as many pictures")


@st.cache_data(max_entries=16, show_spinner=False)
def _montage(dataset_id: str, size: int, _dataset: Dataset) -> dict[int, list[bytes]]:
    """PNG squares by class: of images spread over the class those with the most contrast."""
    counts = np.bincount(_dataset.labels, minlength=len(_dataset.classes))
    largest = sorted(np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist())
    each = min(MOST_EACH, max(1, WANTED_IMAGES // len(largest)))
    candidates: list[tuple[int, int]] = []
    for label in largest:
        own = np.flatnonzero(_dataset.labels == label)
        count = min(CANDIDATES * each, len(own))
        places = np.linspace(0, len(own), count, endpoint=False).astype(int)
        candidates += [(label, int(index)) for index in own[places]]
    squares = reads.tiles(_dataset, [index for _, index in candidates], size)
    found: dict[int, list[bytes]] = {}
    for label in largest:
        own_squares = [s for (of, _), s in zip(candidates, squares, strict=True) if of == label]
        contrasts = np.array([_contrast(square) for square in own_squares])
        chosen = np.argsort(-contrasts, kind="stable")[:each]
        found[label] = [own_squares[place] for place in sorted(chosen)]
    return found


def _contrast(png: bytes) -> float:
    """Standard deviation of the brightness on white, 0 to 127.5."""
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return float(np.asarray(Image.alpha_composite(white, image).convert("L")).std())

"""The story on the page: one scene at a time, next and back, and what comes after the last."""

import re
from urllib.parse import urlencode

import streamlit as st

from core.analysis.story import (
    ELSEWHERE,
    PICTURES,
    Montage,
    StoryFacts,
    scene_keys,
)
from core.analysis.words.story import (
    TITLES,
    Scene,
    missing_sentence,
    scene_of,
)
from core.charts.story import story_chart
from core.reports.report import report_html
from core.text import escape_markdown
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, remember, wanted
from core.ui.frame.errors import file_or_error
from core.ui.frame.page import is_presented, link_to, show_present_button
from core.ui.story.images import show_montage
from core.ui.widgets.exhibit import dataset_or_words, show_exhibit
from core.ui.widgets.results import recorded_text

WHAT_IT_IS = (
    "Headstart trains a ladder of image classifiers on the same pictures, from always predicting "
    "the commonest kind to a network that has seen a million others. It shows the accuracy of each "
    "rung on pictures that it never saw, how certain that number is, and the time it costs. "
    "Everything runs on this machine; your pictures stay here."
)


# Where a line must not end: between a number and what it counts.
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|(?:points|ms|s|min|h)\b)")


def show_story(facts: StoryFacts, other: StoryFacts | None) -> None:
    """The scene that the address names, with the way to the others."""
    experiment = facts.comparison.experiment
    keys = scene_keys(facts, other)
    numbers = [str(number) for number in range(1, len(keys) + 1)]
    choice = Choice(
        name="scene",
        label="Scene",
        kind="scene",
        options={number: number for number in numbers},
        default="1",
        clears=(),
    )
    place = numbers.index(wanted(choice))
    with st.container(horizontal=True, vertical_alignment="center"):
        _show_step("Back", "Left", place - 1, len(keys), experiment)
        _show_step("Next", "Right", place + 1, len(keys), experiment)
        show_present_button()
        st.space("stretch")
        _show_numbers(keys, place, experiment)
    scene = scene_of(keys[place], facts, other)
    # What is said about other pictures rests on the other experiment.
    rests_on = other if scene.key == ELSEWHERE and other is not None else facts
    _show_scene(scene, rests_on, f"{place + 1} of {len(keys)}")
    if place + 1 == len(keys):
        _show_end(facts)


def _show_step(label: str, key: str, place: int, count: int, experiment: str) -> None:
    """A button to the scene at ``place``, from 0; pressed by an arrow key too."""
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


def _show_scene(scene: Scene, facts: StoryFacts, where: str) -> None:
    text, picture = st.columns([2, 3], gap="large")
    with text:
        st.caption(f"{where} · {scene.title}")
        st.title(_unbroken(scene.sentence), anchor=False)
        if scene.key == PICTURES:
            st.markdown(WHAT_IT_IS)
    with picture:
        if isinstance(scene.visual, Montage):
            dataset = dataset_or_words(evidence_reads.subject(facts.comparison.experiment))
            if dataset is not None:
                show_montage(dataset, is_presented())
        else:
            exhibit = story_chart(scene.visual, is_presented(), _ink())
            # With its height, the space is kept free while the chart is loaded.
            height = int(exhibit.figure.layout.height)
            show_exhibit(exhibit, f"story.{scene.key}", table=False, height=height)
        # Under the picture, so that on a telephone the picture follows the sentence. There are no
        # larger captions, and what is projected is to be read from the last row.
        small = st.markdown if is_presented() else st.caption
        small(_unbroken(scene.small_print))
        small(_provenance(facts))


def _ink() -> str | None:
    """The colour of the theme's text; None while the browser has not said which theme it is."""
    theme = st.context.theme.type
    return st.get_option(f"theme.{theme}.textColor") if theme else None


def _provenance(facts: StoryFacts) -> str:
    """Where the numbers come from, in one line."""
    known = facts.comparison
    made = recorded_text(known) or f"Made on this machine, {known.created_at[:10]}"
    return (
        f"{escape_markdown(made)} · {known.image_size} × {known.image_size} pixels · preset "
        f"{escape_markdown(known.preset)}"
    )


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
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", escape_markdown(sentence))

"""Try it: every strategy's answer to one picture, side by side, and where it looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.comparison import title_of
from core.live.client import (
    Candidate,
    LiveAnswer,
    answer,
    where_it_looked,
)
from core.strategies.registry import find_strategy
from core.text import (
    escape_markdown,
    percent_text,
    seconds_text,
    shorten,
)
from core.ui.frame import reads
from core.ui.frame.evidence_reads import Subject
from core.ui.try_it.source import ShownImage
from core.ui.widgets.glossary import explain
from core.ui.widgets.images import brightest_words
from core.ui.widgets.strategy_marks import bar_svg, show_strategy_name

# Eight of them with their gaps stand side by side in a window of 1280 pixels.
CARD_WIDTH = 124
# Pixels: what an answer takes below its picture, so that nothing moves when it comes.
ANSWER_HEIGHT = 196
MOST_BARS = 3
LONGEST_CLASS = 11
_PREDICTIONS = "try.said"


@dataclass
class ShownPredictions:
    """What was said of the picture shown last; ``maps`` is None until they were asked for."""

    key: tuple[object, ...]
    answers: tuple[LiveAnswer, ...]
    maps: Mapping[str, np.ndarray] | None = field(default=None)


def show_cards_waiting(able: Sequence[Candidate], shown: ShownImage) -> None:
    """The cards as they will be, without the answers."""
    grey = shown.with_heat()
    with _row():
        for candidate in able:
            with _card(candidate.strategy):
                st.image(grey, width=CARD_WIDTH, alt=shown.name)
                st.skeleton(height=ANSWER_HEIGHT)


def show_answers(subject: Subject, shown: ShownImage) -> None:
    """Ask, and draw the answers; the maps come when they are there, over the same pictures.

    The answers to the picture before stay in sight until these are there: placeholders that come
    and go within half a second would only flicker, and cost the browser more than the answers.
    """
    with st.skeleton(height=ANSWER_HEIGHT):  # seen only where it takes longer than usual
        predictions = _predictions(subject, shown)
    classes = subject.experiment.spec.classes
    st.markdown(answers_words(predictions.answers, classes, shown.truth))
    grey = shown.with_heat()
    pictures: dict[str, DeltaGenerator] = {}
    with _row():
        for found in predictions.answers:
            with _card(found.strategy):
                pictures[found.strategy] = st.empty()
                pictures[found.strategy].image(grey, width=CARD_WIDTH, alt=shown.name)
                _show_answer(found, classes, shown.truth)
    if predictions.maps is None:
        predictions.maps = where_it_looked(reads.store(), subject.id, shown.prepared)
    for strategy, heat in predictions.maps.items():
        pictures[strategy].image(
            shown.with_heat(heat),
            width=CARD_WIDTH,
            alt=f"Where {title_of(strategy)} looked: {brightest_words(heat)}",
        )
    st.caption(
        escape_markdown(
            maps_words([found.strategy for found in predictions.answers], predictions.maps)
        ),
        help=explain("Grad-CAM"),
    )


def answers_words(answers: Sequence[LiveAnswer], classes: Sequence[str], truth: int | None) -> str:
    """The commonest answer and, where the label is known, how many were right; Markdown."""
    votes = np.bincount([int(found.probabilities.argmax()) for found in answers])
    if truth is not None:
        right = int(votes[truth]) if truth < len(votes) else 0
        return (
            f"It is labelled **{escape_markdown(classes[truth])}**, and {right} of {len(answers)} "
            "strategies predict it."
        )
    first = int(votes.argmax())
    return (
        f"Nobody knows its label here. {int(votes[first])} of {len(answers)} strategies predict "
        f"**{escape_markdown(classes[first])}**."
    )


def maps_words(answered: Sequence[str], maps: Mapping[str, np.ndarray]) -> str:
    """What the coloured places mean, and why some pictures have none."""
    words = [
        "Bright places support the prediction. A network that looks at the right place can still "
        "be wrong."
    ]
    nowhere = [title_of(name) for name in answered if name in maps and not maps[name].any()]
    without = [title_of(name) for name in answered if name not in maps]
    if nowhere:
        words.append(f"No place supports the prediction of: {', '.join(nowhere)}.")
    if without:
        words.append(f"No layer that keeps positions, so no heat map: {', '.join(without)}.")
    return " ".join(words)


def _predictions(subject: Subject, shown: ShownImage) -> ShownPredictions:
    """Asked once for a picture: drawing the page again does not ask again."""
    key = (subject.id, tuple(run.finished_at for run in subject.runs), shown.digest)
    kept: ShownPredictions | None = st.session_state.get(_PREDICTIONS)
    if kept is None or kept.key != key:
        kept = ShownPredictions(key, answer(reads.store(), subject.id, shown.prepared))
        st.session_state[_PREDICTIONS] = kept
    return kept


def _row() -> DeltaGenerator:
    """Side by side; titles of one and of three lines leave the pictures on one line."""
    return st.container(horizontal=True, gap="small", vertical_alignment="bottom")


def _card(strategy: str) -> DeltaGenerator:
    """A strategy's place in the row, with its name on top."""
    card = st.container(width=CARD_WIDTH, gap="small")
    with card:
        show_strategy_name(strategy, title_of(strategy), width=CARD_WIDTH)
    return card


def _show_answer(found: LiveAnswer, classes: Sequence[str], truth: int | None) -> None:
    """The answer with its verdict, the most probable classes as bars, and the time it took."""
    ranked = np.argsort(-found.probabilities, kind="stable")
    first = int(ranked[0])
    named = escape_markdown(shorten(classes[first], LONGEST_CLASS))
    if truth is None:
        st.badge(named, color="blue")
    elif first == truth:
        st.badge(f"{named}: correct", icon=":material/check:", color="green")
    else:
        st.badge(f"{named}: wrong", icon=":material/close:", color="red")
    # With two or three classes the last one says nothing that the others do not.
    for place in ranked[: min(MOST_BARS, max(1, len(classes) - 1))]:
        fraction = float(found.probabilities[place])
        with st.container(gap=None):
            name = shorten(classes[place], LONGEST_CLASS)
            st.caption(f"{escape_markdown(name)} {escape_markdown(percent_text(fraction))}")
            st.image(
                bar_svg(found.strategy, fraction),
                width="stretch",
                alt=f"{classes[place]}: {percent_text(fraction)}",
            )
    if find_strategy(found.strategy).has_network:
        st.caption(f"took {escape_markdown(seconds_text(found.seconds))}")
    else:
        st.caption("does not look at the picture")

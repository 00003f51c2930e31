"""Try it, A picture: every strategy's answer to one image, side by side, and where it looked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.comparison import title_of
from core.jobs.progress import Progress, progress_text
from core.live.client import (
    Candidate,
    LiveAnswer,
    LiveState,
    answer,
    candidates,
    wake,
    where_it_looked,
)
from core.strategies.registry import find_strategy
from core.text import count_text, escape_markdown, percent_text, seconds_text, shorten
from core.ui.frame import reads
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.try_it.source import ShownImage, choose_image
from core.ui.try_it.training import offer_training
from core.ui.widgets.exhibit import dataset_or_words
from core.ui.widgets.glossary import explain
from core.ui.widgets.groups import choose_shown
from core.ui.widgets.images import brightest_words
from core.ui.widgets.strategy_marks import bar_svg, show_strategy_name

REFRESH_SECONDS = 1.0
IMAGE_WIDTH, TEXT_WIDTH = 160, 340
# Eight cards with their gaps fit side by side into a window of 1280 pixels.
CARD_WIDTH = 124
# Pixels: the space below an image that its answer takes, so that nothing moves when it comes.
ANSWER_HEIGHT = 196
MOST_BARS = 3
LONGEST_CLASS = 11
_PREDICTIONS = "try.predictions"


@dataclass
class ShownPredictions:
    """The ``answers`` about the image shown last, by strategy; ``maps`` of those ``asked``."""

    key: tuple[object, ...]
    answers: dict[str, LiveAnswer] = field(default_factory=dict)
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


def show_image_answers(subject: Subject) -> None:
    """Choose an image and ask every strategy that can answer."""
    dataset = dataset_or_words(subject)
    if dataset is None:
        return
    shown = choose_image(subject, dataset)
    offered = candidates(reads.store(), subject.id)
    if shown is not None:
        _show_asked(shown)
        seen = choose_shown(subject).strategies
        asked = [found for found in offered if found.strategy in seen]
        live = wake(reads.store(), subject.id, asked)
        _show_answers_or_state(subject, asked, shown, live)
    else:
        # The networks load while the visitor looks for an image.
        live = wake(reads.store(), subject.id, offered)
        if live.state in ("starting", "loading"):
            st.caption("The networks are being loaded meanwhile.")
    unable = {found.strategy: found.why_not for found in offered if found.why_not is not None}
    unable |= live.unable
    if unable:
        _name_unable(unable)
        offer_training(subject, unable)


def _show_asked(shown: ShownImage) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(shown.square, width=IMAGE_WIDTH, alt=shown.name)
        with st.container(width=TEXT_WIDTH):
            st.header("What every strategy predicts", help=explain("strategy"))
            st.markdown(escape_markdown(shown.name))


def _show_answers_or_state(
    subject: Subject, asked: Sequence[Candidate], shown: ShownImage, live: LiveState
) -> None:
    if live.state == "ready":
        with error_box():
            show_answers(subject, shown, _able(asked, live))
        if live.note:
            st.caption(f":material/info: {escape_markdown(live.note)}")
    elif live.state == "failed":
        st.error(escape_markdown(live.error), icon=":material/error:")
        st.button("Ask again", icon=":material/refresh:", key="try.again")
    else:
        st.fragment(_follow_loading, run_every=REFRESH_SECONDS)(subject, asked, shown)


def _able(asked: Sequence[Candidate], live: LiveState) -> list[str]:
    """The strategies of those ``asked`` that answer, now or when they are loaded."""
    return [
        found.strategy
        for found in asked
        if found.why_not is None and found.strategy not in live.unable
    ]


def _follow_loading(subject: Subject, asked: Sequence[Candidate], shown: ShownImage) -> None:
    """Show how far the loading is, and the answers of those that are there; draw the whole page
    again when it is done."""
    with error_box():
        live = wake(reads.store(), subject.id, asked)
        if live.state in ("starting", "loading"):
            progress = Progress(live.step, live.done, live.total, unit="")
            st.markdown(f":material/hourglass_empty: {escape_markdown(progress_text(progress))}")
            _show_first_answers(subject, asked, shown, live)
            return
    st.rerun()


def _show_first_answers(
    subject: Subject, asked: Sequence[Candidate], shown: ShownImage, live: LiveState
) -> None:
    """A card for each strategy, with its answer where its network is there."""
    known, classes = _predictions(subject, shown, ()).answers, subject.experiment.spec.classes
    places: dict[str, DeltaGenerator] = {}
    with _row():
        for strategy in _able(asked, live):
            with _card(strategy):
                st.image(shown.with_heat(), width=CARD_WIDTH, alt=shown.name)
                if strategy in known:
                    _show_answer(known[strategy], classes, shown.truth)
                else:
                    places[strategy] = st.empty()
                    with places[strategy]:
                        st.skeleton(height=ANSWER_HEIGHT)
    # Asked when all is drawn: an answer waits for the network that is loading, and what is not
    # drawn again by then fades.
    is_there = {found.strategy for found in asked if not found.has_network} | set(live.loaded)
    new = [strategy for strategy in places if strategy in is_there]
    found = _predictions(subject, shown, new).answers
    for strategy in new:
        if strategy in found:
            with places[strategy].container(gap="small"):
                _show_answer(found[strategy], classes, shown.truth)


def show_answers(subject: Subject, shown: ShownImage, seen: Collection[str]) -> None:
    """Ask those ``seen`` and draw their answers; the heat maps follow over the same images.

    The answers to the image before stay in sight until these are there: placeholders that come
    and go within half a second would only flicker, and cost the browser more than the answers.
    """
    with st.skeleton(height=ANSWER_HEIGHT):  # seen only where it takes longer than usual
        predictions = _predictions(subject, shown, seen)
    classes = subject.experiment.spec.classes
    answers = [predictions.answers[name] for name in seen if name in predictions.answers]
    st.markdown(answers_words(answers, classes, shown.truth))
    images: dict[str, DeltaGenerator] = {}
    with _row():
        for found in answers:
            with _card(found.strategy):
                images[found.strategy] = st.empty()
                images[found.strategy].image(shown.with_heat(), width=CARD_WIDTH, alt=shown.name)
                _show_answer(found, classes, shown.truth)
    new = [found for found in answers if found.strategy not in predictions.asked]
    if new:
        predictions.maps |= where_it_looked(reads.store(), subject.id, shown.prepared, new)
        predictions.asked |= {found.strategy for found in new}
    for strategy in images.keys() & predictions.maps.keys():
        heat = predictions.maps[strategy]
        images[strategy].image(
            shown.with_heat(heat),
            width=CARD_WIDTH,
            alt=f"Where {title_of(strategy)} looked: {brightest_words(heat)}",
        )
    words = maps_words([found.strategy for found in answers], predictions.maps)
    st.caption(escape_markdown(words), help=explain("Grad-CAM"))


def answers_words(answers: Sequence[LiveAnswer], classes: Sequence[str], truth: int | None) -> str:
    """The commonest answer or, where the label is known, how many are correct; Markdown."""
    votes = np.bincount([found.predicted for found in answers], minlength=len(classes))
    shown = int(votes.argmax()) if truth is None else truth
    label = f"**{escape_markdown(classes[shown])}**"
    verb = "predicts" if len(answers) == 1 else "predict"
    count = f"{votes[shown]} of {count_text(len(answers), 'strategy')} {verb}"
    if truth is None:
        return f"Its label is not known here. {count} {label}."
    return f"It is labelled {label}, and {count} it."


def maps_words(answered: Sequence[str], maps: Mapping[str, np.ndarray]) -> str:
    """What the coloured places mean, and why some images have none."""
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


def _predictions(
    subject: Subject, shown: ShownImage, strategies: Collection[str]
) -> ShownPredictions:
    """Each of ``strategies`` is asked once for an image: drawing the page again asks nobody."""
    key = (subject.id, tuple(run.finished_at for run in subject.runs), shown.digest)
    kept: ShownPredictions | None = st.session_state.get(_PREDICTIONS)
    if kept is None or kept.key != key:
        kept = ShownPredictions(key)
        st.session_state[_PREDICTIONS] = kept
    if new := [name for name in strategies if name not in kept.answers]:
        found = answer(reads.store(), subject.id, shown.prepared, new)
        kept.answers |= {one.strategy: one for one in found}
    return kept


def _row() -> DeltaGenerator:
    """Side by side; titles of one and of three lines leave the images on one line."""
    return st.container(horizontal=True, gap="small", vertical_alignment="bottom")


def _card(strategy: str) -> DeltaGenerator:
    """A strategy's place in the row, with its name on top."""
    card = st.container(width=CARD_WIDTH, gap="small")
    with card:
        show_strategy_name(strategy, title_of(strategy), CARD_WIDTH)
    return card


def _show_answer(found: LiveAnswer, classes: Sequence[str], truth: int | None) -> None:
    """The answer with its verdict, the most probable classes as bars, and the time it took."""
    named = escape_markdown(shorten(classes[found.predicted], LONGEST_CLASS))
    if truth is None:
        st.badge(named, color="blue")
    elif found.predicted == truth:
        st.badge(f"{named}: correct", icon=":material/check:", color="green")
    else:
        st.badge(f"{named}: wrong", icon=":material/close:", color="red")
    # With two or three classes the last bar would add nothing.
    bars = min(MOST_BARS, max(1, len(classes) - 1))
    for place in np.argsort(-found.probabilities, kind="stable")[:bars]:
        fraction = float(found.probabilities[place])
        percent = percent_text(fraction)
        with st.container(gap=None):
            name = shorten(classes[place], LONGEST_CLASS)
            st.caption(f"{escape_markdown(name)} {escape_markdown(percent)}")
            bar = bar_svg(found.strategy, fraction)
            st.image(bar, width="stretch", alt=f"{classes[place]}: {percent}")
    if find_strategy(found.strategy).has_network:
        st.caption(f"took {escape_markdown(seconds_text(found.seconds))}")
    else:
        st.caption("has no network")


def _name_unable(unable: Mapping[str, str]) -> None:
    """Those that cannot answer, with the reason; equal reasons once."""
    reasons: dict[str, list[str]] = {}
    for strategy, reason in unable.items():
        reasons.setdefault(reason, []).append(title_of(strategy))
    title = f"{count_text(len(unable), 'strategy')} cannot answer here"
    with st.expander(title, icon=":material/block:"):
        for reason, titles in reasons.items():
            st.markdown(f"**{escape_markdown(', '.join(titles))}**: {escape_markdown(reason)}")

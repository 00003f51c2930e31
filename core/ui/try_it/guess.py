"""Try it, Guess yourself: ten held-out images, the visitor and every strategy.

The guesses are kept in the session alone; the address names the round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from core.analysis.evidence import ExperimentPredictions
from core.analysis.guessing import (
    GuessingRound,
    Player,
    guessing_round,
    players,
    round_scores,
    rounds_of,
)
from core.analysis.words.images import describe_round
from core.charts.accuracy import players_chart
from core.datasets.dataset import Dataset
from core.text import escape_markdown, percent_text
from core.ui.frame import reads
from core.ui.frame.address import Choice, remember, wanted
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import dataset_or_words, evidence_or_words, show_exhibit
from core.ui.widgets.glossary import explain
from core.ui.widgets.groups import choose_shown
from core.ui.widgets.images import fitted, padded
from core.ui.widgets.strategy_marks import show_strategy_name

# Up to this many classes are buttons; more are a list to choose from.
MOST_BUTTONS = 24
IMAGE_WIDTH = 420
# Pixels: with its verdict it fits a telephone of 390.
PREDICTED_WIDTH = 276
# Streamlit 1.67 keeps C and R for itself.
KEYS = "1234567890abdefghijklmnopqstuvwxyz"
# All ten with their gaps fit side by side into a window of 1280 pixels.
TILE_SIZE = 96
# Not an arrow: whoever clicked on a view last would change the view with it.
NEXT_KEY = "N"


@dataclass
class Game:
    """One visitor in one round: the classes guessed, and how many answers were looked at."""

    guesses: list[int] = field(default_factory=list)
    looked_at: int = 0

    def guess(self, label: int) -> None:
        self.guesses.append(label)

    def go_on(self) -> None:
        self.looked_at += 1

    def start_again(self) -> None:
        self.guesses.clear()
        self.looked_at = 0


def show_guess(subject: Subject) -> None:
    """One image of the round that the address names, its answers, or at the end the score."""
    evidence = evidence_or_words(choose_shown(subject))
    dataset = dataset_or_words(subject) if evidence is not None else None
    if evidence is None or dataset is None:
        return
    rounds = {str(number): f"round {number}" for number in range(1, rounds_of(evidence.images) + 1)}
    dealt = guessing_round(evidence, int(wanted(Choice("round", "Round", "round", rounds, "1"))))
    game = st.session_state.setdefault(f"guess.{subject.id}.{dealt.number}", Game())
    place = game.looked_at
    if place == len(dealt.rows):
        _show_score(evidence, dataset, dealt, game)
        return
    st.progress(place / len(dealt.rows), text=_progress_words(dealt, game))
    is_guessed = len(game.guesses) > place
    left, right = st.columns([2, 3], gap="large")
    with left:
        truth = evidence.classes[dealt.labels[place]]
        # A square, however long and thin the image is, so that nothing moves with the next one.
        image = padded(
            fitted(reads.large_image(dataset, dealt.images[place]), IMAGE_WIDTH), IMAGE_WIDTH
        )
        words = f"labelled {truth}" if is_guessed else "what does it show?"
        st.image(image, width=IMAGE_WIDTH, alt=f"Picture {place + 1}: {words}")
    with right:
        if is_guessed:
            _show_answer(evidence, dealt, game)
        else:
            _ask(evidence.classes, f"{dealt.number}.{place}", game)


def _progress_words(dealt: GuessingRound, game: Game) -> str:
    words = f"Round {dealt.number:,} · picture {game.looked_at + 1} of {len(dealt.rows)}"
    if not game.guesses:
        return words
    correct = sum(guess == label for guess, label in zip(game.guesses, dealt.labels, strict=False))
    return f"{words} · you got {correct} of {len(game.guesses)} right"


def _ask(classes: Sequence[str], key: str, game: Game) -> None:
    """A button for each class; many classes are a list."""
    st.header("What does it show?")
    if len(classes) > MOST_BUTTONS:
        chosen = st.selectbox(
            "Class",
            range(len(classes)),
            index=None,
            format_func=lambda number: classes[number],
            placeholder="Type or choose",
            key=f"guess.list.{key}",
        )
        st.button(
            "That is my guess",
            type="primary",
            key=f"guess.done.{key}",
            disabled=chosen is None,
            on_click=game.guess,
            args=(chosen,),
        )
        return
    with st.container(horizontal=True, gap="small"):
        for number, (name, letter) in enumerate(zip(classes, keys_of(classes), strict=True)):
            st.button(
                escape_markdown(name),
                key=f"guess.{key}.{number}",
                shortcut=letter,
                on_click=game.guess,
                args=(number,),
            )
    st.caption("Click, or press the key shown on the button.")


def _show_answer(evidence: ExperimentPredictions, dealt: GuessingRound, game: Game) -> None:
    """The truth, the guess of the visitor and what every strategy predicted."""
    place = game.looked_at
    label, guess, row = dealt.labels[place], game.guesses[place], dealt.rows[place]
    truth = f"**{escape_markdown(evidence.classes[label])}**"
    if guess == label:
        st.success(f"Right: it is {truth}.", icon=":material/check:")
    else:
        guessed = escape_markdown(evidence.classes[guess])
        st.warning(f"It is {truth}, not {guessed}.", icon=":material/close:")
    st.button(
        "See the score" if place + 1 == len(dealt.rows) else "Next picture",
        type="primary",
        key=f"guess.next.{dealt.number}.{place}",
        shortcut=NEXT_KEY,
        on_click=game.go_on,
    )
    others = players(evidence)
    st.markdown(
        f"{sum(player.correct[row] for player in others)} of {len(others)} strategies are "
        "correct. None of them was trained on this picture."
    )
    with st.container(gap="xsmall"):
        for player in others:
            _show_prediction(evidence.classes, player, row)


def _show_prediction(classes: Sequence[str], player: Player, row: int) -> None:
    words = f"  \npredicted {escape_markdown(classes[player.predicted[row]])}"
    if player.confidence is not None:
        words += f", {escape_markdown(percent_text(float(player.confidence[row])))}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_strategy_name(player.strategy, player.title, PREDICTED_WIDTH, words)
        if player.correct[row]:
            st.badge("correct", icon=":material/check:", color="green")
        else:
            st.badge("wrong", icon=":material/close:", color="red")


def _show_score(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, game: Game
) -> None:
    """How many were right and what that can tell, every player with the interval, the images."""
    scores = round_scores(evidence, dealt, game.guesses)
    visitor, others = scores[0], scores[1:]
    ahead = sum(score.correct > visitor.correct for score in others)
    even = sum(score.correct == visitor.correct for score in others)
    st.header(
        f"You: {visitor.correct} of {visitor.images} right", help=explain("confidence interval")
    )
    st.markdown(
        f"{ahead} of {len(others)} strategies had more right in this round, {even} as many. "
        f"{escape_markdown(describe_round(scores))}"
    )
    with st.container(horizontal=True):
        following = dealt.number % rounds_of(evidence.images) + 1
        if following != dealt.number:
            st.button(
                "Another ten",
                type="primary",
                shortcut=NEXT_KEY,
                on_click=remember,
                kwargs={"round": following},
            )
        st.button("Play these again", icon=":material/replay:", on_click=game.start_again)
    show_exhibit(players_chart(scores), f"guess.{evidence.experiment_id}.{dealt.number}")
    st.caption(
        "A strategy with several seeds plays with its first. The numbers also have the accuracy of "
        "the same network on all test pictures."
    )
    squares = reads.tiles(dataset, dealt.images, TILE_SIZE)
    with st.container(horizontal=True, gap="small"):
        for square, label, guess in zip(squares, dealt.labels, game.guesses, strict=True):
            truth = evidence.classes[label]
            verdict = "correct" if guess == label else f"you guessed {evidence.classes[guess]}"
            with st.container(width=TILE_SIZE, gap=None):
                st.image(square, width=TILE_SIZE, alt=f"{truth}; {verdict}")
                st.caption(f"**{escape_markdown(truth)}**  \n{escape_markdown(verdict)}")


def keys_of(classes: Sequence[str]) -> list[str]:
    """One key a class, none twice, in the order of ``classes`` (34 at most).

    A class whose name is a key has that one; another has the first letter of its name that is
    free, else the next free digit or letter.
    """
    free = list(KEYS)
    found: dict[str, str] = {}
    for name in sorted(classes, key=lambda name: name.lower() not in free):
        found[name] = next((letter for letter in name.lower() if letter in free), free[0])
        free.remove(found[name])
    return [found[name] for name in classes]

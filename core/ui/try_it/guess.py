"""Try it, Guess against the models: ten held-out pictures, the visitor and every strategy.

What was guessed is kept in the session alone; the round stands in the address.
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
from core.text import escape_markdown, percent_text, shorten
from core.ui.frame import reads
from core.ui.frame.address import remember
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import dataset_or_words, evidence_or_words, show_exhibit
from core.ui.widgets.glossary import explain
from core.ui.widgets.images import fitted, padded
from core.ui.widgets.strategy_marks import show_strategy_name

# So many classes are buttons; more are a list to choose from.
MOST_BUTTONS = 24
IMAGE_WIDTH = 420
# Pixels: with its verdict it fits a telephone of 390.
PREDICTED_WIDTH = 276
# Streamlit 1.67 keeps C and R for itself.
KEYS = "1234567890abdefghijklmnopqstuvwxyz"
# All ten with their gaps stand side by side in a window of 1280 pixels.
TILE_SIZE = 96
# Not an arrow: whoever clicked on a view last would change the view with it.
NEXT_KEY = "N"


@dataclass
class Game:
    """One visitor in one round: the classes guessed, and how many answers were looked at."""

    guesses: list[int] = field(default_factory=list)
    looked_at: int = 0


def show_guess(subject: Subject) -> None:
    evidence = evidence_or_words(subject)
    dataset = dataset_or_words(subject) if evidence is not None else None
    if evidence is None or dataset is None:
        return
    dealt = guessing_round(evidence, _round_number(evidence))
    game = st.session_state.setdefault(f"guess.{subject.id}.{dealt.number}", Game())
    if game.looked_at == len(dealt.rows):
        _show_score(evidence, dealt, game.guesses)
        _offer_again(evidence, dealt, game)
        _show_score_details(evidence, dataset, dealt, game.guesses)
        return
    st.progress(game.looked_at / len(dealt.rows), text=_progress_words(dealt, game))
    if len(game.guesses) == game.looked_at:
        _ask(evidence, dataset, dealt, game)
    else:
        _answer(evidence, dataset, dealt, game)


def _progress_words(dealt: GuessingRound, game: Game) -> str:
    words = f"Round {dealt.number:,} · picture {game.looked_at + 1} of {len(dealt.rows)}"
    if not game.guesses:
        return words
    right = sum(guess == label for guess, label in zip(game.guesses, dealt.labels, strict=False))
    return f"{words} · you got {right} of {len(game.guesses)} right"


def _round_number(evidence: ExperimentPredictions) -> int:
    """The round that the address names; one that there is not is said, and the first is played."""
    named = st.query_params.get("round")
    if named is None:
        return 1
    most = rounds_of(evidence.images)
    if named.isascii() and named.isdecimal() and len(named) < 10 and 1 <= int(named) <= most:
        return int(named)
    st.warning(
        f"The link names the round {escape_markdown(shorten(named))}, which there is not: the "
        "rounds "
        f"are 1 to {most:,}. Shown instead: round 1."
    )
    remember(round=None)
    return 1


def _ask(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, game: Game
) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_image(dataset, dealt, game, "what does it show?")
    with right:
        st.header("What does it show?")
        if len(evidence.classes) > MOST_BUTTONS:
            _ask_in_list(evidence, dealt, game)
            return
        keys = keys_of(evidence.classes)
        with st.container(horizontal=True, gap="small"):
            for number, name in enumerate(evidence.classes):
                st.button(
                    escape_markdown(name),
                    key=f"guess.{dealt.number}.{game.looked_at}.{number}",
                    shortcut=keys[number],
                    on_click=_guess,
                    args=(game, number),
                )
        st.caption("Click, or press the key that stands on the button.")


def _ask_in_list(evidence: ExperimentPredictions, dealt: GuessingRound, game: Game) -> None:
    place = f"{dealt.number}.{game.looked_at}"
    chosen = st.selectbox(
        "Class",
        range(len(evidence.classes)),
        index=None,
        format_func=lambda number: evidence.classes[number],
        placeholder="Type or choose",
        key=f"guess.list.{place}",
    )
    st.button(
        "That is my guess",
        type="primary",
        key=f"guess.done.{place}",
        disabled=chosen is None,
        on_click=_guess,
        args=(game, chosen),
    )


def _answer(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, game: Game
) -> None:
    """The truth, the guess of the visitor and what every strategy predicted."""
    place = game.looked_at
    label, guess = dealt.labels[place], game.guesses[place]
    truth = evidence.classes[label]
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_image(dataset, dealt, game, f"labelled {truth}")
    with right:
        if guess == label:
            st.success(f"Right: it is **{escape_markdown(truth)}**.", icon=":material/check:")
        else:
            st.warning(
                f"It is **{escape_markdown(truth)}**, not "
                f"{escape_markdown(evidence.classes[guess])}.",
                icon=":material/close:",
            )
        last = place + 1 == len(dealt.rows)
        st.button(
            "See the score" if last else "Next picture",
            type="primary",
            key=f"guess.next.{dealt.number}.{place}",
            shortcut=NEXT_KEY,
            on_click=_go_on,
            args=(game,),
        )
        row, others = dealt.rows[place], players(evidence)
        st.markdown(
            f"{sum(player.correct[row] for player in others)} of {len(others)} strategies are "
            "correct. None of them was trained on this picture."
        )
        with st.container(gap="xsmall"):
            for player in others:
                _show_prediction(evidence, player, row)


def _show_image(dataset: Dataset, dealt: GuessingRound, game: Game, words: str) -> None:
    """A square, however long and thin the picture is, so that nothing moves with the next one."""
    picture = reads.large_image(dataset, dealt.images[game.looked_at])
    st.image(
        padded(fitted(picture, IMAGE_WIDTH), IMAGE_WIDTH),
        width=IMAGE_WIDTH,
        alt=f"Picture {game.looked_at + 1}: {words}",
    )


def _show_prediction(evidence: ExperimentPredictions, player: Player, row: int) -> None:
    confidence = player.confidence
    percent = (
        "" if confidence is None else f", {escape_markdown(percent_text(float(confidence[row])))}"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_strategy_name(
            player.strategy,
            player.title,
            f"  \npredicted {escape_markdown(evidence.classes[player.predicted[row]])}{percent}",
            PREDICTED_WIDTH,
        )
        verdict_badge(bool(player.correct[row]))


def verdict_badge(right: bool) -> None:
    if right:
        st.badge("correct", icon=":material/check:", color="green")
    else:
        st.badge("wrong", icon=":material/close:", color="red")


def _show_score(
    evidence: ExperimentPredictions, dealt: GuessingRound, guesses: Sequence[int]
) -> None:
    """How many were right, and what that can tell."""
    scores = round_scores(evidence, dealt, guesses)
    visitor = scores[0]
    ahead = sum(score.correct > visitor.correct for score in scores[1:])
    even = sum(score.correct == visitor.correct for score in scores[1:])
    st.header(
        f"You: {visitor.correct} of {visitor.images} right", help=explain("confidence interval")
    )
    st.markdown(
        f"{ahead} of {len(scores) - 1} strategies had more right in this round, {even} as many. "
        f"{escape_markdown(describe_round(scores))}"
    )


def _show_score_details(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, guesses: Sequence[int]
) -> None:
    """Every player with the interval, and the pictures of the round."""
    scores = round_scores(evidence, dealt, guesses)
    show_exhibit(players_chart(scores), f"guess.{evidence.experiment_id}.{dealt.number}")
    st.caption(
        "A strategy with several seeds plays with its first. The numbers beside it are the "
        "accuracy of the same network on all test pictures."
    )
    _show_images(evidence, dataset, dealt, guesses)


def _show_images(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, guesses: Sequence[int]
) -> None:
    squares = reads.tiles(dataset, dealt.images, TILE_SIZE)
    with st.container(horizontal=True, gap="small"):
        for square, label, guess in zip(squares, dealt.labels, guesses, strict=True):
            truth = evidence.classes[label]
            predicted = "correct" if guess == label else f"you guessed {evidence.classes[guess]}"
            with st.container(width=TILE_SIZE, gap=None):
                st.image(square, width=TILE_SIZE, alt=f"{truth}; {predicted}")
                st.caption(f"**{escape_markdown(truth)}**  \n{escape_markdown(predicted)}")


def _offer_again(evidence: ExperimentPredictions, dealt: GuessingRound, game: Game) -> None:
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
        st.button("Play these again", icon=":material/replay:", on_click=_start_again, args=(game,))


def _guess(game: Game, number: int) -> None:
    game.guesses.append(number)


def _go_on(game: Game) -> None:
    game.looked_at += 1


def _start_again(game: Game) -> None:
    game.guesses.clear()
    game.looked_at = 0


def keys_of(classes: Sequence[str]) -> list[str]:
    """One key a class, none twice, in the order of ``classes``.

    A class whose name is a key has that one; another has the first letter of its name that is
    free, else the next free digit or letter. ``ValueError`` for more classes than keys (34).
    """
    if len(classes) > len(KEYS):
        raise ValueError(f"there are {len(KEYS)} keys, too few for {len(classes)} classes")
    free = list(KEYS)
    found: dict[str, str] = {}
    for name in classes:
        if name.lower() in free:  # "a" and "A" may both be classes: the first has the key
            found[name] = name.lower()
            free.remove(found[name])
    for name in classes:
        if name not in found:
            letters = [letter for letter in name.lower() if letter in free]
            found[name] = letters[0] if letters else free[0]
            free.remove(found[name])
    return [found[name] for name in classes]

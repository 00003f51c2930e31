"""Try it, Guess against the models: ten held-out pictures, the visitor and every strategy.

What was guessed is kept in the session alone; the round stands in the address.
"""

from dataclasses import dataclass, field

import streamlit as st

from core.text import percent_text
from core.comparison.evidence import ExperimentPredictions
from core.comparison.guessing import GuessingRound, Said, guessing_round, rounds_of, said_about
from core.datasets.model import Dataset
from core.ui import reads
from core.ui.compare_address import remember, shortened
from core.ui.evidence_frame import dataset_or_words, evidence_or_words
from core.ui.evidence_reads import Subject
from core.ui.pictures import fitted, padded
from core.ui.strategy_marks import show_strategy_name
from core.text import escape_markdown
from core.ui.try_keys import keys_of
from core.ui.try_score import show_score, show_score_details

# So many classes are buttons; more are a list to choose from.
MOST_BUTTONS = 24
PICTURE_WIDTH = 420
# Pixels: with its verdict it fits a telephone of 390.
SAID_WIDTH = 276
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
        show_score(evidence, dealt, game.guesses)
        _offer_again(evidence, dealt, game)
        show_score_details(evidence, dataset, dealt, game.guesses)
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
    return f"{words} · you were right {right} of {len(game.guesses)} times"


def _round_number(evidence: ExperimentPredictions) -> int:
    """The round that the address names; one that there is not is said, and the first is played."""
    named = st.query_params.get("round")
    if named is None:
        return 1
    most = rounds_of(evidence.images)
    if named.isascii() and named.isdecimal() and len(named) < 10 and 1 <= int(named) <= most:
        return int(named)
    st.warning(
        f"The link names the round {escape_markdown(shortened(named))}, which there is not: the rounds "
        f"are 1 to {most:,}. Shown instead: round 1."
    )
    remember(round=None)
    return 1


def _ask(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, game: Game
) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_picture(dataset, dealt, game, "what does it show?")
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
    """The truth, what the visitor said and what every strategy said."""
    place = game.looked_at
    label, guess = dealt.labels[place], game.guesses[place]
    truth = evidence.classes[label]
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_picture(dataset, dealt, game, f"labelled {truth}")
    with right:
        if guess == label:
            st.success(f"Right: it is **{escape_markdown(truth)}**.", icon=":material/check:")
        else:
            st.warning(
                f"It is **{escape_markdown(truth)}**, not {escape_markdown(evidence.classes[guess])}.",
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
        said = said_about(evidence, dealt, place)
        st.markdown(
            f"{sum(entry.right for entry in said)} of {len(said)} strategies were right. "
            "None of them was trained on this picture."
        )
        with st.container(gap="xsmall"):
            for entry in said:
                _show_said(evidence, entry)


def _show_picture(dataset: Dataset, dealt: GuessingRound, game: Game, words: str) -> None:
    """A square, however long and thin the picture is, so that nothing moves with the next one."""
    picture = reads.large_picture(dataset, dealt.images[game.looked_at])
    st.image(
        padded(fitted(picture, PICTURE_WIDTH), PICTURE_WIDTH),
        width=PICTURE_WIDTH,
        alt=f"Picture {game.looked_at + 1}: {words}",
    )


def _show_said(evidence: ExperimentPredictions, said: Said) -> None:
    sure = (
        ""
        if said.confidence is None
        else f", {escape_markdown(percent_text(said.confidence))} sure"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_strategy_name(
            said.strategy,
            said.title,
            f"  \nsaid {escape_markdown(evidence.classes[said.said])}{sure}",
            SAID_WIDTH,
        )
        verdict_badge(said.right)


def verdict_badge(right: bool) -> None:
    if right:
        st.badge("right", icon=":material/check:", color="green")
    else:
        st.badge("wrong", icon=":material/close:", color="red")


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

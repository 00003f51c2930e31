"""Try it, the score of a round: the visitor beside every strategy, and what it can tell."""

from collections.abc import Sequence

import streamlit as st

from core.charts.accuracy import players_chart
from core.comparison.evidence import ExperimentPredictions
from core.comparison.guessing import GuessingRound, round_scores, score_words
from core.datasets.model import Dataset
from core.ui import reads
from core.ui.evidence_frame import show_exhibit
from core.ui.glossary import explain
from core.text import escape_markdown

# All ten with their gaps stand side by side in a window of 1280 pixels.
TILE_SIDE = 96


def show_score(
    evidence: ExperimentPredictions, dealt: GuessingRound, guesses: Sequence[int]
) -> None:
    """How many were right, and what that can tell."""
    scores = round_scores(evidence, dealt, guesses)
    visitor = scores[0]
    ahead = sum(score.right > visitor.right for score in scores[1:])
    even = sum(score.right == visitor.right for score in scores[1:])
    st.header(
        f"You: {visitor.right} of {visitor.pictures} right", help=explain("confidence interval")
    )
    st.markdown(
        f"{ahead} of {len(scores) - 1} strategies had more right in this round, {even} as many. "
        f"{escape_markdown(score_words(scores))}"
    )


def show_score_details(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, guesses: Sequence[int]
) -> None:
    """Every player with the interval, and the pictures of the round."""
    scores = round_scores(evidence, dealt, guesses)
    show_exhibit(players_chart(scores), f"guess.{evidence.experiment_id}.{dealt.number}")
    st.caption(
        "Of a strategy with several seeds the first plays. The numbers say beside it what the "
        "same network gets right on all test pictures."
    )
    _show_pictures(evidence, dataset, dealt, guesses)


def _show_pictures(
    evidence: ExperimentPredictions, dataset: Dataset, dealt: GuessingRound, guesses: Sequence[int]
) -> None:
    squares = reads.tiles(dataset, dealt.images, TILE_SIDE)
    with st.container(horizontal=True, gap="small"):
        for square, label, guess in zip(squares, dealt.labels, guesses, strict=True):
            truth = evidence.classes[label]
            said = "right" if guess == label else f"you said {evidence.classes[guess]}"
            with st.container(width=TILE_SIDE, gap=None):
                st.image(square, width=TILE_SIDE, alt=f"{truth}; {said}")
                st.caption(f"**{escape_markdown(truth)}**  \n{escape_markdown(said)}")

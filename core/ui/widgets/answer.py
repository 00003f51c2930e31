"""The answer of an experiment on four cards."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.words.answer import Card
from core.text import escape_markdown


def show_cards(cards: Sequence[Card]) -> None:
    """Side by side, one below the other on a telephone; below a heading of the second level."""
    columns = st.columns(len(cards), border=True)
    for column, card in zip(columns, cards, strict=True):
        with column:
            st.caption(escape_markdown(card.title))
            st.subheader(escape_markdown(card.answer), anchor=False)
            st.caption(escape_markdown(card.detail))

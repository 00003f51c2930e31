"""The ladder: every strategy, what it teaches, where the tutorial describes it, its settings."""

import streamlit as st

from core.runs.specs import PRESET_IMAGE_SIZES, unavailable_reason
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Strategy
from core.ui.forms import show_settings
from core.ui.frame import link_to, show_page
from core.ui.glossary import explain_all, explain_strategy
from core.text import escape_markdown, count_text


def body() -> None:
    st.title("The ladder")
    st.markdown(
        f"{count_text(len(STRATEGIES), 'strategy')}, from the cheapest to the dearest. Each rung shows "
        "what one idea adds to the rung below; all are trained and scored on the same split.",
        help=explain_all("strategy", "split", "preset"),
    )
    for entry in sorted(STRATEGIES.values(), key=lambda strategy: strategy.cost):
        show_rung(entry)


def show_rung(entry: Strategy) -> None:
    with st.container(border=True):
        st.header(entry.title, anchor=entry.name, help=explain_strategy(entry.name))
        st.markdown(escape_markdown(entry.teaches))
        st.caption(f"Tutorial: {escape_markdown(entry.tutorial)}")
        settings = entry.resolve("quick")
        reason = unavailable_reason(entry, settings)
        if reason:
            st.caption(f":material/lock: {escape_markdown(reason)}")
        drawing = entry.describe(settings, PRESET_IMAGE_SIZES["quick"])
        if drawing:
            st.caption(f"With the quick preset: {escape_markdown(drawing)}")
            link_to(
                "measured",
                f"The layers of {escape_markdown(entry.title)}, drawn",
                section="strategies",
                strategy=entry.name,
            )
        st.caption(f"On the command line: `{entry.name}`")
        if entry.settings:
            show_settings(entry)


show_page("ladder", body)

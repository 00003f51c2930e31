"""The ladder: every strategy, what it teaches, where the tutorial describes it, its settings."""

import streamlit as st

from core.backbones.registry import BACKBONES, find_backbone
from core.experiments.planning import PRESET_IMAGE_SIZES, unavailable_reason
from core.strategies.registry import STRATEGIES, TUTORIAL_BACKBONE
from core.strategies.strategy import Strategy
from core.text import count_text, escape_markdown
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.page import link_to, show_page
from core.ui.widgets.forms import show_settings
from core.ui.widgets.glossary import explain_all, explain_strategy


def body() -> None:
    st.title("The ladder")
    titles = {name: backbone.title for name, backbone in BACKBONES.items() if backbone.is_offered}
    meaning = explain_all("backbone", "mode")
    chosen = find_backbone(
        choose_in_list(
            Choice("backbone", "Backbone", "backbone", titles, TUTORIAL_BACKBONE, meaning)
        )
    )
    shown = [
        entry
        for entry in STRATEGIES.values()
        if entry.backbone is None or entry.backbone.name == chosen.name
    ]
    st.markdown(
        f"{count_text(len(shown), 'strategy')}, from the cheapest to the most costly. Each "
        "rung shows what one idea adds to the rung below; all are trained and scored on the same "
        "split.",
        help=explain_all("strategy", "split", "preset"),
    )
    for entry in sorted(shown, key=lambda strategy: strategy.cost):
        show_rung(entry)


def show_rung(entry: Strategy) -> None:
    with st.container(border=True):
        st.header(
            escape_markdown(entry.title), anchor=entry.name, help=explain_strategy(entry.name)
        )
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
                f"Layers of {escape_markdown(entry.title)}",
                section="strategies",
                strategy=entry.name,
            )
        # Not a caption: it fades code, which is then hard to read on the dark page.
        st.markdown(f":small[On the command line:] `{entry.name}`")
        if entry.settings:
            show_settings(entry)


show_page("ladder", body)

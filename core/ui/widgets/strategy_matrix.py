"""The choice of strategies: those without a backbone, then a row for each backbone with its modes,
and how long each would take. The settings of what is chosen stand below, folded."""

from collections.abc import Iterable, Mapping
from typing import Literal

import streamlit as st

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES
from core.backbones.weights.access import is_available, what_to_do
from core.experiments.planning import below_title, unavailable_reason
from core.strategies.registry import STRATEGIES, offered_strategies
from core.strategies.strategy import Mode, Strategy
from core.text import count_text, escape_markdown, quoted_list_text, rough_seconds_text
from core.ui.widgets.forms import CHOSEN_AT_FIRST, Choices, choose_settings
from core.ui.widgets.glossary import explain_all, explain_strategy

# Pixels: of a backbone's name and of each of its modes, so that rows stand below each other. On a
# telephone a row goes over several lines.
NAME_WIDTH, MODE_WIDTH = 170, 138
# Columns of the matrix, cheap ones first; ``softmax``, which few backbones have, is the last.
MODES = {
    Mode.PROBE: "one linear layer on the features of the frozen network",
    Mode.DENSE: "a deeper head on the same features",
    Mode.FREEZE: "the first layers stay frozen, the others are trained further",
    Mode.FINETUNE: "all layers are trained further",
    Mode.SCRATCH: "the same network from random weights",
    Mode.SOFTMAX: "the network with its top, and a new softmax",
}


def choose_strategies(choices: Choices, seconds: Mapping[str, float]) -> None:
    """Writes what is chosen into ``choices``; ``seconds`` forecasts what each strategy takes."""
    _report_unknown()
    ladder = sorted(offered_strategies().values(), key=lambda entry: (entry.cost, entry.name))
    chosen = _choose_without_backbone(
        [entry for entry in ladder if entry.backbone is None], seconds
    )
    st.subheader("On a pre-trained network", help=explain_all("backbone", "mode"))
    st.caption(" · ".join(f"**{mode}**: {words}" for mode, words in MODES.items()))
    offered = [one for one in BACKBONES.values() if one.is_offered]
    here = [one for one in offered if is_available(one.weights)]
    for backbone in here:
        chosen |= _choose_modes(backbone, seconds)
    elsewhere = [one for one in offered if one not in here]
    chosen |= _choose_elsewhere(elsewhere, seconds, are_all=not here)
    choices.strategies += [entry.name for entry in ladder if entry.name in chosen]
    _choose_all_settings([entry for entry in ladder if entry.name in chosen], choices)


def _choose_without_backbone(entries: Iterable[Strategy], seconds: Mapping[str, float]) -> set[str]:
    entries, chosen = list(entries), set()
    columns = st.columns(len(entries), gap="small")
    for column, entry in zip(columns, entries, strict=True):
        with column.container(border=True, height="stretch"):
            label = _with_time(f"**{entry.title}**", entry.name, seconds)
            if _checkbox(entry, label, explain_strategy(entry.name)):
                chosen.add(entry.name)
            st.caption(escape_markdown(entry.teaches))
    return chosen


def _choose_elsewhere(
    backbones: list[Backbone], seconds: Mapping[str, float], are_all: bool
) -> set[str]:
    """The backbones whose weights are not here; without them only ``scratch`` can be run."""
    chosen: set[str] = set()
    if not backbones:
        return chosen
    title = f"{count_text(len(backbones), 'backbone')} that this machine does not have yet"
    with st.expander(title, icon=":material/download:", expanded=are_all):
        for backbone in backbones:
            chosen |= _choose_modes(backbone, seconds)
            weights = backbone.weights
            st.caption(
                f":material/lock: {escape_markdown(weights.title)}: not on this machine. "
                f"{what_to_do(weights)}"
            )
    return chosen


def _choose_modes(backbone: Backbone, seconds: Mapping[str, float]) -> set[str]:
    """One row: the modes of a backbone that are chosen."""
    by_mode = {
        one.mode: one
        for one in STRATEGIES.values()
        if one.backbone is not None and one.backbone.name == backbone.name
    }
    chosen: set[str] = set()
    missing = []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = escape_markdown(backbone.title)
        st.markdown(f"**{title}**", width=NAME_WIDTH, help=escape_markdown(backbone.about))
        for mode in MODES:
            entry = by_mode.get(mode)
            if entry is None:
                continue
            label = _with_time(str(mode), entry.name, seconds)
            if _checkbox(entry, label, None, MODE_WIDTH):
                chosen.add(entry.name)
            reason = unavailable_reason(entry, {})
            if reason is not None:
                missing.append(f"**{mode}**: {escape_markdown(below_title(entry.name, reason))}")
    if backbone.origin is not None:
        st.caption(escape_markdown(f"{backbone.about} In commands: {backbone.name}."))
    if missing and is_available(backbone.weights):
        st.caption("  \n".join(f":material/lock: {line}" for line in missing))
    return chosen


def _checkbox(
    entry: Strategy, label: str, meaning: str | None, width: int | Literal["content"] = "content"
) -> bool:
    # By what it always needs: a head that wants more weights can be changed in the settings.
    is_able = unavailable_reason(entry, {}) is None
    at_first = entry.name in (_named() & set(STRATEGIES) or CHOSEN_AT_FIRST)
    st.session_state.setdefault(f"choose.{entry.name}", at_first and is_able)
    ticked = st.checkbox(
        label, key=f"choose.{entry.name}", disabled=not is_able, help=meaning, width=width
    )
    return ticked and is_able


def _named() -> set[str]:
    """The strategies that the address names, which are chosen at first in place of the usual."""
    return set(filter(None, st.query_params.get("strategies", "").split(",")))


def _report_unknown() -> None:
    unknown = sorted(_named() - set(STRATEGIES))
    if unknown:
        names = escape_markdown(quoted_list_text(unknown))
        st.warning(f"The link names strategies that are not here (any more): {names}.")


def _with_time(label: str, strategy: str, seconds: Mapping[str, float]) -> str:
    if strategy not in seconds:
        return label
    return f"{label} · {rough_seconds_text(seconds[strategy])}"


def _choose_all_settings(entries: list[Strategy], choices: Choices) -> None:
    if not any(entry.settings for entry in entries):
        return
    st.subheader("Settings of what is chosen")
    columns = st.columns(2, gap="small")
    for place, entry in enumerate(entry for entry in entries if entry.settings):
        with columns[place % 2].container(border=True):
            st.markdown(f"**{escape_markdown(entry.title)}**", help=explain_strategy(entry.name))
            if entry.backbone is not None:
                st.caption(escape_markdown(entry.teaches))
            choose_settings(entry, choices)

"""Compare: which strategies are shown, where there are too many to see at once."""

from dataclasses import replace

import streamlit as st

from core.analysis.choice import backbone_of
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Mode
from core.text import count_text
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject

# So many fit on a page: the strategies of one backbone and those without.
FEW = 9
ALL = "all"
BESIDE = ", and those without a backbone"
SHOW_HELP = (
    "The charts, tables and tests below are of these strategies alone. Holm's correction is for "
    "the number of their pairs: the fewer are shown, the smaller a difference that can be seen."
)


def choose_shown(subject: Subject) -> Subject:
    """The subject with the strategies that were chosen; unchanged where it has few."""
    names = list(dict.fromkeys(run.strategy for run in subject.runs))
    groups = groups_of(names)
    if len(names) <= FEW or not groups:
        return subject
    options = {ALL: f"All {len(names)} strategies"} | {
        key: f"{title.removesuffix(BESIDE)} ({len(members)})"
        for key, (title, members) in groups.items()
    }
    chosen = choose_in_list(
        Choice("group", "Strategies shown", "group of strategies", options, ALL, SHOW_HELP)
    )
    if chosen == ALL:
        return subject
    title, members = groups[chosen]
    st.caption(
        f"Shown: {title}, {len(members)} of {count_text(len(names), 'strategy')}. All tests on "
        "this page are among these."
    )
    runs = tuple(run for run in subject.runs if run.strategy in members)
    return replace(subject, runs=runs)


def groups_of(names: list[str]) -> dict[str, tuple[str, list[str]]]:
    """By what stands in the address: a title, and the strategies among ``names``.

    Each backbone with all its modes, and each mode of all backbones, always beside those without a
    backbone. A group that would be all or nothing more than these is left out.
    """
    alone = [name for name in names if backbone_of(name) is None]
    backbones = {one.name: one.title for name in names if (one := backbone_of(name))}
    modes = [mode for mode in Mode if any(_mode_of(name) == mode for name in names)]
    beside = BESIDE if alone else ""
    found = {
        key: (f"{title}{beside}", [n for n in names if n in alone or _backbone_name(n) == key])
        for key, title in backbones.items()
    }
    for mode in modes:
        members = [name for name in names if name in alone or _mode_of(name) == mode]
        if len(members) > len(alone) + 1:
            found[mode] = (f"{mode} of every backbone{beside}", members)
    return {key: group for key, group in found.items() if len(group[1]) < len(names)}


def holm_words(strategies: int) -> str:
    """Over which family of tests Holm's correction is taken."""
    pairs = strategies * (strategies - 1) // 2
    return (
        f"Holm's correction is over {count_text(pairs, 'pair')}: all those of the "
        f"{count_text(strategies, 'strategy')} shown."
    )


def _mode_of(name: str) -> Mode | None:
    return STRATEGIES[name].mode if name in STRATEGIES else None


def _backbone_name(name: str) -> str | None:
    backbone = backbone_of(name)
    return backbone.name if backbone else None

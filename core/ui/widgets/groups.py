"""Which strategies are shown, where there are too many to see at once; the address keeps it."""

from collections.abc import Collection
from dataclasses import replace

import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.families import ALL, FEW, MAIN, groups_of
from core.analysis.words.families import describe_group, group_title
from core.text import escape_markdown
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject, computed

SHOW_HELP = (
    "What is below is of these strategies alone. Where all pairs are tested, Holm's correction is "
    "for the number of their pairs: the fewer are shown, the smaller a difference that can be seen."
)
# What may name a strategy in an address.
_NAMING = ("first", "second", "strategy", "drawn")


def choose_shown(subject: Subject) -> Subject:
    """The subject with the strategies that were chosen; unchanged where it has few.

    At first the main ones; all, where the address names another strategy or runs are at work.
    """
    names = list(dict.fromkeys(run.strategy for run in subject.runs))
    if len(names) <= FEW:
        return subject  # and no predictions are read
    groups = groups_of(names, computed(subject, headline_pair))
    if not groups:
        return subject
    main = groups.get(MAIN)
    is_main = main and not subject.comparison.is_active and _named(names) <= set(main.strategies)
    titles = {key: group_title(group) for key, group in groups.items()}
    chosen = groups[
        choose_in_list(
            Choice(
                "group",
                "Strategies shown",
                "group of strategies",
                titles,
                MAIN if is_main else ALL,
                SHOW_HELP,
            )
        )
    ]
    if words := describe_group(chosen, len(names)):
        st.caption(escape_markdown(words))
    return with_strategies(subject, chosen.strategies)


def with_strategies(subject: Subject, strategies: Collection[str]) -> Subject:
    """The subject with the runs of these strategies; unchanged where those are all."""
    runs = tuple(run for run in subject.runs if run.strategy in strategies)
    return subject if len(runs) == len(subject.runs) else replace(subject, runs=runs, whole=subject)


def _named(names: Collection[str]) -> set[str]:
    """The strategies of the experiment that the address names."""
    found = {name for key in _NAMING for name in st.query_params.get(key, "").split(",")}
    return found & set(names)

"""Many strategies at once: which to show first, in which groups, and the pairs that matter.

A backbone with its modes is a family. No result decides which of its strategies are shown or
tested first: its probe, and the mode that trains most of it. (The few validation images cannot tell
modes apart, and a test is too kind to what the test images chose.) The one exception is the best
from scratch, chosen as for the headline pair, which makes it harder to beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.analysis.choice import (
    backbone_of,
    best_from_scratch,
    is_probe,
    needs_pretrained,
    smallest_first,
)
from core.analysis.evidence import ExperimentPredictions
from core.analysis.verdicts import PairVerdict, family_of_pairs
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Mode

# So many fit on a page: the strategies of one backbone and those without.
FEW = 9
MAIN, ALL = "main", "all"


class GroupKind(StrEnum):
    """What the strategies of a group have in common."""

    MAIN = "main"
    ALL = "all"
    BACKBONE = "backbone"
    MODE = "mode"


@dataclass(frozen=True)
class Group:
    """Some strategies of an experiment, in its order, for people who look at them together.

    ``name`` is the title of the backbone or the mode; empty for ``MAIN`` and ``ALL``.
    ``is_beside``: those without a backbone are among them.
    """

    kind: GroupKind
    name: str
    strategies: tuple[str, ...]
    is_beside: bool


def groups_of(names: Sequence[str], headline: tuple[str, str] | None) -> dict[str, Group]:
    """By what stands in an address; empty where ``names`` are few or fall into no groups.

    The main ones (``main_strategies``), all, each backbone with all its modes, and each mode of all
    backbones, always beside those without a backbone. A backbone or a mode that would be all, or
    nothing more than these, is left out.
    """
    alone = [name for name in names if backbone_of(name) is None]
    backbones = {one.name: one.title for name in names if (one := backbone_of(name))}
    if len(names) <= FEW or not backbones:
        return {}

    def group(kind: GroupKind, name: str, members: Sequence[str]) -> Group:
        kept = tuple(each for each in names if each in members)
        return Group(kind, name, kept, bool(alone))

    found = {
        MAIN: group(GroupKind.MAIN, "", main_strategies(names, headline)),
        ALL: group(GroupKind.ALL, "", names),
    }
    for key, title in backbones.items():
        members = [*alone, *(name for name in names if _backbone_name(name) == key)]
        found[key] = group(GroupKind.BACKBONE, title, members)
    for mode in Mode:
        members = [name for name in names if _mode_of(name) is mode]
        if len(members) > 1:
            found[mode] = group(GroupKind.MODE, mode, [*alone, *members])
    return {
        key: entry
        for key, entry in found.items()
        if entry.kind is GroupKind.ALL or len(entry.strategies) < len(names)
    }


def main_strategies(names: Sequence[str], headline: tuple[str, str] | None) -> tuple[str, ...]:
    """What tells most, in the order of ``names``: all of them where they are few.

    Those without a backbone, the ``headline`` pair, and of each backbone the probe and the mode
    that trains most of it.
    """
    if len(names) <= FEW:
        return tuple(names)
    chosen = {name for name in names if backbone_of(name) is None or is_probe(name)}
    chosen |= set(headline or ()) | set(furthest_modes(names).values())
    return tuple(name for name in names if name in chosen)


def furthest_modes(names: Sequence[str]) -> dict[str, str]:
    """By backbone, its strategy that trains most of its weights, in the order of names."""
    found: dict[str, str] = {}
    depth = list(Mode)
    for name in names:
        backbone, mode = _backbone_name(name), _mode_of(name)
        if backbone is None or mode is None or not needs_pretrained(name):
            continue
        former = _mode_of(found[backbone]) if backbone in found else None
        if former is None or depth.index(mode) > depth.index(former):
            found[backbone] = name
    return found


class Question(StrEnum):
    """What a pair that matters answers; ``second`` of the pair stands for the answer yes."""

    PRETRAINED = "pretrained"  # each backbone's probe over the best from scratch
    FURTHER = "further"  # what trains most of a backbone over its own probe
    LARGER = "larger"  # each larger backbone's probe over that of the smallest


@dataclass(frozen=True)
class KeyPair:
    """One pair that matters, ``verdict.second`` over ``verdict.first``, and what it answers."""

    question: Question
    verdict: PairVerdict


def key_pairs(evidence: ExperimentPredictions) -> tuple[KeyPair, ...]:
    """The pairs that matter, question by question, with intervals; Holm over these alone. None with
    a strategy that has seen test images."""
    evidence = evidence.fair
    names = [answers.strategy for answers in evidence.answers]
    accuracies = {answers.strategy: answers.accuracy for answers in evidence.answers}
    probes = {_backbone_name(name): name for name in names if is_probe(name)}
    furthest, scratch = furthest_modes(names), best_from_scratch(accuracies)
    wanted: list[tuple[Question, str, str]] = []
    if scratch is not None:
        wanted += [(Question.PRETRAINED, scratch, probe) for probe in probes.values()]
    wanted += [
        (Question.FURTHER, probes[backbone], name)
        for backbone, name in furthest.items()
        if backbone in probes
    ]
    smallest = smallest_first(list(probes.values()))
    wanted += [(Question.LARGER, smallest[0], probe) for probe in smallest[1:]]
    chosen: dict[frozenset[str], tuple[Question, str]] = {}
    for question, over, name in wanted:
        if name != over:
            chosen.setdefault(frozenset((over, name)), (question, name))
    ordered = [
        (first, second)
        for first, second in evidence.pair_tests
        if frozenset((first, second)) in chosen
    ]
    found = {
        frozenset((pair.first, pair.second)): pair
        for pair in family_of_pairs(evidence, ordered, with_intervals=True)
    }
    return tuple(
        KeyPair(question, found[pair] if found[pair].second == name else found[pair].turned)
        for pair, (question, name) in chosen.items()
    )


def _mode_of(name: str) -> Mode | None:
    return STRATEGIES[name].mode if name in STRATEGIES else None


def _backbone_name(name: str) -> str | None:
    backbone = backbone_of(name)
    return backbone.name if backbone else None

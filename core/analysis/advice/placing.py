"""Where a dataset lies among the tutorial's four scenarios, and what its rule proposes to run.

The axes are the number of training images a class, and how much the last block of a network that
was trained on ImageNet beats the blocks before it. The tutorial gives no number for either: the
limits are Headstart's conventions (``docs/decisions/0029-advice-before-training.md``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.analysis.advice.facts import BackboneFacts, Blocks, Difference, Facts
from core.analysis.datasets import counts, weight_of
from core.analysis.listing import ListedResult, list_result, listed_results
from core.backbones.registry import BACKBONES
from core.experiments.records import ExperimentRecord
from core.experiments.store import Store
from core.strategies.registry import MAJORITY, STRATEGIES, names_with
from core.strategies.strategy import Mode, Role

# ImageNet has about 1,280 training images a class (1,281,167 in 1,000).
MANY_A_CLASS = 1000
# A difference that stays below this is none worth a decision.
AS_GOOD = 0.01


class Finding(StrEnum):
    """What a difference with its interval says."""

    AHEAD = "ahead"  # more than luck
    AS_GOOD = "as good"  # less than ``AS_GOOD``, whatever luck did
    UNKNOWN = "cannot tell"


class Similarity(StrEnum):
    """Whether images are like the photographs of ImageNet."""

    ALIKE = "alike"
    UNLIKE = "unlike"
    UNKNOWN = "cannot tell"


class Scenario(StrEnum):
    """The tutorial's four cases."""

    FEW_ALIKE = "few_alike"
    FEW_UNLIKE = "few_unlike"
    MANY_ALIKE = "many_alike"
    MANY_UNLIKE = "many_unlike"


_SIMILARITY = {
    Finding.AHEAD: Similarity.ALIKE,
    Finding.AS_GOOD: Similarity.UNLIKE,
    Finding.UNKNOWN: Similarity.UNKNOWN,
}


@dataclass(frozen=True)
class Placement:
    """Where a dataset lies. ``scenarios``: one, or two where the similarity cannot be told.

    ``frozen_layers``: how many layers to keep frozen where some are, by the curve of the blocks;
    ``frozen_block`` is the number of the block that they end with. None without the blocks.
    """

    images_a_class: float
    are_many: bool
    similarity: Similarity
    scenarios: tuple[Scenario, ...]
    frozen_layers: int | None
    frozen_block: int | None


@dataclass(frozen=True)
class Proposal:
    """What the rule and the facts propose to run: names of ``strategies``, cheap ones first, with
    ``settings`` ("strategy.setting") that differ from the preset. ``backbone``: whose features
    they stand on, the smallest that is not clearly behind the best."""

    backbone: BackboneFacts
    strategies: tuple[str, ...]
    settings: Mapping[str, int]


@dataclass(frozen=True)
class FoundHere:
    """What an experiment of this installation found on one dataset, and where that dataset lies.

    ``placement`` is None where the facts of the dataset were not measured. ``is_named``: whether
    the best strategy, or the cheapest that cannot be told apart from it, is one that the rule
    names; None without a placement.
    """

    experiment: ExperimentRecord
    result: ListedResult
    placement: Placement | None
    is_named: bool | None


def finding_of(found: Difference) -> Finding:
    """By the interval alone: above 0, or all of it below ``AS_GOOD``."""
    if found.low > 0:
        return Finding.AHEAD
    return Finding.AS_GOOD if found.high <= AS_GOOD else Finding.UNKNOWN


def placed(facts: Facts) -> Placement:
    """Where the dataset lies."""
    similarity = Similarity.UNKNOWN
    if facts.blocks is not None:
        similarity = _SIMILARITY[finding_of(facts.blocks.gain)]
    block = None if facts.blocks is None else frozen_block(facts.blocks)
    are_many = facts.images_a_class >= MANY_A_CLASS
    return Placement(
        images_a_class=facts.images_a_class,
        are_many=are_many,
        similarity=similarity,
        scenarios=scenarios_of(are_many, similarity),
        frozen_layers=None
        if facts.blocks is None or block is None
        else facts.blocks.blocks[block - 1].frozen_layers,
        frozen_block=block,
    )


def scenarios_of(are_many: bool, similarity: Similarity) -> tuple[Scenario, ...]:
    """The scenario, or both of that size where the similarity cannot be told."""
    alike = Scenario.MANY_ALIKE if are_many else Scenario.FEW_ALIKE
    unlike = Scenario.MANY_UNLIKE if are_many else Scenario.FEW_UNLIKE
    return {
        Similarity.ALIKE: (alike,),
        Similarity.UNLIKE: (unlike,),
        Similarity.UNKNOWN: (alike, unlike),
    }[similarity]


def frozen_block(blocks: Blocks) -> int:
    """The number of the block to freeze up to: the first that is not clearly behind the best, so
    that what comes after it has to be learned anew; but never the last, which would be a probe."""
    for block in blocks.blocks[:-1]:
        if block.behind is None or block.behind.low <= 0:
            return block.number
    return len(blocks.blocks) - 1


def strategies_of(scenario: Scenario) -> tuple[str, ...]:
    """The strategies that the tutorial's rule names in a scenario, of every backbone."""
    return {
        Scenario.FEW_ALIKE: names_with(Role.LINEAR_PROBE, Role.FROZEN_FEATURES),
        Scenario.FEW_UNLIKE: names_with(mode=Mode.FREEZE),
        Scenario.MANY_ALIKE: names_with(mode=Mode.FINETUNE),
        Scenario.MANY_UNLIKE: names_with(Role.RANDOM_START)
        + names_with(Role.FROM_SCRATCH, convolutional=True),
    }[scenario]


def smallest_good(facts: Facts) -> BackboneFacts | None:
    """The backbone with the least work for an image among those whose probe is not clearly behind
    the best; None where none was measured, or none is here any more."""
    good = [
        one
        for one in facts.backbones
        if one.name in BACKBONES and (one.behind is None or one.behind.low <= 0)
    ]
    return min(good, key=lambda one: BACKBONES[one.name].multiply_adds, default=None)


def proposal(facts: Facts, placement: Placement) -> Proposal | None:
    """The baseline, the best that learns from these images alone, the probe, and what the rule
    names, on the smallest good backbone; None without one.

    Layers are frozen in the backbone whose blocks were compared: there the curve says how many.
    """
    backbone = smallest_good(facts)
    if backbone is None:
        return None
    blocks = facts.blocks
    named = {name for scenario in placement.scenarios for name in strategies_of(scenario)}
    wanted = {MAJORITY, *names_with(Role.FROM_SCRATCH, convolutional=True)}
    wanted |= set(names_with(Role.LINEAR_PROBE, backbone=backbone.name))
    wanted |= {name for name in named if STRATEGIES[name].backbone is None}
    settings: dict[str, int] = {}
    for name in named:
        strategy = STRATEGIES[name]
        is_frozen = strategy.mode is Mode.FREEZE and blocks is not None
        stands_on = blocks.backbone if is_frozen and blocks is not None else backbone.name
        needs_more = "full_weights" in strategy.needs({})  # of the network with its top
        if strategy.backbone is None or strategy.backbone.name != stands_on or needs_more:
            continue
        wanted.add(name)
        if is_frozen and placement.frozen_layers is not None:
            settings[f"{name}.k"] = placement.frozen_layers
    ordered = sorted(wanted, key=lambda name: (STRATEGIES[name].cost, name))
    return Proposal(backbone, tuple(ordered), settings)


# What was found here ------------------------------------------------------------------------------


def telling_experiments(experiments: Sequence[ExperimentRecord]) -> list[ExperimentRecord]:
    """One finished experiment of each dataset, by the name of the dataset: that of the largest
    ``weight_of`` among those that ``counts``."""
    found: dict[str, ExperimentRecord] = {}
    for experiment in experiments:
        if not counts(experiment) or not experiment.state_counts.get("finished"):
            continue
        former = found.get(experiment.spec.dataset_id)
        if former is None or weight_of(experiment) > weight_of(former):
            found[experiment.spec.dataset_id] = experiment
    return sorted(found.values(), key=lambda one: one.spec.dataset_name)


def found_here(store: Store, facts: Mapping[str, Facts]) -> tuple[FoundHere, ...]:
    """What the telling experiment of each dataset found; ``facts`` by the id of the dataset.

    The first time an experiment is asked for, its predictions are read: up to a second.
    """
    kept, missing = listed_results(store)
    found = []
    for experiment in telling_experiments(store.experiments()):
        if experiment.id in missing:
            kept[experiment.id] = list_result(store, experiment.id, missing[experiment.id])
        result = kept.get(experiment.id)
        if result is None:
            continue
        known = facts.get(experiment.spec.dataset_id)
        placement = None if known is None else placed(known)
        found.append(FoundHere(experiment, result, placement, _is_named(result, placement)))
    return tuple(found)


def _is_named(result: ListedResult, placement: Placement | None) -> bool | None:
    if placement is None:
        return None
    named = {
        STRATEGIES[name].title
        for scenario in placement.scenarios
        for name in strategies_of(scenario)
    }
    return bool({result.best, result.cheapest} & named)

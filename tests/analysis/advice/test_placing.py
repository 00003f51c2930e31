"""The four scenarios, what they propose, and what the experiments of an installation found."""

from dataclasses import replace

import pytest

from core.analysis.advice.facts import Difference
from core.analysis.advice.placing import (
    AS_GOOD,
    MANY_A_CLASS,
    Finding,
    Scenario,
    Similarity,
    finding_of,
    found_here,
    frozen_block,
    placed,
    proposal,
    scenarios_of,
    smallest_good,
    strategies_of,
    telling_experiments,
)
from core.datasets.storage import open_dataset
from core.experiments.records import ExperimentRecord
from core.experiments.store import Store
from core.strategies.registry import STRATEGIES, find_strategy
from tests import made_up
from tests.made_facts import backbone, blocks, difference, facts
from tests.pages.compared import EXPERIMENT, store_compared

FEW = (Scenario.FEW_ALIKE, Scenario.FEW_UNLIKE)
MANY = (Scenario.MANY_ALIKE, Scenario.MANY_UNLIKE)


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [
        (0.001, 0.4, Finding.AHEAD),
        (0.0, 0.4, Finding.UNKNOWN),
        (-0.02, AS_GOOD + 0.001, Finding.UNKNOWN),
        (-0.02, AS_GOOD, Finding.AS_GOOD),
        (-0.2, -0.1, Finding.AS_GOOD),
        (0.0, 0.0, Finding.AS_GOOD),
    ],
)
def test_a_difference_is_judged_by_its_interval(low, high, finding):
    assert finding_of(Difference((low + high) / 2, low, high)) is finding


@pytest.mark.parametrize(
    ("points", "images", "similarity", "scenarios"),
    [
        (5, 300, Similarity.ALIKE, (Scenario.FEW_ALIKE,)),
        (-5, 300, Similarity.UNLIKE, (Scenario.FEW_UNLIKE,)),
        (1, 300, Similarity.UNKNOWN, FEW),
        (5, 3 * MANY_A_CLASS, Similarity.ALIKE, (Scenario.MANY_ALIKE,)),
        (-5, 3 * MANY_A_CLASS, Similarity.UNLIKE, (Scenario.MANY_UNLIKE,)),
        (1, 3 * MANY_A_CLASS, Similarity.UNKNOWN, MANY),
        (5, 3 * MANY_A_CLASS - 1, Similarity.ALIKE, (Scenario.FEW_ALIKE,)),
    ],
)
def test_a_dataset_lies_by_its_size_and_its_blocks(points, images, similarity, scenarios):
    found = placed(facts(train_images=images, blocks=blocks(difference(points))))
    assert (found.similarity, found.scenarios) == (similarity, scenarios)
    assert found.are_many == (images >= 3 * MANY_A_CLASS)


def test_without_the_blocks_the_similarity_is_not_known():
    found = placed(facts(blocks=None))
    assert (found.similarity, found.scenarios) == (Similarity.UNKNOWN, FEW)
    assert (found.frozen_layers, found.frozen_block) == (None, None)


@pytest.mark.parametrize(
    ("behind", "block", "layers"),
    [
        ((30, 20, 10, 5, None), 4, 15),  # all before the last are clearly behind it
        ((30, 20, None, 5, 9), 3, 11),
        ((30, 1.5, None, 5, 9), 2, 7),  # the second may be as good as the third
        ((30, 20, 10, 1.5, None), 4, 15),
        ((None, 20, 20, 20, 20), 1, 4),
    ],
)
def test_layers_are_frozen_up_to_the_first_block_that_may_be_the_best(behind, block, layers):
    curve = blocks(difference(0), *behind)
    assert frozen_block(curve) == block
    found = placed(facts(blocks=curve))
    assert (found.frozen_block, found.frozen_layers) == (block, layers)


def test_the_rule_names_strategies_of_every_backbone_and_all_of_them_exist():
    for scenario in Scenario:
        assert set(strategies_of(scenario)) <= set(STRATEGIES)
    assert {"vgg16_probe", "vgg16_features"} <= set(strategies_of(Scenario.FEW_ALIKE))
    assert {"vgg16_freeze", "squeezenet_freeze"} <= set(strategies_of(Scenario.FEW_UNLIKE))
    assert {"cnn", "vgg16_scratch"} <= set(strategies_of(Scenario.MANY_UNLIKE))
    assert "mlp" not in strategies_of(Scenario.MANY_UNLIKE)


# Proposals ----------------------------------------------------------------------------------------


def test_the_smallest_backbone_that_is_not_clearly_behind_is_taken():
    assert smallest_good(facts()).name == "efficientnet_lite0"
    vgg16 = backbone("vgg16", "VGG16", 0.72, None)
    behind = backbone("efficientnet_lite0", "EfficientNet-Lite0", 0.60, difference(12))
    near = backbone("efficientnet_lite0", "EfficientNet-Lite0", 0.71, difference(1))
    assert smallest_good(facts(backbones=(vgg16, behind))).name == "vgg16"
    assert smallest_good(facts(backbones=(vgg16, near))).name == "efficientnet_lite0"
    gone = backbone("removed", "Mine", 0.8, None)
    assert smallest_good(facts(backbones=(gone, near))).name == "efficientnet_lite0"
    assert smallest_good(facts(backbones=())) is None


@pytest.mark.parametrize(
    ("points", "images", "strategies", "settings"),
    [
        (5, 300, ("majority", "cnn", "efficientnet_lite0_probe", "efficientnet_lite0_dense"), {}),
        (
            -5,
            300,
            ("majority", "cnn", "efficientnet_lite0_probe", "vgg16_freeze"),
            {"vgg16_freeze.k": 15},
        ),
        (
            5,
            3 * MANY_A_CLASS,
            ("majority", "cnn", "efficientnet_lite0_probe", "efficientnet_lite0_finetune"),
            {},
        ),
        (
            -5,
            3 * MANY_A_CLASS,
            ("majority", "cnn", "efficientnet_lite0_probe", "efficientnet_lite0_scratch"),
            {},
        ),
    ],
)
def test_what_is_proposed_begins_with_baselines_and_ends_with_the_rule(
    points, images, strategies, settings
):
    found = facts(train_images=images, blocks=blocks(difference(points)))
    proposed = proposal(found, placed(found))
    assert proposed.strategies == strategies
    assert proposed.settings == settings
    assert proposed.backbone is found.backbones[0]


def test_where_it_cannot_be_told_both_cases_are_proposed():
    found = facts(blocks=blocks(difference(1)))
    proposed = proposal(found, placed(found))
    assert {"efficientnet_lite0_dense", "vgg16_freeze"} < set(proposed.strategies)
    costs = [find_strategy(name).cost for name in proposed.strategies]
    assert costs == sorted(costs)


def test_a_strategy_that_needs_the_top_of_a_network_is_not_proposed():
    found = facts(backbones=(backbone("vgg16", "VGG16", 0.7, None),))
    assert "vgg16_softmax" in strategies_of(Scenario.FEW_ALIKE)
    assert proposal(found, placed(found)).strategies == (
        "majority", "cnn", "vgg16_probe", "vgg16_features",
    )  # fmt: skip


def test_without_a_backbone_nothing_is_proposed():
    found = facts(backbones=(), blocks=None)
    assert proposal(found, placed(found)) is None


# What was found here ------------------------------------------------------------------------------


def test_the_experiment_with_most_strategies_speaks_of_a_dataset():
    def experiment(
        name: str, dataset: str, count: int, share: float = 1.0, finished: int = 1
    ) -> ExperimentRecord:
        strategies = tuple((f"strategy{number}", {}) for number in range(count))
        named = {"dataset_id": dataset, "dataset_name": dataset, "strategies": strategies}
        spec = made_up.spec(train_share=share, **named)
        return made_up.experiment(id=name, spec=spec, state_counts={"finished": finished})

    archived = experiment("archived", "b", 9)
    archived = replace(archived, labels=replace(archived.labels, archived=True))
    listed = [
        experiment("newest", "b", 3),
        experiment("older", "b", 3),
        experiment("more", "a", 5),
        experiment("fewer", "a", 2),
        experiment("part", "a", 9, share=0.5),
        experiment("waiting", "a", 9, finished=0),
        archived,
    ]
    assert [one.id for one in telling_experiments(listed)] == ["more", "newest"]
    assert telling_experiments([]) == []


def test_what_was_best_here_is_held_against_the_rule(arrows_store: Store):
    arrows = open_dataset("arrows")
    store_compared(arrows_store, arrows)
    (unplaced,) = found_here(arrows_store, {})
    assert unplaced.experiment.id == EXPERIMENT
    assert (unplaced.placement, unplaced.is_named) == (None, None)
    # The CNN is the best, and no probe is: the rule for few images that are alike names others.
    assert unplaced.result.best == "CNN, three blocks"
    alike = facts(arrows, blocks=blocks(difference(5)))
    (found,) = found_here(arrows_store, {arrows.id: alike})
    assert (found.placement.scenarios, found.is_named) == ((Scenario.FEW_ALIKE,), False)
    unlike = facts(arrows, train_images=5000, blocks=blocks(difference(-5)))
    (found,) = found_here(arrows_store, {arrows.id: unlike})
    assert (found.placement.scenarios, found.is_named) == ((Scenario.MANY_UNLIKE,), True)


def test_both_scenarios_of_a_size_where_the_similarity_cannot_be_told():
    assert scenarios_of(False, Similarity.UNKNOWN) == FEW
    assert scenarios_of(True, Similarity.UNKNOWN) == MANY

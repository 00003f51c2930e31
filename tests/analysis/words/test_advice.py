"""What is known before training, in sentences."""

from dataclasses import replace

import pytest

from core.analysis.advice.experience import ENOUGH_CASES
from core.analysis.advice.placing import FoundHere, placed
from core.analysis.listing import ListedResult
from core.analysis.words.advice import (
    BLOCK_BY_BLOCK,
    CONVENTIONS,
    INTERVALS,
    QUICK_TEST,
    RULES,
    SCENARIO_TITLES,
    describe_backbones,
    describe_curve,
    describe_facts,
    describe_found,
    describe_frozen,
    describe_left_out,
    describe_placement,
    describe_rule,
    describe_similarity,
    describe_size,
    how_measured,
    named_words,
    scenario_words,
)
from tests import made_up
from tests.analysis.words.conftest import Held
from tests.made_facts import backbone, blocks, difference, facts

RESULT = ListedResult(
    best="CNN, three blocks",
    accuracy=0.8,
    low=0.7,
    high=0.9,
    gain=0.3,
    is_better=True,
    pretraining=None,
    cheapest="CNN, three blocks",
    cheapest_seconds=10.0,
    seconds=80.0,
    device="two test cores",
    size_bytes=1,
)


def found(is_named: bool | None) -> FoundHere:
    placement = None if is_named is None else placed(facts())
    return FoundHere(made_up.experiment(), RESULT, placement, is_named)


def joined(sentences: list[str]) -> str:
    return "\n".join(sentences)


def test_the_sentences(held: Held) -> None:
    usual = facts()
    alike = placed(usual)
    unlike = facts(train_images=9000, blocks=blocks(difference(-4), 20, 1.5, None, 6, 4))
    unknown = facts(blocks=blocks(difference(1)))
    plain = facts(
        class_counts=(40, 40, 33),
        near_duplicate_groups=0,
        images=60,
        backbones=(backbone("vgg16", "VGG16", 0.30, None),),
        blocks=None,
    )
    behind = backbone("vgg16", "VGG16", 0.60, difference(12))
    held(
        {
            "all": joined(describe_facts(usual)),
            "the rule": joined(describe_rule(usual, alike)),
            "backbones": joined(describe_backbones(usual)),
            "size: a sample, no duplicates": joined(describe_size(plain)),
            "size: equal classes": joined(describe_size(facts(class_counts=(40, 40, 40)))),
            "backbones: one alone": joined(describe_backbones(plain)),
            "backbones: one is behind": joined(
                describe_backbones(facts(backbones=(usual.backbones[0], behind)))
            ),
            "backbones: none": joined(describe_backbones(facts(backbones=()))),
            "similarity: unlike": describe_similarity(unlike),
            "similarity: cannot tell": describe_similarity(unknown),
            "similarity: without the blocks": describe_similarity(plain),
            "curve: levelled off": describe_curve(
                facts(backbones=(replace(usual.backbones[0], doubling=difference(-2)),))
            ),
            "curve: cannot tell": describe_curve(
                facts(backbones=(replace(usual.backbones[0], doubling=difference(1)),))
            ),
            "curve: too few": describe_curve(
                facts(backbones=(replace(usual.backbones[0], doubling=None),))
            ),
            "placement: many, unlike": describe_placement(placed(unlike)),
            "placement: cannot tell": describe_placement(placed(unknown)),
            "frozen: not the first": describe_frozen(unlike, placed(unlike)) or "",
            "left out": joined(
                describe_left_out(facts(too_small=("VGG16",), seen=("CNN of digits",)))
            ),
            "here: nothing": describe_found([]),
            "here: not measured": describe_found([found(None)]),
            "here: some": describe_found([found(True), found(False), found(None)]),
            "here: enough": describe_found([found(True)] * ENOUGH_CASES),
            "how": joined(how_measured(usual)),
            "conventions": CONVENTIONS,
            "the quick test": QUICK_TEST,
            "block by block": BLOCK_BY_BLOCK,
            "intervals": INTERVALS,
        }
    )


def test_every_scenario_has_its_words() -> None:
    assert list(SCENARIO_TITLES) == list(RULES)
    assert scenario_words(None) == "not measured"
    assert scenario_words(placed(facts())) == "few images, like ImageNet's photographs"
    both = scenario_words(placed(facts(blocks=None)))
    assert both.endswith("photographs or few images, unlike ImageNet's photographs")


@pytest.mark.parametrize(("is_named", "word"), [(True, "yes"), (False, "no"), (None, "not known")])
def test_whether_the_rule_named_the_best(is_named: bool | None, word: str) -> None:
    assert named_words(found(is_named)) == word


def test_without_blocks_nothing_is_proposed_to_be_frozen() -> None:
    bare = facts(blocks=None)
    assert describe_frozen(bare, placed(bare)) is None
    assert len(describe_rule(bare, placed(bare))) == 1

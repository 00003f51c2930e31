"""Groups of many strategies, those that are shown first, and the pairs that matter."""

import pytest

from core.analysis.choice import headline_pair
from core.analysis.families import (
    ALL,
    MAIN,
    Question,
    furthest_modes,
    groups_of,
    key_pairs,
    main_strategies,
)
from core.analysis.significance import holm
from tests.made_families import ALONE, MAIN_ONES, NAMES, evidence


@pytest.fixture(scope="module")
def found():
    return evidence()


def test_the_main_ones_are_chosen_by_what_they_are(found):
    assert main_strategies(NAMES, None) == MAIN_ONES
    # The headline pair is always there: the best from scratch may stand on a backbone.
    assert headline_pair(found) == ("cnn", "vgg16_finetune")
    with_headline = main_strategies(NAMES, ("vgg16_scratch", "vgg16_dense"))
    assert set(with_headline) - set(MAIN_ONES) == {"vgg16_scratch"}


def test_few_strategies_are_all_shown_and_have_no_groups():
    assert main_strategies(NAMES[:9], None) == NAMES[:9]
    assert groups_of(NAMES[:9], None) == {}


def test_what_trains_most_is_never_from_random_weights():
    assert furthest_modes(NAMES) == {
        "vgg16": "vgg16_finetune",
        "efficientnet_lite0": "efficientnet_lite0_finetune",
        "squeezenet": "squeezenet_finetune",
    }
    names = ("vgg16_scratch", "vgg16_freeze", "vgg16_probe", "squeezenet_scratch", "gone", "cnn")
    assert furthest_modes(names) == {"vgg16": "vgg16_freeze"}


def test_main_all_each_backbone_and_each_mode_are_groups():
    groups = groups_of(NAMES, None)
    assert list(groups) == [
        *(MAIN, ALL, "vgg16", "efficientnet_lite0", "squeezenet"),
        *("probe", "dense", "freeze", "finetune", "scratch"),
    ]
    assert groups[ALL].strategies == NAMES
    assert groups["squeezenet"].strategies == (*ALONE, *NAMES[13:])
    assert groups["dense"].strategies == (
        *ALONE,
        *("vgg16_features", "efficientnet_lite0_dense", "squeezenet_dense"),
    )
    assert all(group.is_beside for group in groups.values())


def test_a_group_of_all_or_of_one_is_none():
    one_backbone = [name for name in NAMES if name in ALONE or name.startswith("vgg16")]
    names = [*one_backbone, "gone", "squeezenet_probe"]
    groups = groups_of(names, None)
    # Fine-tuning was run on one backbone alone; without ``squeezenet_probe`` VGG16 would be all.
    assert "finetune" not in groups
    assert set(groups) == {MAIN, ALL, "vgg16", "squeezenet", "probe"}
    assert groups_of([*one_backbone, "gone", "away"], None).keys() == {MAIN, ALL}


def test_the_pairs_that_matter_answer_three_questions(found):
    pairs = key_pairs(found)
    assert [(p.question, p.verdict.second, p.verdict.first) for p in pairs] == [
        (Question.PRETRAINED, "vgg16_probe", "cnn"),
        (Question.PRETRAINED, "efficientnet_lite0_probe", "cnn"),
        (Question.PRETRAINED, "squeezenet_probe", "cnn"),
        (Question.FURTHER, "vgg16_finetune", "vgg16_probe"),
        (Question.FURTHER, "efficientnet_lite0_finetune", "efficientnet_lite0_probe"),
        (Question.FURTHER, "squeezenet_finetune", "squeezenet_probe"),
        (Question.LARGER, "efficientnet_lite0_probe", "squeezenet_probe"),
        (Question.LARGER, "vgg16_probe", "squeezenet_probe"),
    ]
    # Of 400 images 240, 250 and 161 beside 160; 161 beside 250 and 240, though later in the ladder.
    assert [p.verdict.difference for p in pairs[:3]] == pytest.approx([0.2, 0.225, 0.0025])
    assert [p.verdict.difference for p in pairs[6:]] == pytest.approx([0.2225, 0.1975])


def test_holm_is_over_the_pairs_that_matter_alone(found):
    verdicts = [pair.verdict for pair in key_pairs(found)]
    assert {verdict.pairs for verdict in verdicts} == {8}
    adjusted = holm([verdict.p_value for verdict in verdicts])
    assert [verdict.adjusted_p_value for verdict in verdicts] == adjusted


def test_without_a_backbone_or_without_results_nothing_matters(found):
    assert key_pairs(found.only(ALONE)) == ()
    assert key_pairs(found.only(())) == ()


def test_what_was_not_run_asks_nothing(found):
    alone = key_pairs(found.only(("vgg16_probe", "squeezenet_finetune")))
    assert alone == ()
    pairs = key_pairs(found.only(("cnn", "vgg16_probe", "vgg16_freeze", "squeezenet_finetune")))
    assert [(p.question, p.verdict.second) for p in pairs] == [
        (Question.PRETRAINED, "vgg16_probe"),
        (Question.FURTHER, "vgg16_freeze"),
    ]


def test_a_turned_verdict_is_the_same_pair_seen_from_the_other_side(found):
    verdict = key_pairs(found)[0].verdict
    turned = verdict.turned
    assert (turned.first, turned.second) == (verdict.second, verdict.first)
    assert (turned.low, turned.high) == (-verdict.high, -verdict.low)
    assert (turned.fixed, turned.regressed) == (verdict.regressed, verdict.fixed) == (0, 80)
    assert turned.turned == verdict

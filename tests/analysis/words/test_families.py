"""Names of groups, and what the pairs that matter show."""

from core.analysis.families import groups_of, key_pairs
from core.analysis.words.families import describe_group, describe_key_pairs, group_title
from tests.made_families import NAMES, evidence


def test_each_kind_of_group_has_a_title_and_says_what_is_shown():
    groups = groups_of(NAMES, None)
    kinds = ("main", "all", "squeezenet", "probe")
    assert [group_title(groups[key]) for key in kinds] == [
        "The main ones (9)",
        "All 18 strategies",
        "SqueezeNet (8)",
        "probe of every backbone (6)",
    ]
    assert [describe_group(groups[key], len(NAMES)) for key in kinds] == [
        "9 of 18 strategies are shown: of each backbone its probe and the mode that trains most of "
        "it, and those without a backbone.",
        "",
        "8 of 18 strategies are shown: every mode of SqueezeNet, and those without a backbone.",
        "6 of 18 strategies are shown: probe of every backbone, and those without a backbone.",
    ]


def test_a_sentence_for_each_question_and_one_for_the_family():
    assert describe_key_pairs(key_pairs(evidence())) == [
        "These two are ahead of the best from scratch (CNN, three blocks): VGG16 probe by 20.0 "
        "points; EfficientNet-Lite0 probe by 22.5 points. SqueezeNet probe cannot be told apart "
        "from the best from scratch (CNN, three blocks).",
        "VGG16, everything fine-tuned, is 10.0 points ahead of the probe of the same backbone. "
        "These two cannot be told apart from the probe of the same backbone: EfficientNet-Lite0, "
        "everything fine-tuned; SqueezeNet, everything fine-tuned.",
        "These two are ahead of the probe of the smallest backbone (SqueezeNet probe): "
        "EfficientNet-Lite0 probe by 22.2 points; VGG16 probe by 19.7 points.",
        "Holm's correction is over 8 pairs: those of this chart.",
    ]


def test_nothing_is_said_where_nothing_matters():
    assert describe_key_pairs(()) == []

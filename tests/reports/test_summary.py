import numpy as np
import pytest

from core.comparison.choice import best_answers, flip_pair
from core.comparison.ledger import time_breakdown_of
from core.reports.summary import NOTHING_YET, summary_sentences
from tests import made_up
from tests.made_evidence import evidence_of

IMAGES = 200


def right(count: int, seeds: int = 2) -> np.ndarray:
    """The last ``count`` of the images are right; label 0 is that of the first ones."""
    return np.tile(np.arange(IMAGES) >= IMAGES - count, (seeds, 1))


def sentences(rights, seconds, majority_right=40):
    evidence = evidence_of(rights, majority_right)
    runs = [
        made_up.run(name, 0, result=made_up.result(total_seconds=took))
        for name, took in seconds.items()
    ]
    ledger = time_breakdown_of(runs, {run.id: [made_up.epoch(1)] for run in runs}, 0.2)
    return summary_sentences(evidence, ledger)


def test_a_clear_winner_that_costs_most():
    found = sentences(
        {"cnn": right(100), "vgg16_probe": right(180)}, {"cnn": 20.0, "vgg16_probe": 90.0}
    )
    assert found[0].startswith(
        "VGG16 probe classifies 90.0 % of the 200 test images correctly, 70.0 points more than "
        "always "
        "predicting “ant” (95 % interval "
    )
    assert found[0].endswith(
        "); it is ahead of the next, CNN, three blocks, by 40.0 points, p < 0.0001 after Holm."
    ) or found[0].endswith(
        "); it is ahead of the next, CNN, three blocks, by 40.0 points, p < 0.0001."
    )
    assert found[1] == (
        "One run takes 1 min 30 s from start to score, feature extraction included; "
        "the fastest strategy that is clearly better than the majority class, CNN, three blocks, "
        "takes "
        "20.0 s and classifies 50.0 % correctly."
    )
    assert found[2] == (
        "No faster strategy is enough here: the nearest, CNN, three blocks, is clearly behind, by "
        "40.0 points."
    )


def test_something_quicker_that_cannot_be_told_apart_is_enough():
    found = sentences(
        {"cnn": right(178), "vgg16_probe": right(180)}, {"cnn": 20.0, "vgg16_probe": 90.0}
    )
    assert found[0].endswith("; it cannot be told apart from CNN, three blocks.")
    assert found[2] == (
        "A faster strategy is enough here: CNN, three blocks, takes 20.0 s with 89.0 %, and the "
        "difference cannot be seen on these images."
    )


def test_the_best_is_the_quickest_and_another_is_useless():
    rights = {"mlp": right(40), "vgg16_probe": right(180)}
    found = sentences(rights, {"mlp": 50.0, "vgg16_probe": 9.0})
    assert found[1] == (
        "One run takes 9.00 s from start to score, feature extraction included; "
        "no faster strategy is clearly better than the majority class."
    )
    assert found[2] == (
        "No strategy that was tried is both faster and as good; no better than always predicting "
        "“ant”: "
        "MLP."
    )


def test_no_better_than_the_majority_class():
    found = sentences({"cnn": right(45, seeds=1)}, {"cnn": 20.0})
    assert found[0].startswith(
        "CNN, three blocks, is the most accurate and classifies 22.5 % of the 200 test images "
        "correctly, but it is no better than always predicting “ant” (difference 2.5 points, one "
        "seed, 95 % interval "
    )
    assert found[2] == (
        "No strategy is clearly better than always predicting “ant”, so none is worth its time on "
        "these images yet."
    )


def test_nothing_has_finished():
    evidence = evidence_of({"cnn": right(45)})
    empty = type(evidence)(**(vars(evidence) | {"answers": ()}))
    assert summary_sentences(empty, time_breakdown_of([], {}, None)) == NOTHING_YET
    assert best_answers(empty) is None
    assert flip_pair(empty) is None


@pytest.mark.parametrize(
    ("counts", "pair"),
    [
        ({"mlp": 50, "cnn": 60, "vgg16_probe": 180, "vgg16_finetune": 190},
         ("cnn", "vgg16_finetune")),
        ({"mlp": 50, "cnn": 160, "vgg16_probe": 90, "vgg16_finetune": 80}, ("vgg16_probe", "cnn")),
        ({"majority": 40, "mlp": 50, "cnn": 60}, ("mlp", "cnn")),
        ({"majority": 40, "cnn": 60}, ("majority", "cnn")),
        ({"cnn": 60}, None),
    ],
)  # fmt: skip
def test_pictures_are_those_of_the_two_sides_of_the_question(counts, pair):
    evidence = evidence_of({name: right(count) for name, count in counts.items()})
    assert flip_pair(evidence) == pair


def test_a_quick_strategy_that_is_no_better_than_the_commonest_class_is_not_enough():
    # 52 right images, none of them among the 70 of the best: the two cannot be told apart.
    elsewhere = np.tile((np.arange(IMAGES) >= 60) & (np.arange(IMAGES) < 112), (2, 1))
    found = sentences(
        {"mlp": elsewhere, "vgg16_probe": right(70)}, {"mlp": 3.0, "vgg16_probe": 90.0}
    )
    assert found[2] == (
        "No faster strategy is enough here: the nearest, MLP, is not clearly better than always "
        "predicting “ant”."
    )


def test_the_best_of_what_was_tried_may_be_worse_than_the_commonest_class():
    found = sentences({"mlp": right(20)}, {"mlp": 3.0}, majority_right=90)
    assert found[0].startswith(
        "MLP classifies 10.0 % of the 200 test images correctly, more than the others, "
        "but always predicting “ant” reaches 45.0 % (difference -35.0 points, "
    )

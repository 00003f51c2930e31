"""ROC AUC, one class against the rest, and thresholds in words."""

import dataclasses

import numpy as np

from core.analysis.ranking import AreaTest, class_curves
from core.analysis.scores import per_class_table
from core.analysis.threshold import at_threshold, threshold_costs
from core.analysis.words.ranking import (
    against_words,
    cost_text,
    describe_area_pair,
    describe_costs,
    describe_curves,
    describe_left_out,
    describe_majority_class,
    describe_threshold,
)
from tests.analysis.test_threshold import BETTER, LABELS, SCORES
from tests.made_evidence import evidence_of, evidence_with


def test_the_sentences(held):
    ahead = AreaTest(0.04, 0.01, 0.07, 0.011)
    tied = AreaTest(-0.01, -0.05, 0.03, 0.6)
    probabilities = np.stack([np.stack([1 - row, row], 1) for row in (SCORES, BETTER)])
    two = evidence_with(LABELS, probabilities.astype("f4"), ("dog", "Cat"))
    curves = class_curves(two, ["cnn"], 1)
    three = evidence_of({"cnn": [[True, True, False, True]]}, 2)
    absent = dataclasses.replace(three, classes=(*three.classes, "dog"))
    costs = threshold_costs(two, "cnn", 0, 1, 1.0, 5.0)
    even = threshold_costs(two, "cnn", None, 1, 1.0, 1.0)
    free = threshold_costs(two, "cnn", 0, 1, 0.0, 0.0)
    none = threshold_costs(two, "cnn", 1, 1, 2.5, 1.0)
    held(
        {
            "left out": describe_left_out(absent, "roc_auc"),
            "left out, one": describe_left_out(three, "balanced_accuracy"),
            "left out, a metric over images": describe_left_out(absent, "accuracy"),
            "left out, none": describe_left_out(two, "roc_auc"),
            "against the rest": against_words(three, 1),
            "against one": against_words(two, 1),
            "pair, ahead": describe_area_pair("MLP", "CNN, three blocks", ahead, "cat"),
            "pair, behind": describe_area_pair(
                "CNN, three blocks", "MLP", AreaTest(-0.04, -0.07, -0.01, 0.011), "cat"
            ),
            "pair, tied": describe_area_pair("MLP", "CNN, three blocks", tied, "cat"),
            "pair, unknown": describe_area_pair("MLP", "CNN, three blocks", None, "cat"),
            "majority": describe_majority_class(per_class_table(two, None)[0]),
            "curves": describe_curves(curves, against_words(two, 1)),
            "curves, none": describe_curves((), ""),
            "threshold": describe_threshold(
                "CNN", at_threshold(two, "cnn", 0, 1, 0.25), "Cat", "dog"
            ),
            "threshold, two seeds": describe_threshold(
                "CNN, three blocks", at_threshold(two, "cnn", None, 1, 0.5), "Cat", "dog"
            ),
            "threshold, no alarm": describe_threshold(
                "CNN",
                at_threshold(evidence_with(LABELS, 0.9 * probabilities), "cnn", 0, 1, 1.0),
                "Cat",
                "dog",
            ),
            "costs": " ".join(describe_costs(costs, 0.5, "dog")),
            "costs, nothing to gain": " ".join(describe_costs(even, 0.125, "dog")),
            "costs, free": " ".join(describe_costs(free, 0.5, "dog")),
            "costs, halves": " ".join(describe_costs(none, 0.5, "dog")),
        }
    )


def test_a_cost_has_no_more_digits_than_are_known():
    assert [cost_text(cost) for cost in (0, 1, 12.34, 1234.5, 20_000, 1.5e6)] == [
        "0",
        "1",
        "12.3",
        "1,234.5",
        "20,000",
        "1,500,000",
    ]

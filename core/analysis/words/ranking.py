"""In words: ROC AUC, one class against the rest, and a threshold with what its mistakes cost."""

from collections.abc import Sequence

import numpy as np

from core.analysis.evidence import ExperimentPredictions
from core.analysis.metrics import METRICS
from core.analysis.ranking import NO_SKILL, AreaTest, ClassCurve
from core.analysis.scores import ClassScore
from core.analysis.significance import SIGNIFICANCE
from core.analysis.threshold import THRESHOLDS, USUAL, AtThreshold, Rate, ThresholdCosts
from core.analysis.verdicts import Outcome, outcome_of
from core.analysis.words.verdicts import (
    always,
    closed,
    interval_words,
    luck_words,
    outcome_phrase,
    p_text,
    points_words,
    quoted,
)
from core.text import count_text, exact_percent_text, number_text, percent_text, some_text

NAMED = 5
NOTHING_TO_FIND = (
    "The test images are all of this class, or none of them is: there is nothing to tell apart."
)
NOT_STORED = (
    "Headstart keeps the predictions of the test images alone, so this threshold was chosen on the "
    "images that it is judged on."
)


def describe_left_out(evidence: ExperimentPredictions, metric: str) -> str:
    """Which classes a mean over classes leaves out, because none of their images is in the test."""
    images = np.bincount(evidence.labels, minlength=len(evidence.classes))
    absent = [name for name, count in zip(evidence.classes, images, strict=True) if not count]
    if not absent or not METRICS[metric].over_classes:
        return ""
    return (
        f"{len(absent):,} of {count_text(len(evidence.classes), 'class')} "
        f"{'has' if len(absent) == 1 else 'have'} no test images and "
        f"{'is' if len(absent) == 1 else 'are'} left out of the mean: {some_text(absent, NAMED)}."
    )


def against_words(evidence: ExperimentPredictions, label: int) -> str:
    """``“cat” against “dog”``, or against the other classes."""
    others = [name for place, name in enumerate(evidence.classes) if place != label]
    rest = quoted(others[0]) if len(others) == 1 else f"the other {len(others):,} classes"
    return f"{quoted(evidence.classes[label])} against {rest}"


def describe_area_pair(
    first_title: str, second_title: str, test: AreaTest | None, class_name: str
) -> str:
    """Whether two strategies order the images of a class differently well."""
    task = f"In ranking {quoted(class_name)} images first,"
    if test is None:
        return (
            f"{task} {closed(first_title)} or {second_title} makes no mistake at all, or ranks all "
            "images alike: these test images cannot tell how certain the difference is."
        )
    is_ahead = test.difference >= 0
    better, worse = (second_title, first_title) if is_ahead else (first_title, second_title)
    low, high = (test.low, test.high) if is_ahead else (-test.high, -test.low)
    outcome = outcome_of(abs(test.difference), test.p_value < SIGNIFICANCE)
    phrase = outcome_phrase(outcome, test.difference, worse)
    found = f"{task} {closed(better)} {phrase}"
    if outcome is Outcome.TIED:
        size = points_words(abs(test.difference))
        details = f"difference {size}, {interval_words(low, high)}, {p_text(test.p_value)}"
        return f"{found} (ROC AUC, {details})."
    return f"{found} (ROC AUC, {interval_words(low, high)}); {luck_words(test.p_value)}."


def describe_majority_class(score: ClassScore) -> str:
    """What always predicting the commonest class reaches, for the table of classes."""
    baseline = always(score.name)
    return (
        f"{baseline[0].upper()}{baseline[1:]} has for that class a recall of "
        f"{percent_text(score.recall)}, a specificity of {percent_text(score.specificity)} and a "
        f"precision of {percent_text(score.precision)}; a recall of 0 % and a specificity of 100 % "
        f"for all others; and a ROC AUC of {percent_text(NO_SKILL, 0)} for every class, with an "
        "average precision that is the class's fraction of the test images."
    )


def describe_curves(curves: Sequence[ClassCurve], against: str) -> str:
    """Areas of every run, and where its own predictions lie."""
    if not curves:
        return NOTHING_TO_FIND
    first = curves[0]
    runs = "; ".join(
        f"{curve.title}, seed {curve.seed}: ROC AUC {percent_text(curve.auc)}, average precision "
        f"{percent_text(curve.average_precision)}, its own predictions find {curve.own_found:,} "
        f"with {count_text(curve.own_false_alarms, 'false alarm')}"
        for curve in curves
    )
    prevalence = first.images / (first.images + first.others)
    return (
        f"{against[0].upper()}{against[1:]}, on {count_text(first.images, 'image')} of it and "
        f"{first.others:,} others. {runs}. Always giving the same answer: ROC AUC "
        f"{percent_text(NO_SKILL, 0)}, average precision {percent_text(prevalence)}."
    )


def describe_threshold(title: str, found: AtThreshold, positive: str, negative: str) -> str:
    """What one strategy does at one threshold: found, missed, false alarms, correct alarms."""
    hits, alarms, correct = found.found, found.false_alarms, found.correct_alarms
    sentence = (
        f"At a threshold of {exact_percent_text(found.threshold)}, {closed(title)} finds "
        f"{number_text(hits.count)} of {number_text(hits.total)} images of {quoted(positive)}"
        f"{_rate_words(hits)} and misses {number_text(found.missed.count)}. Of "
        f"{number_text(alarms.total)} images of {quoted(negative)} it calls "
        f"{number_text(alarms.count)} {quoted(positive)}, which are false alarms"
        f"{_rate_words(alarms)}."
    )
    if not correct.total:
        return f"{sentence} It raises no alarm at all."
    return (
        f"{sentence} {number_text(correct.count)} of its {number_text(correct.total)} alarms are "
        f"right{_rate_words(correct)}."
    )


def describe_costs(costs: ThresholdCosts, threshold: float, majority: str) -> list[str]:
    """What the chosen threshold costs, which is cheapest, and how far that can be trusted."""
    if not costs.false_alarm_cost and not costs.miss_cost:
        return ["Neither kind of mistake costs anything, so every threshold is as good."]
    best = float(THRESHOLDS[costs.best])
    chosen = costs.cost_at(threshold)
    found = [
        f"With {cost_text(costs.false_alarm_cost)} for each false alarm and "
        f"{cost_text(costs.miss_cost)} for each miss, the mistakes at "
        f"{exact_percent_text(threshold)} cost {cost_text(chosen)} on these test images; "
        f"{always(majority)} would cost {cost_text(costs.majority_cost)}."
    ]
    lowest = float(costs.total[costs.best])
    found.append(
        f"The lowest cost is {cost_text(lowest)}, at {exact_percent_text(best)}"
        + (
            f"; at {exact_percent_text(USUAL)}, where the network itself decides, it is "
            f"{cost_text(costs.cost_at(USUAL))}."
            if best != USUAL
            else ", where the network itself decides."
        )
    )
    found.append(
        f"{NOT_STORED} Its cost is therefore a little too good. Chosen on nine tenths of them and "
        "counted on the tenth that was left out, each tenth in turn, it is "
        f"{cost_text(costs.careful_cost)}: expect that of as many new images."
    )
    if costs.careful_cost >= min(costs.cost_at(USUAL), costs.majority_cost):
        found.append(
            "That is no less than without choosing, so these test images give no reason to move "
            "the threshold."
        )
    return found


def cost_text(cost: float) -> str:
    """``12``, ``12.5`` or ``1,200``: no more digits than are known."""
    return f"{round(cost, 1):,g}" if cost < 1e6 else f"{cost:,.0f}"


def _rate_words(rate: Rate) -> str:
    """`` (90.0 %, 95 % interval 69.9 to 97.2)``; nothing without images."""
    if rate.low is None or rate.high is None:
        return ""
    return f" ({percent_text(rate.fraction)}, {interval_words(rate.low, rate.high)})"

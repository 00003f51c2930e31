from dataclasses import replace

import numpy as np
import pytest

from core.analysis.choice import headline_of, headline_pair, is_probe, needs_pretrained
from core.analysis.summary import Summary, summary_of
from core.analysis.time_breakdown import time_breakdown_of
from core.analysis.verdicts import Outcome
from core.analysis.words.summary import describe_findings
from tests import made_up
from tests.analysis.made_rights import EMPTY
from tests.made_evidence import evidence_of

IMAGES = 200


def right(count: int, seeds: int = 2, start: int | None = None) -> np.ndarray:
    """The last ``count`` of the images are right, or those from ``start`` on; label 0 is first."""
    first = IMAGES - count if start is None else start
    places = np.arange(IMAGES)
    return np.tile((places >= first) & (places < first + count), (seeds, 1))


def summary(rights, seconds, majority_right=40) -> Summary:
    evidence = evidence_of(rights, majority_right)
    runs = [
        made_up.run(name, 0, result=made_up.result(total_seconds=took))
        for name, took in seconds.items()
    ]
    found = summary_of(
        evidence, time_breakdown_of(runs, {run.id: [made_up.epoch(1)] for run in runs}, 0.2)
    )
    assert found is not None
    return found


def test_a_clear_winner_that_costs_most():
    found = summary(
        {"cnn": right(100), "vgg16_probe": right(180)}, {"cnn": 20.0, "vgg16_probe": 90.0}
    )
    assert (found.best.strategy, found.best.accuracy, found.best.seconds) == (
        "vgg16_probe",
        0.9,
        90.0,
    )
    assert (found.verdict.strategy, found.verdict.outcome) == ("vgg16_probe", Outcome.AHEAD)
    assert found.verdict.difference == pytest.approx(0.7)
    assert (found.tied, found.useless, found.any_good) == ((), (), True)
    assert found.lead is not None
    assert (found.lead.first, found.lead.outcome) == ("cnn", Outcome.AHEAD)
    assert found.lead.difference == pytest.approx(0.4)
    assert found.quickest_good == found.nearest_quicker
    assert found.quickest_good is not None
    assert (found.quickest_good.strategy, found.quickest_good.seconds) == ("cnn", 20.0)
    assert (found.enough, found.nearest_told_apart) == (None, True)


def test_something_quicker_that_cannot_be_told_apart_is_enough():
    found = summary(
        {"cnn": right(178), "vgg16_probe": right(180)}, {"cnn": 20.0, "vgg16_probe": 90.0}
    )
    assert found.tied == ("CNN, three blocks",)
    assert found.enough is not None
    assert (found.enough.strategy, found.enough.accuracy) == ("cnn", 0.89)


def test_the_best_is_the_quickest_and_another_is_useless():
    rights = {"mlp": right(40), "vgg16_probe": right(180)}
    found = summary(rights, {"mlp": 50.0, "vgg16_probe": 9.0})
    assert (found.quickest_good, found.enough, found.nearest_quicker) == (None, None, None)
    assert found.useless == ("MLP",)


def test_no_better_than_the_majority_class():
    found = summary({"cnn": right(45, seeds=1)}, {"cnn": 20.0})
    assert (found.verdict.outcome, found.lead, found.any_good) == (Outcome.TIED, None, False)


def test_a_quick_strategy_that_is_no_better_than_the_commonest_class_is_not_enough():
    # 52 right images, none of them among the 70 of the best: the two cannot be told apart.
    found = summary(
        {"mlp": right(52, start=60), "vgg16_probe": right(70)}, {"mlp": 3.0, "vgg16_probe": 90.0}
    )
    assert found.enough is None
    assert found.nearest_quicker is not None
    assert (found.nearest_quicker.strategy, found.nearest_told_apart) == ("mlp", False)


def test_the_best_of_what_was_tried_may_be_worse_than_the_commonest_class():
    found = summary({"mlp": right(20)}, {"mlp": 3.0}, majority_right=90)
    assert (found.verdict.outcome, found.best.accuracy) == (Outcome.BEHIND, 0.1)


def test_a_run_whose_time_is_not_known_is_never_called_quicker():
    found = summary({"cnn": right(178), "vgg16_probe": right(180)}, {"cnn": 20.0})
    assert (found.best.seconds, found.enough, found.quickest_good) == (None, None, None)


def test_nothing_has_finished():
    assert summary_of(EMPTY, time_breakdown_of([], {}, None)) is None
    assert headline_pair(EMPTY) is None


# The headline pair -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "pair"),
    [
        # The probe, unless another pre-trained one is really better.
        ({"mlp": 50, "cnn": 60, "vgg16_probe": 180, "vgg16_finetune": 182}, ("cnn", "vgg16_probe")),
        ({"cnn": 60, "vgg16_probe": 120, "vgg16_finetune": 190}, ("cnn", "vgg16_finetune")),
        # The order stays where training from scratch wins.
        ({"mlp": 50, "cnn": 160, "vgg16_probe": 90}, ("cnn", "vgg16_probe")),
        ({"mlp": 70, "cnn": 60, "vgg16_features": 190}, ("mlp", "vgg16_features")),
        # One kind alone: the two best that learn, else with the majority class.
        ({"majority": 40, "mlp": 50, "cnn": 60}, ("mlp", "cnn")),
        ({"vgg16_probe": 90, "vgg16_finetune": 80}, ("vgg16_finetune", "vgg16_probe")),
        ({"majority": 40, "cnn": 60}, ("majority", "cnn")),
        ({"cnn": 60}, None),
    ],
)
def test_the_headline_pair_shows_what_a_pre_trained_network_adds(counts, pair):
    evidence = evidence_of({name: right(count) for name, count in counts.items()})
    assert headline_pair(evidence) == pair


def test_a_strategy_that_saw_test_images_is_never_said_to_be_best():
    rights = {"mlp": right(50), "cnn": right(60), "vgg16_probe": right(120)}
    found = evidence_of(rights | {"squeezenet_probe": right(199)})
    assert headline_pair(found) == ("cnn", "squeezenet_probe")
    saw = replace(found, saw_test_images=frozenset({"squeezenet_probe"}))
    assert headline_pair(saw) == ("cnn", "vgg16_probe")
    assert saw.best is not None
    assert saw.best.strategy == "vgg16_probe"
    told = summary_of(saw, time_breakdown_of([], {}, None))
    assert told is not None
    assert told.best.strategy == "vgg16_probe"
    first, *_, left_out = describe_findings(saw, told)
    assert first.startswith("VGG16 probe got the most test images right: 60.0 %")
    assert left_out == (
        "Left out of this: SqueezeNet probe started from a backbone that has seen test images of "
        "this experiment, or may have: its accuracy here says too much of new images."
    )
    # Where there is no other pre-trained one the pair is of those from scratch; where there is
    # nothing else to compare it is shown, and pages say so beside it.
    assert headline_pair(saw.only(["mlp", "cnn", "squeezenet_probe"])) == ("mlp", "cnn")
    assert headline_pair(saw.only(["cnn", "squeezenet_probe"])) == ("cnn", "squeezenet_probe")


def test_without_a_test_the_probe_stands_for_the_pre_trained_ones():
    accuracies = {"mlp": 0.7, "cnn": 0.7, "vgg16_probe": 0.5, "vgg16_finetune": 0.9}
    assert headline_of(accuracies) == ("mlp", "vgg16_probe")
    assert headline_of(accuracies, lambda name, over: (name, over) == ("vgg16_finetune",
                                                                      "vgg16_probe")) == (
        "mlp", "vgg16_finetune")  # fmt: skip


def test_roles():
    names = ("majority", "mlp", "vgg16_scratch", "vgg16_probe", "vgg16_finetune", "no_longer_there")
    assert [name for name in names if needs_pretrained(name)] == ["vgg16_probe", "vgg16_finetune"]
    assert [name for name in names if is_probe(name)] == ["vgg16_probe"]

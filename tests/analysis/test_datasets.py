"""One experiment for each dataset, and the results of a dataset over time."""

import pytest

from core.analysis.datasets import dataset_gains, results_over_time, versions_of, winners_of
from core.analysis.listing import ListedResult, PretrainingGain
from core.analysis.verdicts import Outcome
from core.experiments.labels import Labels
from tests import made_up


def experiment(name: str, dataset: str = "birds", date: str = "2026-11-20", **changes):
    """``changes``: fields of the spec, and ``labels``."""
    labels = changes.pop("labels", Labels())
    spec = made_up.spec(dataset_name=dataset, dataset_id=dataset.ljust(64, "-"), **changes)
    created = f"{date}T10:00:00.000000+00:00"
    return made_up.experiment(id=name, created_at=created, spec=spec, labels=labels)


def result(
    accuracy: float = 0.9, difference: float | None = 0.2, best: str = "VGG16 probe"
) -> ListedResult:
    """``difference`` None: pre-training was not tried."""
    gain = None
    if difference is not None:
        outcome = Outcome.TIED if abs(difference) < 0.05 else Outcome.AHEAD
        if difference <= -0.05:
            outcome = Outcome.BEHIND
        gain = PretrainingGain(
            "CNN", "VGG16 probe", difference, difference - 0.04, difference + 0.05, outcome
        )
    return ListedResult(
        best=best,
        accuracy=accuracy,
        low=accuracy - 0.03,
        high=accuracy + 0.02,
        gain=accuracy - 0.5,
        is_better=True,
        pretraining=gain,
        cheapest=best,
        cheapest_seconds=12.0,
        seconds=80.0,
        device="two test cores",
        size_bytes=1000,
    )


def standing_for(*entries) -> str:
    (found,) = dataset_gains(entries)
    return found.experiment


MANY = {"train": 500, "validation": 20, "test": 400}
PLAIN = (experiment("plain"), result(difference=0.1))


def test_one_that_is_pinned_stands_for_its_dataset():
    pinned = experiment("pinned", date="2020-01-01", seeds=(0,), labels=Labels(pinned=True))
    assert standing_for(PLAIN, (pinned, result(difference=0.01))) == "pinned"


def test_else_most_strategies_then_seeds_then_test_images_then_the_newest():
    seeds = experiment("seeds", date="2020-01-01", seeds=(0, 1, 2))
    images = experiment("images", date="2020-01-01", images=MANY)
    newer = experiment("newer", date="2026-11-21")
    strategies = (("mlp", {}), ("cnn", {}), ("vgg16_probe", {}), ("vgg16_freeze", {}))
    more = experiment("more", date="2020-01-01", seeds=(0,), strategies=strategies)
    assert standing_for((seeds, result()), (more, result())) == "more"
    assert standing_for(PLAIN, (seeds, result()), (images, result())) == "seeds"
    assert standing_for(PLAIN, (images, result()), (newer, result())) == "images"
    assert standing_for((newer, result()), PLAIN) == "newer"


def test_the_size_of_the_gain_decides_nothing():
    for small, large in ((0.0, 0.6), (0.6, 0.0), (-0.3, 0.3)):
        newer = experiment("newer", date="2026-11-21")
        assert (
            standing_for((newer, result(difference=small)), (PLAIN[0], result(difference=large)))
            == "newer"
        )


def test_archived_partial_and_other_experiments_do_not_count():
    entries = [
        (experiment("archived", "a", labels=Labels(archived=True)), result()),
        (experiment("part", "b", train_share=0.5), result()),
        (experiment("untried", "c"), result(difference=None)),
        (experiment("waiting", "d"), None),
    ]
    assert dataset_gains(entries) == ()
    assert [one.dataset for one in dataset_gains([*entries, PLAIN])] == ["birds"]


def test_datasets_come_from_the_smallest_up():
    found = dataset_gains(
        [
            (experiment("one", "large", images=MANY), result(difference=-0.2)),
            (experiment("two", "small"), result(difference=0.3)),
            (experiment("three", "small", seeds=(0,)), result()),
        ]
    )
    assert [(one.dataset, one.training_images, one.experiments) for one in found] == [
        ("small", 200, 2),
        ("large", 500, 1),
    ]
    assert [one.gain.outcome for one in found] == [Outcome.AHEAD, Outcome.BEHIND]
    assert (found[0].experiment, found[0].seeds, found[0].classes) == ("two", 2, 2)


# Over time ----------------------------------------------------------------------------------------

FINCHES = "finches".ljust(64, "-")
HISTORY = [
    (experiment("c", date="2026-11-22"), result(0.85, best="CNN")),
    (experiment("a", date="2026-11-20"), result(0.80, best="CNN")),
    (experiment("d", date="2026-11-23"), result(0.90)),
    (experiment("b", date="2026-11-21"), result(0.75, difference=None, best="MLP")),
    (experiment("e", "finches", date="2026-11-24"), result(0.70)),
    (experiment("f", date="2026-11-25"), result(0.90, best="CNN")),
    (experiment("h", labels=Labels(archived=True)), result(0.99)),
    (experiment("i", train_share=0.1), result(0.99)),
    (experiment("j"), None),
]


def test_results_are_in_their_order_and_the_best_so_far_is_marked():
    found = results_over_time(HISTORY)
    assert [(one.experiment, one.is_best_so_far) for one in found] == [
        ("a", True),
        ("b", False),
        ("c", True),
        ("d", True),
        ("e", True),  # the first of its version
        ("f", False),  # as good is not better
    ]
    assert (found[0].low, found[0].high) == pytest.approx((0.77, 0.82))
    assert found[0].images == 100


def test_who_won_on_which_version():
    birds, finches = winners_of(results_over_time(HISTORY))
    assert (birds.dataset, birds.experiments) == ("birds", 5)
    assert birds.wins == (("CNN", 3), ("MLP", 1), ("VGG16 probe", 1))
    assert birds.best.experiment == "d"  # the earlier of two equals
    assert (finches.dataset_id, finches.wins) == (FINCHES, (("VGG16 probe", 1),))
    assert winners_of(()) == ()


def test_versions_are_found_however_far_and_through_those_that_are_gone():
    made_from = {"b": "a", "c": "b", "d": "gone", "e": "gone", "x": None, "y": "x"}
    assert versions_of("c", made_from) == {"a", "b", "c"}
    assert versions_of("d", made_from) == {"d", "e", "gone"}
    assert versions_of("x", made_from) == {"x", "y"}
    assert versions_of("alone", {}) == {"alone"}

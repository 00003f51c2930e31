"""Exact seconds from made-up records: nothing here is measured."""

import dataclasses

import pytest

from core.analysis.time_breakdown import (
    Target,
    TimeParts,
    load_time_breakdown,
    pareto_front,
    time_breakdown_of,
    time_parts,
)
from core.errors import UnknownName
from core.experiments.store import open_store
from tests import made_up
from tests.made_evidence import EXPERIMENT, store_experiment


def _epochs(*accuracies: float, stage: str = "main", train: float = 2.0) -> tuple[dict, ...]:
    """Epochs of ``train`` seconds each, the first twice as long, with 0.5 s of validation."""
    return tuple(
        made_up.epoch(
            number,
            stage,
            validation_accuracy=accuracy,
            train_seconds=train * (2 if number == 1 else 1),
            validation_seconds=0.5,
            images_per_second=100.0 if number == 1 else 200.0 + number,
        )
        for number, accuracy in enumerate(accuracies, start=1)
    )


def _breakdown(entries, majority_accuracy=0.25):
    """``entries``: (strategy, seed, result changes, epochs)."""
    runs = [
        made_up.run(strategy, seed, result=made_up.result(**changes))
        for strategy, seed, changes, _ in entries
    ]
    epochs = {run.id: entry[3] for run, entry in zip(runs, entries, strict=True)}
    return time_breakdown_of(runs, epochs, majority_accuracy)


def test_disturbed_runs_are_left_out_or_marked():
    quiet, busy = {"total_seconds": 10.0}, {"total_seconds": 40.0}
    busy["conditions"] = made_up.run_conditions(0.4)
    epochs = _epochs(0.3, 0.6)
    (row,) = _breakdown([("cnn", 0, quiet, epochs), ("cnn", 1, busy, epochs)]).rows
    assert (row.parts.end_to_end, row.slowest, row.is_disturbed) == (10.0, 10.0, False)
    assert row.seeds == (0, 1)
    breakdown = _breakdown([("cnn", 1, busy, epochs)])
    assert (breakdown.rows[0].parts.end_to_end, breakdown.rows[0].is_disturbed) == (40.0, True)
    assert all(cost.is_disturbed for cost in breakdown.costs)


def test_the_speed_leaves_disturbed_epochs_out():
    spoilt = made_up.epoch(
        4, images_per_second=10.0, train_seconds=9.0, conditions=made_up.conditions(0.4)
    )
    (row,) = _breakdown([("cnn", 0, {}, (*_epochs(0.3, 0.4, 0.5), spoilt))]).rows
    assert row.images_per_second == 202.5  # of 202 and 203


def test_the_parts_of_a_run_add_up_to_its_whole_time():
    epochs = _epochs(0.3, 0.4, stage="head", train=0.25) + _epochs(0.5, 0.6, 0.7)
    result = made_up.result(feature_seconds=30.0, feature_cache="miss", total_seconds=50.0)
    parts = time_parts(result, epochs)
    assert parts == TimeParts(
        extraction=30.0,
        head=0.75,  # 0.5 and 0.25
        first_epoch=4.0,
        steady_epochs=4.0,  # twice 2
        validation=2.5,  # five times 0.5
        other=8.75,
    )
    assert parts.end_to_end == 50.0


def test_extraction_counts_also_where_the_cache_had_it():
    result = made_up.result(feature_seconds=30.0, feature_cache="hit", total_seconds=20.0)
    parts = time_parts(result, _epochs(0.5, 0.6))
    assert parts == TimeParts(30.0, 0.0, 4.0, 2.0, 1.0, 13.0)
    assert parts.end_to_end == 50.0


def test_a_strategy_without_epochs_is_all_other():
    result = made_up.result(first_epoch_seconds=None, total_seconds=1.5)
    assert time_parts(result, ()) == TimeParts(0.0, 0.0, 0.0, 0.0, 0.0, 1.5)


def test_of_three_seeds_the_parts_are_those_of_the_middle_one():
    totals = (30.0, 12.0, 20.0)
    breakdown = _breakdown(
        [
            ("cnn", seed, {"total_seconds": total}, _epochs(0.5, 0.6))
            for seed, total in enumerate(totals)
        ]
    )
    (row,) = breakdown.rows
    assert row.seeds == (0, 1, 2)
    assert row.parts == TimeParts(0.0, 0.0, 4.0, 2.0, 1.0, 13.0)
    assert (row.parts.end_to_end, row.fastest, row.slowest) == (20.0, 12.0, 30.0)


def test_of_two_seeds_the_parts_are_the_mean_of_both():
    breakdown = _breakdown(
        [
            ("cnn", 0, {"total_seconds": 10.0}, _epochs(0.5)),
            ("cnn", 1, {"total_seconds": 20.0}, _epochs(0.5, 0.6)),
        ]
    )
    # 10 = 4 + 0 + 0.5 + 5.5 and 20 = 4 + 2 + 1 + 13.
    assert breakdown.rows[0].parts == TimeParts(0.0, 0.0, 4.0, 1.0, 0.75, 9.25)
    assert breakdown.rows[0].parts.end_to_end == 15.0


def test_what_the_cache_saved_speed_and_memory():
    hit = {"feature_seconds": 30.0, "feature_cache": "hit", "total_seconds": 9.0}
    miss = hit | {"feature_cache": "miss", "total_seconds": 40.0, "peak_memory_bytes": 7}
    breakdown = _breakdown(
        [
            ("vgg16_probe", 0, miss, _epochs(0.5, 0.6, 0.7)),
            ("vgg16_probe", 1, hit, _epochs(0.5, 0.6)),
            ("vgg16_probe", 2, hit, _epochs(0.5)),
        ]
    )
    (row,) = breakdown.rows
    assert (row.cache_saved, row.cache_hits) == (60.0, 2)
    # Medians of the later epochs: 202.5 and 202; of a single epoch its own 100.
    assert row.images_per_second == 202.0
    assert row.trains_on_features is True
    assert row.peak_memory_bytes == 500_000_000


def test_a_part_from_the_cache_saved_what_that_part_cost():
    part = {"feature_seconds": 30.0, "feature_cache": "part", "feature_reused_seconds": 20.0}
    breakdown = _breakdown([("vgg16_probe", 0, part | {"total_seconds": 25.0}, _epochs(0.5))])
    (row,) = breakdown.rows
    assert (row.cache_saved, row.cache_hits) == (20.0, 1)
    # 25 s in all, 10 s of them extraction, and the 20 s of earlier runs.
    assert (row.parts.end_to_end, row.parts.extraction) == (45.0, 30.0)


def test_a_head_on_features_does_not_make_training_one_on_features():
    epochs = _epochs(0.5, stage="head") + _epochs(0.6)
    changes = {"feature_seconds": 30.0, "feature_cache": "hit", "total_seconds": 20.0}
    breakdown = _breakdown([("vgg16_finetune", 0, changes, epochs), ("cnn", 0, {}, _epochs(0.5))])
    assert [(row.strategy, row.trains_on_features) for row in breakdown.rows] == [
        ("cnn", False),
        ("vgg16_finetune", False),
    ]


def test_cost_to_accuracy_counts_extraction_head_training_and_validation():
    epochs = _epochs(0.3, 0.4, stage="head", train=0.25) + _epochs(0.44, 0.5, 0.9)
    changes = {"feature_seconds": 30.0, "feature_cache": "hit", "total_seconds": 20.0}
    breakdown = _breakdown([("vgg16_finetune", 0, changes, epochs)])
    over, half, best = breakdown.costs
    assert [cost.target for cost in (over, half, best)] == [
        Target("over_majority", "majority class + 20 points", 0.45),
        Target("half", "half of the images", 0.5),
        Target("near_best", "best of these minus 1 point", pytest.approx(0.89)),
    ]
    # 30, head 0.5 + 0.25 and twice 0.5, main 4 + 0.5, then 2 + 0.5 for each epoch.
    assert (over.seconds, half.seconds, best.seconds) == (38.75, 38.75, 41.25)
    assert (over.reached, over.seeds) == (1, 1)


def test_a_head_that_is_good_enough_has_reached_it():
    epochs = _epochs(0.6, stage="head", train=0.25) + _epochs(0.7)
    breakdown = _breakdown([("vgg16_freeze", 0, {}, epochs)])
    assert [cost.seconds for cost in breakdown.costs] == [1.0, 1.0, 5.5]


def test_a_target_met_exactly_is_met():
    breakdown = _breakdown([("cnn", 0, {}, _epochs(0.1 + 0.2))], majority_accuracy=0.1)
    assert breakdown.costs[0].seconds == 4.5


def test_never_is_a_result():
    breakdown = _breakdown([("cnn", 0, {}, _epochs(0.3, 0.49)), ("mlp", 0, {}, _epochs(0.9))])
    half = {cost.strategy: cost for cost in breakdown.costs if cost.target.name == "half"}
    assert (half["cnn"].seconds, half["cnn"].reached) == (None, 0)
    assert half["mlp"].seconds == 4.5
    assert [cost.target.name for cost in breakdown.costs_of("cnn")] == [
        "over_majority",
        "half",
        "near_best",
    ]


def test_the_median_counts_seeds_that_never_got_there_as_later_than_all():
    three = _breakdown(
        [("cnn", seed, {}, _epochs(0.3, last)) for seed, last in enumerate((0.6, 0.4, 0.6))]
    )
    two = _breakdown(
        [("cnn", seed, {}, _epochs(0.3, last)) for seed, last in enumerate((0.6, 0.4))]
    )
    half = next(cost for cost in three.costs if cost.target.name == "half")
    assert (half.seconds, half.reached, half.seeds) == (7.0, 2, 3)
    half = next(cost for cost in two.costs if cost.target.name == "half")
    assert (half.seconds, half.reached, half.seeds) == (None, 1, 2)


def test_one_lucky_seed_does_not_set_the_best():
    entries = [("cnn", seed, {}, _epochs(top)) for seed, top in enumerate((0.6, 0.7, 0.99))]
    breakdown = _breakdown([*entries, ("mlp", 0, {}, _epochs(0.65))])
    assert breakdown.targets[-1].accuracy == pytest.approx(0.69)


def test_the_majority_class_is_there_when_its_run_ends():
    changes = {"first_epoch_seconds": None, "total_seconds": 1.5}
    breakdown = _breakdown([("majority", 0, changes, ())], majority_accuracy=0.6)
    # The made-up validation accuracy is 0.8; there is no best where nothing was trained.
    assert [(cost.target.name, cost.seconds) for cost in breakdown.costs] == [
        ("over_majority", 1.5),
        ("half", 1.5),
    ]


def test_a_target_over_100_percent_is_left_out():
    breakdown = _breakdown([("cnn", 0, {}, _epochs(0.95))], majority_accuracy=0.9)
    assert [target.name for target in breakdown.targets] == ["half", "near_best"]
    breakdown = _breakdown([("cnn", 0, {}, _epochs(0.95))], majority_accuracy=None)
    assert [target.name for target in breakdown.targets] == ["half", "near_best"]


def test_unfinished_runs_are_left_out():
    run = made_up.run("cnn", state="failed", result=None)
    breakdown = time_breakdown_of([run], {run.id: ()}, 0.5)
    assert breakdown.rows == ()
    assert breakdown.costs == ()


@pytest.mark.parametrize(
    ("values", "higher", "front"),
    [
        ({"a": 0.2, "b": 0.5, "c": 0.4, "d": 0.9}, True, {"a", "b", "d"}),
        ({"a": 0.2, "b": 0.5, "c": 0.4, "d": 0.9}, False, {"a"}),
        ({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}, True, {"a"}),
        ({"b": 0.5, "e": 0.5}, True, {"b", "e"}),
        ({}, True, set()),
    ],
)
def test_the_front_holds_those_that_none_beats_in_both(values, higher, front):
    seconds = {"a": 1.0, "b": 10.0, "c": 20.0, "d": 100.0, "e": 10.0}
    assert pareto_front(seconds, values, higher) == front


def test_the_time_breakdown_of_a_stored_experiment(home):  # noqa: ARG001 - sets the home
    store = open_store()
    store_experiment(store)
    breakdown = load_time_breakdown(store, EXPERIMENT)
    assert [row.strategy for row in breakdown.rows] == ["cnn", "vgg16_probe"]
    # made_up: two epochs of 1.5 s and 0.25 s of validation in a run of 10 s.
    assert breakdown.rows[0].parts == TimeParts(0.0, 0.0, 1.5, 1.5, 0.5, 6.5)
    # Majority 0.375 + 0.2; validation reaches 0.5 and then 0.6.
    assert [cost.seconds for cost in breakdown.costs_of("cnn")] == [3.5, 1.75, 3.5]
    with pytest.raises(UnknownName, match="no experiment"):
        load_time_breakdown(store, "nothere")


def test_parts_are_seconds_of_one_run():
    names = [field.name for field in dataclasses.fields(TimeParts)]
    parts = TimeParts(*(float(2**power) for power in range(len(names))))
    assert parts.end_to_end == 63.0

import json

import pytest

from core.analysis.comparison import (
    COLUMN_HELP,
    ORIGIN,
    compare,
    results_frame,
    seeds_frame,
    title_of,
)
from core.analysis.significance import mean_interval, wilson_interval
from tests import made_up

DESIGN_TOP = {
    "dataset",
    "images",
    "classes",
    "majority_class",
    "majority_accuracy",
    "device",
    "precision",
    "backend",
    "versions",
    "rows",
}
DESIGN_ROW = {
    "strategy",
    "status",
    "seeds",
    "test_accuracy",
    "test_accuracy_low",
    "test_accuracy_high",
    "validation_accuracy",
    "train_accuracy",
    "log_loss",
    "lift_over_majority",
    "first_epoch_seconds",
    "steady_epoch_seconds",
    "validation_seconds",
    "feature_seconds",
    "total_seconds",
    "epochs",
    "parameters",
    "trainable_parameters",
    "device",
}


def two_seeds():
    return [
        made_up.run("cnn", 0, result=made_up.result(0.70, total_seconds=10.0)),
        made_up.run("cnn", 1, result=made_up.result(0.76, total_seconds=14.0)),
    ]


def test_a_counted_class_names_no_device_where_something_trains():
    counted = made_up.result(0.1, epochs=0, backend="scikit-learn", device="a processor")
    majority = made_up.run("majority", result=counted)
    waiting = made_up.run("cnn", state="queued", result=None)
    comparison = compare(made_up.experiment(), [majority, waiting])
    assert (comparison.device, comparison.backend) == (None, None)
    alone = compare(made_up.experiment(), [majority])
    assert (alone.device, alone.backend) == ("a processor", "scikit-learn")


def test_a_row_takes_the_mean_accuracy_and_the_median_clock():
    (row,) = compare(made_up.experiment(), two_seeds()).rows
    assert row.test_accuracy == pytest.approx(0.73)
    assert row.lift_over_majority == pytest.approx(0.13)
    assert row.total_seconds == 12.0
    assert row.seeds == (0, 1)
    assert [run.test_accuracy for run in row.runs] == [0.70, 0.76]


def test_the_interval_is_that_of_the_mean_count_and_not_of_pooled_seeds():
    (row,) = compare(made_up.experiment(), two_seeds()).rows
    interval = (row.test_accuracy_low, row.test_accuracy_high)
    assert interval == wilson_interval(73, 100)
    pooled = wilson_interval(146, 200)
    assert interval[1] - interval[0] > pooled[1] - pooled[0]


def test_the_mean_count_is_rounded():
    assert mean_interval([0.70, 0.71, 0.71], 100) == wilson_interval(71, 100)


def test_rows_stand_in_the_order_of_the_runs():
    runs = [made_up.run("majority"), made_up.run("cnn"), made_up.run("majority", 1)]
    assert [row.strategy for row in compare(made_up.experiment(), runs).rows] == ["majority", "cnn"]


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["finished", "finished"], "finished"),
        (["finished", "running"], "running"),
        (["queued", "failed"], "queued"),
        (["failed", "finished"], "failed"),
        (["cancelled", "interrupted"], "interrupted"),
    ],
)
def test_the_status_is_that_of_the_run_that_needs_attention(states, status):
    runs = [
        made_up.run(
            "cnn", seed, state=state, result=made_up.result() if state == "finished" else None
        )
        for seed, state in enumerate(states)
    ]
    (row,) = compare(made_up.experiment(), runs).rows
    assert row.status == status


def test_an_unfinished_row_knows_no_numbers():
    comparison = compare(made_up.experiment(), [made_up.run("cnn", state="running", result=None)])
    (row,) = comparison.rows
    assert row.test_accuracy is None
    assert row.test_accuracy_low is None
    assert row.total_seconds is None
    assert row.epochs is None
    assert comparison.finished_rows == ()
    assert comparison.is_active
    assert comparison.device is None
    assert comparison.majority_accuracy == 0.6


def test_a_retried_run_does_not_show_the_result_of_its_former_state():
    run = made_up.run("cnn", state="failed", error="killed", result=made_up.result(0.9))
    (row,) = compare(made_up.experiment(), [run]).rows
    assert row.test_accuracy is None
    assert row.runs[0].test_accuracy is None
    assert row.runs[0].error == "killed"


def test_a_cache_hit_is_charged_with_the_extraction_it_saved():
    hit = made_up.result(feature_cache="hit", feature_seconds=20.0, total_seconds=5.0)
    miss = made_up.result(feature_cache="miss", feature_seconds=20.0, total_seconds=26.0)
    assert hit.end_to_end_seconds == 25.0
    assert miss.end_to_end_seconds == 26.0
    assert made_up.result().end_to_end_seconds == 10.0


def test_notes_of_runs_and_results_are_shown_once():
    runs = [
        made_up.run("cnn", 0, notes=("halved",), result=made_up.result(notes=("stuck",))),
        made_up.run("cnn", 1, notes=("halved",)),
    ]
    (row,) = compare(made_up.experiment(), runs).rows
    assert row.notes == ("halved", "stuck")


def test_the_json_document_has_every_key_of_the_design():
    document = json.loads(json.dumps(compare(made_up.experiment(), two_seeds()).as_dict()))
    assert DESIGN_TOP - set(document) == set()
    assert DESIGN_ROW - set(document["rows"][0]) == set()
    assert document["images"] == {"train": 200, "validation": 20, "test": 100}
    assert document["versions"] == {"keras": "3.15.1"}


def test_a_strategy_that_left_the_registry_keeps_its_name():
    assert title_of("vgg19") == "vgg19"
    assert title_of("majority") == "Majority class"


def test_frames_are_in_percent_with_units_in_their_names():
    runs = [
        made_up.run("cnn", 0, result=made_up.result(0.70)),
        made_up.run("cnn", 1, result=made_up.result(0.76)),
        made_up.run("vgg16_probe", result=made_up.result(0.9)),
        made_up.run("vgg16_probe", 1, state="failed", result=None),
    ]
    comparison = compare(made_up.experiment(), runs)
    frame = results_frame(comparison)
    assert list(frame.columns) == [name for name in COLUMN_HELP if name != ORIGIN]
    assert frame["test accuracy (%)"].tolist() == pytest.approx([73.0, 90.0])
    assert frame["over majority (points)"].tolist() == pytest.approx([13.0, 30.0])
    assert frame["peak memory (MB)"].tolist() == [500.0, 500.0]
    assert frame["state"].tolist() == ["finished", "failed, 1 of 2 seeds done"]
    assert len(seeds_frame(comparison)) == 4

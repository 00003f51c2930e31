"""Times of one experiment that were taken on two kinds of devices: shown, and not compared."""

import pytest

from core.analysis.comparison import compare_experiment
from core.analysis.time_breakdown import load_time_breakdown
from core.errors import BadInput
from core.experiments.records import RecordedRun
from core.experiments.remeasure import request_remeasure
from core.experiments.store import Store
from core.training.events import TIME_TITLES
from tests import made_up

MOMENT = "2026-11-20T10:00:00.000000+00:00"
FAST, SLOW = "a graphics card", "two test cores"


def stored(store: Store, devices: dict[tuple[str, int], str]) -> str:
    """An experiment with a run for each strategy and seed, slow on one of the devices."""
    names = tuple(dict.fromkeys(name for name, _ in devices))
    seeds = tuple(sorted({seed for _, seed in devices}))
    spec = made_up.spec(strategies=tuple((name, {}) for name in names), seeds=seeds)
    runs = []
    for (name, seed), device in devices.items():
        seconds = 10.0 if device == FAST else 30.0
        epochs = 0 if name == "majority" else 3
        result = made_up.result(0.5, total_seconds=seconds, device=device, epochs=epochs)
        runs.append(RecordedRun(name, seed, {}, result, (), MOMENT, MOMENT, MOMENT))
    store.add_recorded("one", spec, MOMENT, made_up.origin(FAST), runs)
    return "one"


def test_what_most_runs_ran_on_is_the_device_of_the_experiment(store: Store) -> None:
    devices = {("majority", 0): SLOW, ("mlp", 0): FAST, ("cnn", 0): SLOW, ("vgg16_probe", 0): FAST}
    found = {run.strategy: run.finished_result for run in store.runs(stored(store, devices))}
    assert {name: result.other_device for name, result in found.items() if result} == {
        "majority": "",  # it computes nothing on a device
        "mlp": "",
        "cnn": FAST,
        "vgg16_probe": "",
    }
    result = found["cnn"]
    assert result is not None
    assert result.disturbed == set(TIME_TITLES)
    assert "other_device" not in result.as_dict()
    assert all(run.finished_result == found[run.strategy] for run in store.runs())


def test_a_time_of_another_device_is_shown_and_in_no_comparison(store: Store) -> None:
    devices = {("mlp", 0): FAST, ("cnn", 0): SLOW, ("vgg16_probe", 0): FAST}
    experiment_id = stored(store, devices)
    rows = {row.strategy: row for row in compare_experiment(store, experiment_id).rows}
    assert rows["cnn"].time_text("total_seconds") == "30.0 s (disturbed)"
    assert rows["cnn"].undisturbed("total_seconds") is None
    assert rows["mlp"].undisturbed("total_seconds") == 10.0
    breakdown = load_time_breakdown(store, experiment_id)
    assert [(row.strategy, row.is_disturbed) for row in breakdown.rows] == [
        ("mlp", False),
        ("cnn", True),
        ("vgg16_probe", False),
    ]


def test_seeds_on_the_device_of_the_experiment_give_the_time(store: Store) -> None:
    devices = {("mlp", 0): FAST, ("mlp", 1): FAST, ("cnn", 0): SLOW, ("cnn", 1): FAST}
    rows = {row.strategy: row for row in compare_experiment(store, stored(store, devices)).rows}
    assert rows["cnn"].undisturbed("total_seconds") == 10.0


def test_where_one_device_took_all_nothing_is_marked(store: Store) -> None:
    devices = {("majority", 0): FAST, ("mlp", 0): SLOW, ("cnn", 0): SLOW}
    assert all(
        run.finished_result is not None and not run.finished_result.disturbed
        for run in store.runs(stored(store, devices))
    )


def test_it_is_not_measured_again_on_its_own_device(store: Store) -> None:
    experiment_id = stored(store, {("mlp", 0): FAST, ("cnn", 0): SLOW, ("vgg16_probe", 0): FAST})
    run = next(run for run in store.runs(experiment_id) if run.strategy == "cnn")
    with pytest.raises(BadInput, match="other runs of its experiment on another device"):
        request_remeasure(store, run.id)

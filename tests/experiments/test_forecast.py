"""Forecasts from made-up earlier runs, worked out by hand."""

from dataclasses import replace

import pytest

from core.experiments.forecast import forecast_experiment
from tests import made_up

PROBE = made_up.run(
    "vgg16_probe",
    settings={"epochs": 4},
    result=made_up.result(
        epochs=4,
        steady_epoch_seconds=0.5,
        validation_seconds=0.0,
        feature_seconds=40.0,
        feature_cache="miss",
        total_seconds=45.0,
    ),
)
# Two epochs of 1.5 + 0.25 s; scoring 0.25 s * 320 / 20 images = 4 s; fixed 10 - 3.5 - 4 = 2.5 s.
CNN = made_up.run("cnn")


def only(*strategies, **changes):
    return made_up.spec(strategies=strategies, seeds=(0,), **changes)


def test_the_same_experiment_takes_as_long_again():
    forecast = forecast_experiment(only(("cnn", {"epochs": 2})), [made_up.experiment()], [CNN])
    assert forecast.seconds == pytest.approx(10.0)
    assert forecast.extraction_seconds == 0
    assert forecast.unknown == ()
    assert forecast.basis == "From earlier runs on this machine (1 of 1 known strategies)."


@pytest.mark.parametrize(
    ("epochs", "changes", "seconds"),
    [
        (4, {}, 2.5 + 4.0 + 7.0),
        (2, {"image_size": 128}, 2.5 + 4 * (4.0 + 3.5)),
        (2, {"images": {"train": 400, "validation": 40, "test": 200}}, 2.5 + 2 * (4.0 + 3.5)),
    ],
)
def test_it_scales_with_epochs_pixels_and_images(epochs, changes, seconds):
    spec = only(("cnn", {"epochs": epochs}), **changes)
    forecast = forecast_experiment(spec, [made_up.experiment()], [CNN])
    assert forecast.seconds == pytest.approx(seconds)


def test_a_disturbed_run_is_no_guide():
    busy = made_up.result(total_seconds=40.0, conditions=made_up.run_conditions(0.4))
    disturbed = made_up.run("cnn", seed=1, result=busy, finished_at="2026-11-29")
    spec = only(("cnn", {"epochs": 2}))
    beside = forecast_experiment(spec, [made_up.experiment()], [CNN, disturbed])
    assert beside.seconds == pytest.approx(10.0)
    alone = forecast_experiment(spec, [made_up.experiment()], [disturbed])
    assert (alone.seconds, alone.unknown) == (None, ("cnn",))
    # Nor is an extraction that was disturbed.
    features = made_up.run_conditions(features=made_up.conditions(0.4))
    probe = replace(PROBE, result=replace(PROBE.result, conditions=features))
    spec = only(("vgg16_probe", {"epochs": 4}))
    assert forecast_experiment(spec, [made_up.experiment()], [probe]).seconds is None


def test_a_run_that_stopped_early_is_a_guide_to_the_same_rule_alone():
    """Two epochs of five, 1.75 s each, were trained; the rest of the run took 6.5 s."""
    result = made_up.result(epochs=2, last_epoch=made_up.epoch(2, epochs=5))
    stopped = made_up.run("cnn", settings={"epochs": 5, "patience": 1}, result=result)
    for settings, epochs in (
        ({"epochs": 5, "patience": 1}, 2),
        ({"epochs": 1, "patience": 1}, 1),
        ({"epochs": 5, "patience": 2}, 5),
        ({"epochs": 5}, 5),
    ):
        spec = only(("cnn", settings))
        forecast = forecast_experiment(spec, [made_up.experiment()], [stopped])
        assert forecast.seconds == pytest.approx(6.5 + 1.75 * epochs)
        assert ("Early stopping can end a run sooner." in forecast.basis) == (
            "patience" in settings
        )


def test_an_older_run_has_the_newer_settings_of_quick():
    """Without early stopping it is as close as one that says so, and the newest is taken."""
    older = made_up.run("cnn", result=made_up.result(total_seconds=20.0))
    newer = made_up.run(
        "cnn",
        seed=1,
        settings={"epochs": 2, "patience": 5},
        finished_at="2026-11-21T10:00:00.000000+00:00",
    )
    spec = only(("cnn", {"epochs": 2, "patience": 0}))
    forecast = forecast_experiment(spec, [made_up.experiment()], [older, newer])
    assert forecast.seconds == pytest.approx(20.0)


def test_seeds_repeat_everything():
    spec = made_up.spec(strategies=(("cnn", {"epochs": 2}),), seeds=(0, 1, 2))
    assert forecast_experiment(spec, [made_up.experiment()], [CNN]).seconds == pytest.approx(30.0)


def test_measuring_what_it_costs_to_deploy_is_counted_once():
    measured = replace(made_up.result(), deployment=made_up.deployment(measuring_seconds=4.5))
    spec = made_up.spec(strategies=(("cnn", {"epochs": 2}),), seeds=(0, 1, 2))
    runs = [made_up.run("cnn", 0, result=measured), made_up.run("cnn", 1)]
    assert forecast_experiment(spec, [made_up.experiment()], runs).seconds == pytest.approx(34.5)


def test_extraction_is_counted_once_for_strategies_that_share_it():
    features = made_up.run("vgg16_features", settings={"epochs": 4}, result=PROBE.result)
    both = only(
        ("vgg16_probe", {"epochs": 4, "mean": "imagenet"}),
        ("vgg16_features", {"epochs": 4, "mean": "imagenet"}),
    )
    forecast = forecast_experiment(both, [made_up.experiment()], [PROBE, features])
    assert forecast.extraction_seconds == pytest.approx(40.0)
    assert forecast.seconds == pytest.approx(50.0)
    other_mean = only(
        ("vgg16_probe", {"epochs": 4, "mean": "imagenet"}),
        ("vgg16_features", {"epochs": 4, "mean": "dataset"}),
    )
    forecast = forecast_experiment(other_mean, [made_up.experiment()], [PROBE, features])
    assert forecast.extraction_seconds == pytest.approx(80.0)


def test_extraction_is_that_of_the_images_used():
    # 320 images cost 40 s; a later run uses 20 + 20 + 100 of them and the fine-tuned one no test.
    few = {"train": 20, "validation": 20, "test": 100}
    probe = ("vgg16_probe", {"epochs": 4, "mean": "imagenet"})
    forecast = forecast_experiment(only(probe, images=few), [made_up.experiment()], [PROBE])
    assert forecast.extraction_seconds == pytest.approx(40.0 * 140 / 320)
    result = replace(PROBE.result, feature_cache="part", feature_reused_seconds=30.0)
    tuned = made_up.run("vgg16_finetune", settings={"epochs": 4}, result=result)
    alone = only(("vgg16_finetune", {"epochs": 4, "mean": "imagenet"}), images=few)
    forecast = forecast_experiment(alone, [made_up.experiment()], [tuned])
    assert forecast.extraction_seconds == pytest.approx(40.0 * 40 / 320)
    both = only(probe, *alone.strategies, images=few)
    forecast = forecast_experiment(both, [made_up.experiment()], [PROBE, tuned])
    assert forecast.extraction_seconds == pytest.approx(40.0 * 140 / 320)


@pytest.mark.parametrize(("feature_images", "extracted"), [(None, 320), (140, 140)])
def test_a_measured_run_on_a_fraction_counts_what_it_extracted(feature_images, extracted):
    """Runs of before extracted every image of the dataset, and did not say how many."""
    few = {"train": 20, "validation": 20, "test": 100}
    measured = made_up.experiment(spec=made_up.spec(images=few, train_share=0.1))
    run = made_up.run(
        "vgg16_probe",
        settings={"epochs": 4},
        result=replace(PROBE.result, feature_images=feature_images),
    )
    spec = only(("vgg16_probe", {"epochs": 4, "mean": "imagenet"}))
    forecast = forecast_experiment(spec, [measured], [run])
    assert forecast.extraction_seconds == pytest.approx(40.0 * 320 / extracted)


def test_nothing_known_is_said_and_not_guessed():
    forecast = forecast_experiment(made_up.spec(), [], [])
    assert forecast.seconds is None
    assert forecast.unknown == ("majority", "cnn", "vgg16_probe")
    assert forecast.basis.startswith("None of these strategies has run here yet")


def test_an_unfinished_run_says_nothing():
    run = made_up.run("cnn", state="failed", result=None)
    spec = only(("cnn", {"epochs": 2}))
    assert forecast_experiment(spec, [made_up.experiment()], [run]).seconds is None


def test_part_of_it_unknown_sums_the_rest():
    spec = only(("cnn", {"epochs": 2}), ("mlp", {"epochs": 2}))
    forecast = forecast_experiment(spec, [made_up.experiment()], [CNN])
    assert forecast.seconds == pytest.approx(10.0)
    assert forecast.unknown == ("mlp",)


def test_this_machine_counts_before_a_recorded_one():
    recorded = made_up.experiment(id="recorded", recorded=True, origin=made_up.origin("a big one"))
    elsewhere = made_up.run(
        "cnn", experiment_id="recorded", result=made_up.result(total_seconds=1000.0)
    )
    spec = only(("cnn", {"epochs": 2}), image_size=64)
    experiments = [recorded, made_up.experiment(spec=made_up.spec(image_size=32))]
    here = forecast_experiment(spec, experiments, [elsewhere, CNN])
    assert here.seconds == pytest.approx(2.5 + 4 * 7.5)
    assert here.basis.endswith("Scaled by the number of pixels from 32 px to 64 px.")
    there = forecast_experiment(spec, experiments, [elsewhere])
    assert there.seconds == pytest.approx(1000.0)
    assert there.basis == (
        "Measured on a big one, not on this machine: here it can be faster or several times as "
        "slow. After one run here the forecast is from this machine."
    )


def test_the_nearest_size_is_taken_and_then_the_newest():
    far = made_up.experiment(id="far", spec=made_up.spec(image_size=224))
    near = made_up.experiment(id="near", spec=made_up.spec(image_size=64))
    runs = [
        made_up.run("majority", experiment_id="far", result=made_up.result(total_seconds=99.0)),
        made_up.run(
            "majority",
            experiment_id="near",
            finished_at="2026-11-01",
            result=made_up.result(
                total_seconds=5.0, epochs=0, steady_epoch_seconds=None, validation_seconds=None
            ),
        ),
        made_up.run(
            "majority",
            experiment_id="near",
            finished_at="2026-11-02",
            result=made_up.result(
                total_seconds=7.0, epochs=0, steady_epoch_seconds=None, validation_seconds=None
            ),
        ),
    ]
    forecast = forecast_experiment(only(("majority", {})), [far, near], runs)
    assert forecast.seconds == pytest.approx(7.0)

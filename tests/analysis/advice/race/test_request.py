"""Asking for a race: what it would do, what is refused, and how one stands."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.advice.facts import default_split
from core.analysis.advice.race import request
from core.analysis.advice.race.request import (
    LONGEST_MINUTES,
    ladder_of,
    latest_race,
    plan_race,
    points_of,
    request_race,
    run_race,
)
from core.datasets.dataset import Dataset
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.forecast import Forecast
from core.experiments.race_points import RacePoint, keep_point
from core.experiments.store import Store
from core.jobs.progress import NO_TRAINER, DeviceWait
from core.strategies.registry import find_strategy
from tests.analysis.advice.race.conftest import SIZES
from tests.made_race import point

SIZE = 64


def plan(store: Store, arrows: Dataset, minutes: int = 5, strategies=("majority", "mlp", "cnn")):
    return plan_race(store, arrows, minutes, strategies, image_size=SIZE)


def kept(store: Store, planned: request.RacePlan, strategy: str, images: int, **more) -> RacePoint:
    spec = planned.spec
    values = {
        "id": f"{strategy}-{images}",
        "dataset_id": spec.dataset_id,
        "split_fingerprint": spec.split_fingerprint,
        "image_size": spec.image_size,
        "strategy": strategy,
        "settings": dict(spec.strategies)[strategy],
        "train_images": images,
    }
    made = point(**(values | more))
    keep_point(store.database, made)
    return made


def test_the_subsets_are_nested_stratified_and_without_validation_and_test(arrows):
    split = default_split().of(arrows)
    ladder = ladder_of(arrows, split)
    assert tuple(map(len, ladder)) == SIZES
    for part, whole in zip(ladder, [*ladder[1:], split.train], strict=True):
        assert set(part) < set(whole)
    assert np.bincount(arrows.labels[ladder[0]]).tolist() == [2, 2, 2]


def test_a_part_that_is_hardly_larger_than_the_one_before_is_left_out(arrows, monkeypatch):
    """Of each class ten, then eleven or so, then fifteen or so, then nearly all."""
    monkeypatch.setattr(request, "FRACTIONS", (1 / 16, 0.42, 0.6, 0.95))
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 10)
    first, second = ladder_of(arrows, default_split().of(arrows))
    assert (len(first), 45 <= len(second) <= 48) == (30, True)


def test_the_plan_has_complete_settings_cheap_strategies_first(arrows, arrows_store):
    planned = plan(arrows_store, arrows, strategies=["cnn", "majority", "mlp"])
    spec = planned.spec
    assert spec.names == ("majority", "mlp", "cnn")
    assert (spec.sizes, spec.train_images, spec.minutes) == (SIZES, 76, 5)
    assert dict(spec.strategies)["cnn"] == find_strategy("cnn").resolve("quick")
    assert spec.weights == {"majority": "", "mlp": "", "cnn": ""}
    assert not planned.is_quick  # nothing is known of their time
    assert arrows_store.jobs() == []


def test_all_means_those_of_the_backbones_that_are_here(arrows, arrows_store, monkeypatch):
    for module in ("core.strategies.selection", "core.experiments.planning"):
        monkeypatch.setattr(f"{module}.is_available", lambda weights: weights.backbone == "vgg16")
    planned = plan_race(arrows_store, arrows, 5, image_size=SIZE)
    names = planned.spec.names
    assert {"majority", "mlp", "cnn", "vgg16_probe", "vgg16_finetune"} <= set(names)
    assert not any(name.startswith("squeezenet") for name in names)
    assert planned.spec.weights["vgg16_probe"] != ""


@pytest.mark.parametrize(
    ("seconds", "unknown", "minutes", "quick"),
    [
        (599.0, (), 1, True),
        (601.0, (), 1, False),
        (1199.0, (), 20, True),
        (1201.0, (), 20, False),
        (5.0, ("cnn",), 20, False),
        (None, ("cnn",), 20, False),
    ],
)
def test_where_everything_takes_minutes_or_no_longer_than_the_race_it_says_so(
    arrows, arrows_store, seconds, unknown, minutes, quick
):
    forecast = Forecast(seconds, 0.0, unknown, "")
    assert replace(plan(arrows_store, arrows, minutes), forecast=forecast).is_quick is quick


@pytest.mark.parametrize(
    ("minutes", "strategies", "sentence"),
    [
        (0, ["mlp"], "minutes is 0; it must be a whole number from 1 to 1,440."),
        (LONGEST_MINUTES + 1, ["mlp"], "minutes is 1441"),
        (1.5, ["mlp"], "minutes is 1.5; it must be a whole number"),
        (True, ["mlp"], "minutes is True"),
        (5, ["nothing"], "There is no strategy named 'nothing'."),
        (5, [], "Choose at least one strategy."),
    ],
)
def test_bad_input_is_one_sentence(arrows, arrows_store, minutes, strategies, sentence):
    with pytest.raises(BadInput) as refused:
        plan_race(arrows_store, arrows, minutes, strategies, image_size=SIZE)
    assert str(refused.value).startswith(sentence)
    assert arrows_store.jobs() == []


def test_a_dataset_that_is_too_small_is_refused(arrows, arrows_store, monkeypatch):
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 10)
    with pytest.raises(BadInput, match="arrows is too small for a race: of its 76 training images"):
        plan(arrows_store, arrows)


def test_one_on_a_network_that_saw_validation_images_is_left_out(arrows, arrows_store, monkeypatch):
    probe = find_strategy("vgg16_probe")
    own = replace(probe, backbone=replace(probe.backbone, name="own", origin=object()))
    found = {"majority": find_strategy("majority"), "mlp": own, "cnn": find_strategy("cnn")}
    monkeypatch.setattr(request, "find_strategy", found.__getitem__)
    asked = []
    monkeypatch.setattr(
        request, "seen_test_images", lambda name, _d, images: asked.append((name, images)) or 3
    )
    with pytest.raises(BadInput, match="has seen validation images of this dataset"):
        plan(arrows_store, arrows)
    assert asked[0][0] == "own"
    assert asked[0][1].tolist() == default_split().of(arrows).validation.tolist()


# The job ------------------------------------------------------------------------------------------


def test_one_race_at_a_time_and_the_next_goes_on_from_its_points(arrows, arrows_store):
    planned = plan(arrows_store, arrows)
    assert latest_race(arrows_store, arrows, SIZE) is None
    job = request_race(arrows_store, planned)
    assert (job.kind, job.pool, job.state) == ("race", "device", "queued")
    with pytest.raises(BadInput, match="A race on arrows is at work"):
        request_race(arrows_store, planned)
    mine = kept(arrows_store, planned, "mlp", 6)
    arrows_store.cancel_job(job.id)
    race = latest_race(arrows_store, arrows, SIZE)
    assert (race.job.state, race.ended, race.remaining) == ("cancelled", None, planned.spec.names)
    assert race.status.racers[1].points == [mine]
    again = request_race(arrows_store, plan(arrows_store, arrows, minutes=9))
    assert (again.id, again.state) == (job.id, "queued")
    assert latest_race(arrows_store, arrows, SIZE).spec.minutes == 9
    assert latest_race(arrows_store, arrows, SIZE).status.racers[1].points == [mine]


def test_of_two_that_ask_in_one_moment_the_first_has_the_race(arrows, arrows_store, monkeypatch):
    first, second = (plan(arrows_store, arrows, minutes) for minutes in (5, 9))
    monkeypatch.setattr(arrows_store, "find_job", lambda _job_id: None)
    request_race(arrows_store, first)
    with pytest.raises(BadInput, match="A race on arrows is at work"):
        request_race(arrows_store, second)
    (job,) = arrows_store.jobs("race")
    assert job.arguments["race"]["minutes"] == 5


def test_the_times_of_the_first_points_are_forecast_when_it_is_asked_for(
    arrows, arrows_store, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        request, "forecast_each", lambda spec, *_known: asked.append(spec.images) or {"cnn": 3.0}
    )
    planned = plan(arrows_store, arrows)
    assert (asked, planned.spec.first_seconds) == ([], {})
    request_race(arrows_store, planned)
    validation = len(default_split().of(arrows).validation)
    assert asked == [{"train": 6, "validation": validation, "test": validation}]
    assert latest_race(arrows_store, arrows, SIZE).spec.first_seconds == {"cnn": 3.0}


@pytest.mark.parametrize(
    "other",
    [
        {"split_fingerprint": "0" * 64},
        {"image_size": 16},
        {"train_images": 7},
        {"settings": {"epochs": 1}},
        {"weights": "0" * 64},
        {"dataset_id": "0" * 64},
    ],
)
def test_points_of_other_trainings_do_not_count(arrows, arrows_store, other):
    planned = plan(arrows_store, arrows)
    kept(arrows_store, planned, "cnn", 6, **other)
    assert points_of(arrows_store, planned.spec) == []


def test_a_job_that_another_version_left_is_no_race(arrows, arrows_store):
    job = request_race(arrows_store, plan(arrows_store, arrows))
    arrows_store.cancel_job(job.id)
    arrows_store.requeue_job(job.id, {"race": {"minutes": 5}})
    assert latest_race(arrows_store, arrows, SIZE) is None


def test_who_waits_for_it_hears_of_it_and_cancels_it_by_ctrl_c(arrows, arrows_store, monkeypatch):
    said: list[str] = []

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(request.time, "sleep", interrupt)
    for wait, why in ((None, ""), (DeviceWait("", 0, 0), f" · {NO_TRAINER}")):
        said.clear()
        monkeypatch.setattr(Store, "device_wait", lambda _store, _group, wait=wait: wait)
        with pytest.raises(KeyboardInterrupt):
            run_race(arrows_store, plan(arrows_store, arrows), said.append)
        assert said == [f"Next in the queue{why}"]
    assert latest_race(arrows_store, arrows, SIZE).job.state == "cancelled"


def test_who_waits_for_it_is_told_why_it_failed(arrows, arrows_store, monkeypatch):
    def fail(_seconds: float) -> None:
        job = arrows_store.claim_next("worker")
        arrows_store.fail(job.id, "The dataset was removed, so the race ended.", job.attempts)

    monkeypatch.setattr(request.time, "sleep", fail)
    with pytest.raises(HeadstartError, match="The dataset was removed"):
        run_race(arrows_store, plan(arrows_store, arrows), lambda _line: None)


def test_an_unknown_backbone_is_refused(arrows, arrows_store):
    with pytest.raises(UnknownName, match="backbone"):
        plan_race(arrows_store, arrows, 5, ["probe"], ["nothing"], image_size=32)

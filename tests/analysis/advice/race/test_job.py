"""The job that races: its order, its budget, what it keeps, and what it never reads."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.advice.facts import default_split
from core.analysis.advice.race import rule
from core.analysis.advice.race.job import REMOVED, Racing
from core.analysis.advice.race.losses import Notes, describe_lost
from core.analysis.advice.race.request import (
    RacePlan,
    latest_race,
    plan_race,
    points_of,
    request_race,
)
from core.datasets.dataset import Dataset
from core.datasets.storage import remove_dataset
from core.errors import Cancelled, StoreError, TrainingDiverged
from core.experiments.accuracy_forecasts import read_forecasts
from core.experiments.store import Store
from core.jobs.child import execute
from core.jobs.progress import Progress
from tests.analysis.advice.race.conftest import ALL, SIZES, StandIn
from tests.analysis.advice.test_measure import CountedLabels
from tests.jobs.stand_in import QuietContext
from tests.stored_home import do_next

NAMES = ("majority", "mlp", "cnn", "vgg16_scratch")


@pytest.fixture
def planned(arrows: Dataset, arrows_store: Store) -> RacePlan:
    """Of strategies that need no weights, at a size that a VGG16 takes."""
    return plan_race(arrows_store, arrows, 1, NAMES, image_size=64)


class Listening(QuietContext):
    """Keeps what is reported; asks to stop from the ``stop_after``-th question on."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.reports: list[Progress] = []
        self.asked, self.stop_after = 0, stop_after

    def report_progress(self, progress: Progress) -> None:
        self.reports.append(progress)

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked > self.stop_after


def racing(planned: RacePlan, arrows: Dataset, store: Store, engine: StandIn, **more) -> Racing:
    context = more.pop("context", QuietContext())
    return Racing(planned.spec, arrows, store, context, clock=engine.clock, **more)


def test_size_after_size_cheap_strategies_first(planned, arrows, arrows_store):
    engine = StandIn()
    ended = racing(planned, arrows, arrows_store, engine).run(engine)
    order = [(name, size) for size in SIZES for name in NAMES]
    # The majority class takes nothing from images, and what it takes from labels all of them tell.
    assert engine.trained == [(name, ALL if name == "majority" else size) for name, size in order]
    assert ended == {"ended": "done", "failed": {}, "seconds": 12.0}
    made = points_of(arrows_store, planned.spec)
    assert [(one.strategy, one.train_images) for one in made] == order
    assert len({one.id for one in made}) == 12
    assert {one.seconds for one in made} == {1.0}
    batches = [spec.settings["batch_size"] for spec in engine.specs if spec.strategy == "mlp"]
    assert batches == list(SIZES)  # made to fit; 32 was planned
    assert {spec.image_size for spec in engine.specs} == {64}


def test_no_test_image_is_given_and_no_label_of_one_is_read(planned, arrows, arrows_store):
    split = default_split().of(arrows)
    counted = CountedLabels(arrows.labels)
    engine = StandIn()
    racing(planned, replace(arrows, labels=counted), arrows_store, engine).run(engine)
    assert counted.read <= set(split.train.tolist()) | set(split.validation.tolist())
    assert not counted.read & set(split.test.tolist())
    assert engine.split.test.tolist() == split.validation.tolist()
    (images,) = {one.validation_images for one in points_of(arrows_store, planned.spec)}
    assert images == len(split.validation)


def test_whoever_was_dropped_is_trained_no_more(planned, arrows, arrows_store, monkeypatch):
    """The arrows have too few validation images for the rule; here it drops at once."""
    monkeypatch.setattr(rule, "optimistic_end", lambda *_arguments: 0.0)
    engine = StandIn(accuracy={"cnn": 1.0, "mlp": 0.2, "vgg16_scratch": 0.1})
    racing(planned, arrows, arrows_store, engine).run(engine)
    assert engine.trained[8:] == [("majority", ALL), ("cnn", 21)]


def test_the_budget_ends_it_and_the_training_in_hand_is_lost(planned, arrows, arrows_store):
    engine = StandIn(seconds=dict.fromkeys(NAMES, 25.0))
    ended = racing(planned, arrows, arrows_store, engine).run(engine)
    # The third would have ended after 75 of 60 seconds.
    assert engine.trained == [("majority", ALL), ("mlp", 6), ("cnn", 6)]
    assert (ended["ended"], ended["seconds"]) == ("time", 75.0)
    assert len(points_of(arrows_store, planned.spec)) == 2


def test_one_that_would_not_be_done_in_time_lets_others_pass(planned, arrows, arrows_store):
    """The CNN took 30 s on 6 images, so about 60 s on 12: more than is left."""
    engine = StandIn(seconds={"cnn": 30.0})
    ended = racing(planned, arrows, arrows_store, engine).run(engine)
    assert ("cnn", 12) not in engine.trained
    assert engine.trained[-1] == ("vgg16_scratch", 21)
    assert ended["ended"] == "time"


def test_a_forecast_that_is_longer_than_what_is_left_counts_before_the_first_point(
    planned, arrows, arrows_store
):
    spec = planned.spec.model_copy(update={"first_seconds": {"cnn": 61.0}})
    engine = StandIn()
    racing(replace(planned, spec=spec), arrows, arrows_store, engine).run(engine)
    assert "cnn" not in {name for name, _ in engine.trained}


def test_it_goes_on_from_the_points_that_are_there(planned, arrows, arrows_store):
    engine = StandIn(seconds=dict.fromkeys(NAMES, 25.0))
    racing(planned, arrows, arrows_store, engine).run(engine)
    engine = StandIn()
    ended = racing(planned, arrows, arrows_store, engine).run(engine)
    assert engine.trained[:2] == [("cnn", 6), ("vgg16_scratch", 6)]
    assert len(engine.trained) == 10
    assert ended["ended"] == "done"
    engine = StandIn()
    assert racing(planned, arrows, arrows_store, engine).run(engine)["ended"] == "done"
    assert engine.trained == []


def test_time_that_was_used_before_counts(planned, arrows, arrows_store):
    engine = StandIn()
    ended = racing(planned, arrows, arrows_store, engine, already_seconds=60.0).run(engine)
    assert (engine.trained, ended["ended"]) == ([], "time")


def test_a_strategy_that_cannot_be_trained_is_out_and_the_others_go_on(
    planned, arrows, arrows_store
):
    engine = StandIn(
        raises={"mlp": TrainingDiverged("mlp stopped in epoch 1."), "cnn": MemoryError("No room.")}
    )
    ended = racing(planned, arrows, arrows_store, engine).run(engine)
    assert ended["failed"] == {"mlp": "mlp stopped in epoch 1.", "cnn": "No room."}
    assert [one for one in engine.trained if one[0] in ("mlp", "cnn")] == [("mlp", 6), ("cnn", 6)]
    assert ended["ended"] == "done"


def test_anything_else_ends_the_race_and_leaves_the_points(planned, arrows, arrows_store):
    engine = StandIn(raises={"cnn": StoreError("The run store is locked.")})
    with pytest.raises(StoreError):
        racing(planned, arrows, arrows_store, engine).run(engine)
    assert len(points_of(arrows_store, planned.spec)) == 2


def test_a_cancel_is_heard_in_a_training(planned, arrows, arrows_store):
    engine = StandIn()
    context = Listening(stop_after=1)
    with pytest.raises(Cancelled):
        racing(planned, arrows, arrows_store, engine, context=context).run(engine)
    assert len(points_of(arrows_store, planned.spec)) == 1


def test_what_is_reported_says_which_training_and_how_much_time_is_left(
    planned, arrows, arrows_store
):
    engine, context = StandIn(), Listening()
    racing(planned, arrows, arrows_store, engine, context=context).run(engine)
    first, second, last = context.reports[0], context.reports[1], context.reports[-1]
    majority = "Majority class on 6 training images, training 1 of at most 12"
    assert first == Progress(f"{majority}; at most 1 min left", 0, 60, unit="s of the budget")
    assert second.step == f"{majority}: preparing the images; at most 1 min left"
    assert "training 12 of at most 12: preparing the images; at most 50 s left" in last.step
    assert last.done == 11


# As a job -----------------------------------------------------------------------------------------


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """In place of the real one, also where the handler imports it."""
    stand_in = StandIn()
    monkeypatch.setattr("core.training.engine.train", stand_in)
    return stand_in


@pytest.mark.usefixtures("engine")
def test_the_job_keeps_how_it_ended(planned, arrows, arrows_store):
    request_race(arrows_store, planned)
    do_next(arrows_store)
    race = latest_race(arrows_store, arrows, 64)
    assert (race.job.state, race.job.error, race.ended) == ("finished", None, "done")
    assert race.remaining == NAMES
    assert [len(one.points) for one in race.status.racers] == [3, 3, 3, 3]
    made = read_forecasts(arrows_store.database)
    assert {(one.strategy, one.largest) for one in made} == {(name, 21) for name in NAMES}
    assert {one.kind for one in made} == {"trained"}


def killed_in(strategy: str, planned: RacePlan, arrows: Dataset, store: Store, engine: StandIn):
    """The job of a race whose process died while it trained ``strategy``: nothing after that moment
    is written."""
    job = store.claim_next("here")
    left: dict[str, object] = {}

    def die() -> None:
        if engine.trained[-1][0] == strategy:
            left.update(store.job(job.id).arguments)
            raise KeyboardInterrupt

    engine.between = die
    noted = Notes(store, job).at_work
    with pytest.raises(KeyboardInterrupt):
        Racing(planned.spec, arrows, store, QuietContext(), noted=noted).run(engine)
    engine.between = lambda: None
    with store.database.writing() as connection:
        store.change_running(connection, job.id, job.attempts, arguments=left)
    return job


def test_a_process_that_was_killed_loses_its_training_and_the_next_leaves_that_strategy_out(
    planned, arrows, arrows_store, engine
):
    request_race(arrows_store, planned)
    job = killed_in("cnn", planned, arrows, arrows_store, engine)
    arrows_store.note_death(job.id, "The process of this race was killed.", job.attempts)
    assert execute(arrows_store, job.id) == 0
    race = latest_race(arrows_store, arrows, 64)
    assert race.failed == {"cnn": describe_lost(6)}
    assert "cnn" not in race.remaining
    counts = {one.strategy: len(one.points) for one in race.status.racers}
    assert counts == {"majority": 3, "mlp": 3, "cnn": 0, "vgg16_scratch": 3}


def test_the_next_race_remembers_who_ended_the_process_until_it_is_chosen(
    planned, arrows, arrows_store, engine, monkeypatch
):
    """The second death in one race ends it; both are left out of the next."""
    for module in ("core.strategies.selection", "core.experiments.planning"):
        monkeypatch.setattr(f"{module}.is_available", lambda weights: weights.backbone == "vgg16")
    request_race(arrows_store, planned)
    job = killed_in("cnn", planned, arrows, arrows_store, engine)
    arrows_store.note_death(job.id, "killed", job.attempts)
    again = Notes(arrows_store, arrows_store.job(job.id))
    assert again.lost == {"cnn": 6}
    with again.at_work("vgg16_scratch", 6):
        left = arrows_store.job(job.id).arguments
    with arrows_store.database.writing() as connection:
        arrows_store.change_running(connection, job.id, job.attempts, arguments=left)
    arrows_store.fail(job.id, "killed again", job.attempts)
    assert set(latest_race(arrows_store, arrows, 64).failed) == {"cnn", "vgg16_scratch"}

    later = plan_race(arrows_store, arrows, 1, image_size=64)
    assert later.lost == ("cnn", "vgg16_scratch")
    assert later.left_out["cnn"] == describe_lost(6)
    assert "cnn" not in later.spec.names
    request_race(arrows_store, later)
    do_next(arrows_store)
    assert latest_race(arrows_store, arrows, 64).failed == {}
    assert plan_race(arrows_store, arrows, 1, image_size=64).lost == later.lost

    chosen = plan_race(arrows_store, arrows, 1, ["majority", "cnn"], image_size=64)
    assert (chosen.spec.names, chosen.lost) == (("majority", "cnn"), ())
    request_race(arrows_store, chosen)
    do_next(arrows_store)
    race = latest_race(arrows_store, arrows, 64)
    assert (race.failed, [len(one.points) for one in race.status.racers]) == ({}, [3, 3])
    assert plan_race(arrows_store, arrows, 1, image_size=64).lost == ("vgg16_scratch",)


def test_a_race_that_was_cancelled_blames_nobody(planned, arrows, arrows_store, engine):
    """A training that hears no cancel is killed as well."""
    request_race(arrows_store, planned)
    job = killed_in("cnn", planned, arrows, arrows_store, engine)
    arrows_store.mark_cancelled(job.id, job.attempts)
    assert latest_race(arrows_store, arrows, 64).failed == {}
    request_race(arrows_store, planned)
    do_next(arrows_store)
    assert latest_race(arrows_store, arrows, 64).failed == {}


def test_what_could_not_be_trained_is_not_forecast(planned, arrows_store, engine, monkeypatch):
    given = []
    monkeypatch.setattr(
        "core.analysis.advice.race.job.forecast_from_race", lambda *known: given.append(known)
    )
    engine.between = lambda: engine.raises.update(
        {"cnn": MemoryError("No room.")} if len(engine.trained) > 4 else {}
    )
    request_race(arrows_store, planned)
    do_next(arrows_store)
    ((_, _, _, points),) = given
    assert {one.strategy for one in points} == {"majority", "mlp", "vgg16_scratch"}
    assert {one.train_images for one in points} == set(SIZES)


def test_a_dataset_that_was_removed_ends_it(planned, arrows_store, engine):
    request_race(arrows_store, planned)
    remove_dataset("arrows")
    do_next(arrows_store)
    (job,) = arrows_store.jobs("race")
    assert (job.state, job.error) == ("failed", REMOVED)
    assert engine.trained == []


@pytest.mark.tensorflow
def test_a_real_race_of_real_networks_reads_no_test_label(arrows, arrows_store):
    """The engine itself, on arrays: what it reads of the labels is counted."""
    from core.training.engine import train

    planned = plan_race(arrows_store, arrows, 10, ["majority", "mlp"], image_size=8)
    settings = {"mlp": {"epochs": 2, "hidden_layers": 1, "hidden_width": 8}}
    strategies = tuple(
        (name, known | settings.get(name, {})) for name, known in planned.spec.strategies
    )
    spec = planned.spec.model_copy(update={"strategies": strategies})
    split = default_split().of(arrows)
    counted = CountedLabels(arrows.labels)
    race = Racing(spec, replace(arrows, labels=counted), arrows_store, QuietContext())
    ended = race.run(train)
    assert (ended["ended"], ended["failed"]) == ("done", {})
    assert not counted.read & set(split.test.tolist())
    assert set(split.validation.tolist()) <= counted.read
    made = points_of(arrows_store, spec)
    assert [one.train_images for one in made] == [6, 6, 12, 12, 21, 21]
    majority = [one for one in made if one.strategy == "majority"]
    assert majority[-1].validation_images == len(split.validation)
    commonest = np.bincount(arrows.labels[split.train]).argmax()
    known = float((arrows.labels[split.validation] == commonest).mean())
    assert [one.accuracy for one in majority] == [known] * 3
    assert all(one.seconds > 0 for one in made if one.strategy == "mlp")

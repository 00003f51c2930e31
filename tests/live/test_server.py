"""How networks are held and let go, and what is answered meanwhile; no Keras here."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from core.errors import BadInput, StoreError
from core.experiments.planning import plan_experiment
from core.experiments.store import Store
from core.live import model_cache, server
from core.live.model_cache import SHORT_OF_MEMORY_BYTES, Memory, ModelCache, RunKey
from core.live.server import COPIES, DO_NOT_FIT, TIMED_RUN, RequestLoop
from core.settings import PROJECT_ROOT
from tests import made_up
from tests.stored_home import majority_spec

pytestmark = pytest.mark.slow

IMAGE = np.zeros((8, 8, 1), np.uint8)
NETWORK_BYTES = 100


class FakeNetwork:
    """Answers that class 1 is sure; ``answers`` counts how often it was asked."""

    image_shape = (8, 8, 1)

    def __init__(self, strategy: str) -> None:
        self.strategy = strategy
        self.answers = 0

    def check_images(self, images: np.ndarray) -> None:
        if images.shape[1:] != self.image_shape:
            raise BadInput("not of this shape", "images")

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        self.answers += 1
        return np.tile(np.array([0, 1, 0], np.float32), (len(images), 1))


class Machine:
    """A cache in which each network takes 100 bytes; ``made`` lists what was put together."""

    def __init__(self, store: Store, limit_bytes: int, strategies: list[str]) -> None:
        self.made: list[str] = []
        self.available_bytes = 10 * SHORT_OF_MEMORY_BYTES
        self.broken: dict[str, Exception] = {}
        self.hold = threading.Event()
        self.hold.set()
        spec = plan_experiment("arrows", strategies, image_size=64)
        self.experiment_id = store.create_experiment(spec)
        while (run := store.claim_next("worker")) is not None:
            store.finish_run(run.id, made_up.result())
        self.keys = [
            RunKey(run.id, run.finished_at, run.strategy) for run in store.runs(self.experiment_id)
        ]
        memory = Memory(
            limit_bytes, lambda: NETWORK_BYTES * len(self.cache.held), lambda: self.available_bytes
        )
        self.cache = ModelCache(store, memory)
        self.work = RequestLoop(store, self.cache, idle_seconds=60)

    def restored(self, spec, _weights, _dataset) -> FakeNetwork:
        self.hold.wait(10)
        self.made.append(spec.strategy)
        if spec.strategy in self.broken:
            raise self.broken[spec.strategy]
        return FakeNetwork(spec.strategy)

    def ask(self, do: str, **arrays: np.ndarray):
        runs = [list(key) for key in self.keys]
        body = {"do": do, "experiment": self.experiment_id, "runs": runs, "classes": None}
        return self.work.handle(body, arrays)

    def until_ready(self):
        deadline = time.monotonic() + 20
        while (told := self.ask("load")[0])["state"] != "ready":
            assert time.monotonic() < deadline, told
            time.sleep(0.01)
        return told


@pytest.fixture
def machine(arrows_store: Store, monkeypatch: pytest.MonkeyPatch):
    """Makes a machine of so many bytes; its thread ends with the test."""
    made: list[Machine] = []

    def make(limit_bytes: int = 1000, strategies: list[str] | None = None) -> Machine:
        machine = Machine(arrows_store, limit_bytes, strategies or ["mlp"])
        monkeypatch.setattr(model_cache, "restored_model", machine.restored)
        monkeypatch.setattr(model_cache, "read_weights", lambda _run_id: {})
        made.append(machine)
        return machine

    yield make
    for machine in made:
        machine.hold.set()
        machine.work.finish()


def test_networks_are_put_together_once_and_answer(machine) -> None:
    one = machine()
    told = one.until_ready()
    assert told == {
        "state": "ready", "step": "", "done": 1, "total": 1, "loaded": ["mlp"],
        "unable": {}, "note": "",
    }  # fmt: skip
    for _ in range(3):
        told, arrays = one.ask("answer", image=IMAGE)
        assert set(told["seconds"]) == {one.keys[0].run_id}
        np.testing.assert_array_equal(arrays[one.keys[0].run_id], [0, 1, 0])
    assert one.made == ["mlp"]


def test_an_image_of_another_shape_is_refused(machine) -> None:
    with pytest.raises(BadInput, match="not of this shape"):
        machine().ask("answer", image=np.zeros((9, 8, 1), np.uint8))


def test_the_longest_unused_network_is_let_go(arrows_store: Store, machine) -> None:
    one = machine(limit_bytes=2 * NETWORK_BYTES)
    keys = []
    for seed in (1, 2, 3):
        other = Machine(arrows_store, 1000, ["mlp"])
        keys.append(other.keys[0]._replace(strategy=f"seed {seed}"))
    assert one.cache.take(keys[0]) is not None
    assert one.cache.take(keys[1]) is not None
    assert one.cache.take(keys[0]) is not None  # used again: the other one is older now
    one.cache.take(keys[2])
    assert one.cache.held == [keys[1], keys[0], keys[2]]
    assert one.cache.make_room()
    assert one.cache.held == [keys[0], keys[2]]
    assert Memory(199, lambda: 200, lambda: SHORT_OF_MEMORY_BYTES).is_short is not False
    assert one.cache.make_room(keep=keys)
    one.available_bytes = SHORT_OF_MEMORY_BYTES - 1
    assert not one.cache.make_room(keep=keys)
    assert one.cache.held == [keys[0], keys[2]]
    assert not one.cache.make_room()  # all are gone, and the machine is short all the same
    assert one.cache.held == []


def test_what_was_let_go_is_loaded_again_when_it_is_asked(machine) -> None:
    one = machine()
    one.until_ready()
    one.available_bytes = 0
    one.work.look_around()
    deadline = time.monotonic() + 5
    while one.cache.held:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    one.available_bytes = 10 * SHORT_OF_MEMORY_BYTES
    told, _ = one.ask("answer", image=IMAGE)
    assert len(told["seconds"]) == 1
    assert one.made == ["mlp", "mlp"]


def test_where_not_all_fit_they_still_answer_one_after_another(machine) -> None:
    one = machine(limit_bytes=NETWORK_BYTES - 1, strategies=["mlp"])
    told = one.until_ready()
    assert (told["state"], told["note"]) == ("ready", DO_NOT_FIT)
    assert len(one.ask("answer", image=IMAGE)[0]["seconds"]) == 1
    assert one.until_ready()["state"] == "ready"  # polling does not begin it all again


def test_a_network_that_fails_is_named_and_not_tried_at_once_again(machine) -> None:
    one = machine()
    one.broken["mlp"] = StoreError("The kept weights do not fit.")
    told = one.until_ready()
    assert told["unable"] == {"mlp": "The kept weights do not fit."}
    told, arrays = one.ask("answer", image=IMAGE)
    assert (told["seconds"], arrays) == ({}, {})
    assert one.made == ["mlp"]


def test_polls_are_answered_while_networks_load_and_questions_come_in_between(machine) -> None:
    one = machine(strategies=["mlp", "cnn"])
    one.hold.clear()
    started = time.monotonic()
    assert one.ask("load")[0]["state"] == "loading"
    assert one.ask("load")[0]["state"] == "loading"
    assert time.monotonic() - started < 2
    made_then = one.work._worker.submit(lambda: list(one.made))
    one.hold.set()
    assert made_then.result(10) == ["mlp"]
    one.until_ready()
    assert one.made == ["mlp", "cnn"]


def test_questions_are_answered_while_copies_are_indexed(
    machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of photographs take minutes to prepare where they are not in the cache."""
    go_on = threading.Event()

    def index(_dataset, _image_size, _resize, progress, _should_stop) -> None:
        progress(1, 2)
        go_on.wait(10)

    monkeypatch.setattr(server, "index_for_copy_lookup", index)
    one = machine()
    deadline = time.monotonic() + 10
    while (told := one.ask("load")[0])["step"] != COPIES:
        assert time.monotonic() < deadline, told
        time.sleep(0.01)
    assert (told["state"], told["loaded"]) == ("loading", ["mlp"])
    assert (told["done"], told["total"]) == (1, 2)
    assert set(one.ask("answer", image=IMAGE)[0]["seconds"]) == {one.keys[0].run_id}
    go_on.set()
    assert one.until_ready()["step"] == ""


def test_a_run_made_again_is_loaded_again(machine) -> None:
    one = machine()
    one.until_ready()
    key = one.keys[0]
    newer = key._replace(finished_at="2999-01-01")
    one.keys = [newer]
    told = one.until_ready()
    # The store knows of no such attempt, and the former one is not passed off as it.
    assert told["unable"] == {"mlp": f"Run {key.run_id} was started again meanwhile."}
    assert one.cache.held == []


def test_it_ends_when_nobody_asks(machine) -> None:
    one = machine()
    one.work._idle_seconds = 60
    one.work.look_around()
    one.ask("answer", image=IMAGE)
    one.work.look_around()
    assert not one.work.is_over
    one.work._idle_seconds = 0.05
    time.sleep(0.1)
    one.work.look_around()
    assert one.work.is_over


def test_it_gives_way_to_timed_runs_and_ends_after_them(
    arrows_store: Store, machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gave_way: list[bool] = []
    monkeypatch.setattr(server, "_give_way", lambda: gave_way.append(True))
    monkeypatch.setattr(server, "FREE_SECONDS", 0.0)
    one = machine()
    one.work.look_around()
    assert one.until_ready()["note"] == ""
    arrows_store.create_experiment(majority_spec())
    timed = arrows_store.claim_next("worker")
    assert timed is not None
    one.work.look_around()
    one.work.look_around()
    assert one.until_ready()["note"] == TIMED_RUN
    assert len(one.ask("answer", image=IMAGE)[0]["seconds"]) == 1
    assert not one.work.is_over
    arrows_store.fail(timed.id, "over")
    assert gave_way == [True]
    one.work.look_around()
    assert one.work.is_over


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have one niceness there")
def test_giving_way_reaches_threads_that_run_already() -> None:
    code = (
        "import os, threading, time; from core.live.server import _give_way; "
        "other = threading.Thread(target=time.sleep, args=(1,)); other.start(); _give_way(); "
        "print(*(os.getpriority(os.PRIO_PROCESS, at) for at in (0, other.native_id)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
        start_new_session=True,
    )
    assert done.stdout.split() == ["19", "19"]

"""Which strategies of an experiment answer live, and the answers of the real process."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.datasets.storage import open_dataset, remove_dataset
from core.errors import BadInput, HeadstartError
from core.experiments import train_job
from core.experiments.planning import plan_experiment
from core.experiments.run_files import read_predictions, weights_path, write_weights
from core.experiments.store import Store, open_store
from core.jobs.child import execute
from core.live import client as live_client
from core.live import connection as live_connection
from core.live.client import Candidate, LiveState, answer, candidates, wake, where_it_looked
from core.live.connection import KIND, ConnectionLostError, connect, read_address, server_state
from core.live.images import prepared_of
from core.settings import PROJECT_ROOT, current_settings
from core.training.events import KeptWeights
from tests import made_up
from tests.stored_home import add_arrows, end_workers, leave_out_bundled_datasets, majority_spec

# One worker: those that need the process share it.
pytestmark = pytest.mark.xdist_group("live")


KEPT = {"any/kernel": np.zeros(1, np.float32)}
NOT_KEPT = "The weights of this run were not kept: "


def waited_for(store: Store, experiment_id: str) -> LiveState:
    deadline = time.monotonic() + 200
    while (now := wake(store, experiment_id)).state in ("starting", "loading"):
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
    return now


@pytest.fixture(scope="module")
def live_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for the whole module: its process loads TensorFlow once. Its path is too long for
    a socket."""
    folder = tmp_path_factory.mktemp("live") / ("été 100% home " + "x" * 80)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder))
        patch.delenv("HEADSTART_DATABASE_URL", raising=False)
        leave_out_bundled_datasets(folder)
        add_arrows()
        yield folder
        store = open_store()
        store.cancel_job(KIND)
        end_workers(store)


@pytest.fixture(scope="module")
def trained(live_home: Path) -> tuple[Store, str]:  # noqa: ARG001 - the store lies in that home
    """A finished experiment of an MLP and a CNN of one epoch each, and majority."""
    store = open_store()
    overrides = {"mlp.epochs": 1, "cnn.epochs": 1}
    spec = plan_experiment(
        "arrows",
        ["majority", "mlp", "cnn"],
        image_size=64,
        precision="float32",
        overrides=overrides,
    )
    experiment_id = store.create_experiment(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_job, "_measure_deployment", lambda *_: (None, ()))
        while (run := store.claim_next("worker")) is not None:
            assert execute(store, run.id) == 0, store.run(run.id).error
    return store, experiment_id


@pytest.fixture
def ready(trained: tuple[Store, str]) -> tuple[Store, str]:
    store, experiment_id = trained
    now = waited_for(store, experiment_id)
    assert now == LiveState("ready", done=2, total=2, loaded=("mlp", "cnn"))
    return trained


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_answers_are_those_that_the_runs_gave(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    experiment = store.experiment(experiment_id)
    for row in (0, 7, 35):
        position = int(read_predictions(f"{experiment_id}-mlp-0").test_indices[row])
        answers = answer(store, experiment_id, prepared_of(experiment, position))
        assert [each.strategy for each in answers] == ["majority", "mlp", "cnn"]
        for each in answers:
            assert each.run_id == f"{experiment_id}-{each.strategy}-0"
            stored = read_predictions(each.run_id).probabilities[row]
            assert (each.seed, each.probabilities.dtype) == (0, np.float32)
            np.testing.assert_allclose(each.probabilities, stored, rtol=0, atol=1e-5)
            assert 0 < each.seconds < 10


@pytest.mark.tensorflow
@pytest.mark.slow
def test_where_the_networks_looked(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    image = prepared_of(store.experiment(experiment_id), 5)
    maps = where_it_looked(store, experiment_id, image, answer(store, experiment_id, image))
    assert list(maps) == ["cnn"]
    assert (maps["cnn"].shape, maps["cnn"].dtype) == ((4, 4), np.float32)
    assert 0 <= maps["cnn"].min() <= maps["cnn"].max() <= 1


@pytest.mark.tensorflow
@pytest.mark.slow
def test_an_image_of_another_shape_is_refused(ready: tuple[Store, str]) -> None:
    with pytest.raises(BadInput, match=r"takes uint8 images of \(8, 8, 1\)"):
        answer(*ready, np.zeros((9, 9, 1), np.uint8))


@pytest.mark.tensorflow
@pytest.mark.slow
def test_two_ask_at_once(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    experiment = store.experiment(experiment_id)
    images = [prepared_of(experiment, position) for position in range(8)]
    alone = [answer(store, experiment_id, image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: answer(store, experiment_id, image), images))
    for one, other in zip(alone, together, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_allclose(left.probabilities, right.probabilities, atol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_stranger_gets_nothing(ready: tuple[Store, str], live_home: Path) -> None:
    address = read_address()
    assert address is not None
    path = live_connection.address_path()
    assert path.is_relative_to(live_home)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConnectionLostError, match="rejected"):
        connect(replace(address, key="00" * 32))
    # One that skips the greeting is hung up on, and the others are answered meanwhile.
    with Client(address.place) as silent:
        silent.send_bytes(b"a question")
        assert waited_for(*ready).state == "ready"


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_killed_process_is_noticed_and_replaced(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    former = read_address()
    assert former is not None
    psutil.Process(former.process_id).send_signal(signal.SIGKILL)
    psutil.wait_procs([psutil.Process(former.process_id)], timeout=10)
    # Asked without being woken: it starts, loads and answers.
    image = prepared_of(store.experiment(experiment_id), 5)
    answers = answer(store, experiment_id, image)
    assert [each.strategy for each in answers] == ["majority", "mlp", "cnn"]
    address = read_address()
    assert address is not None
    assert address.process_id != former.process_id


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_process_of_other_code_is_replaced(
    ready: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    former = read_address()
    assert former is not None
    monkeypatch.setattr(live_connection, "code_fingerprint", lambda: "another")
    assert wake(*ready).state == "starting"
    assert waited_for(*ready).state == "ready"
    address = read_address()
    assert address is not None
    assert address.process_id != former.process_id
    assert ready[0].job(KIND).arguments == {"code": "another"}


@pytest.mark.tensorflow
@pytest.mark.slow
def test_it_ends_when_its_job_is_cancelled(ready: tuple[Store, str]) -> None:
    address = read_address()
    assert address is not None
    process = psutil.Process(address.process_id)
    ready[0].cancel_job(KIND)
    psutil.wait_procs([process], timeout=30)
    assert not process.is_running()
    assert not Path(str(address.place)).parent.exists()
    deadline = time.monotonic() + 10
    while server_state(ready[0]).state != "absent":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_experiment_without_networks_starts_nothing(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(majority_spec())
    assert wake(arrows_store, experiment_id) == LiveState("ready")
    (always,) = answer(arrows_store, experiment_id, np.zeros((8, 8, 1), np.uint8))
    dataset = open_dataset("arrows")
    train = arrows_store.experiment(experiment_id).spec.split.of(dataset).train
    fractions = np.bincount(dataset.labels[train], minlength=3) / len(train)
    np.testing.assert_allclose(always.probabilities, fractions, atol=1e-7)
    assert arrows_store.find_job(KIND) is None


def test_a_process_that_cannot_start_says_why_for_a_minute(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        live_client,
        "candidates",
        lambda *_: (Candidate("mlp", "any-mlp-0", 0, None, "2026-01-01"),),
    )
    monkeypatch.setattr(live_connection, "ensure_worker", lambda _queue: False)
    assert wake(arrows_store, "any").state == "starting"
    assert arrows_store.claim_next("worker") is not None
    assert wake(arrows_store, "any").state == "starting"
    arrows_store.fail(KIND, "None of TensorFlow, JAX and PyTorch is installed.")
    for _ in range(3):
        now = wake(arrows_store, "any")
        assert (now.state, now.error) == (
            "failed", "None of TensorFlow, JAX and PyTorch is installed."
        )  # fmt: skip
    with pytest.raises(HeadstartError, match="None of TensorFlow"):
        answer(arrows_store, "any", np.zeros((8, 8, 1), np.uint8))
    monkeypatch.setattr(live_connection, "FAILED_SECONDS", 0.0)
    assert server_state(arrows_store).state == "absent"
    assert wake(arrows_store, "any").state == "starting"
    assert arrows_store.job(KIND).attempts == 1


def test_the_web_side_loads_no_framework() -> None:
    code = (
        "import sys, core.live.client; "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert done.stdout.strip() == "[]"


def test_only_the_owner_can_reach_the_socket_and_a_long_path_makes_it_a_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with live_connection.listen() as listener:
        assert Path(listener.address).parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("multiprocessing.util.get_temp_dir", lambda: "/tmp/" + 200 * "x")
    with live_connection.listen() as listener:
        assert listener.address[0] == "127.0.0.1"


@pytest.mark.usefixtures("home")
def test_limits_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = current_settings()
    assert (settings.models_memory_bytes, settings.models_idle_seconds) == (3072 * 1024**2, 900.0)
    monkeypatch.setenv("HEADSTART_MODELS_MEMORY_MB", "100")
    monkeypatch.setenv("HEADSTART_MODELS_IDLE_MINUTES", "2")
    settings = current_settings()
    assert (settings.models_memory_bytes, settings.models_idle_seconds) == (100 * 1024**2, 120.0)
    monkeypatch.setenv("HEADSTART_MODELS_IDLE_MINUTES", "soon")
    with pytest.raises(BadInput, match="is 'soon'; it must be a whole number of minutes"):
        current_settings()


def stored(store: Store, strategies: list[str], seeds: tuple[int, ...] = (0,)) -> str:
    """An experiment whose runs are all finished, with weights but for majority."""
    spec = plan_experiment("arrows", strategies, image_size=64, seeds=seeds)
    experiment_id = store.create_experiment(spec)
    while (job := store.claim_next("worker")) is not None:
        if store.run(job.id).strategy != "majority":
            write_weights(job.id, KEPT)
        store.finish_run(job.id, made_up.result(weights=KeptWeights(10)))
    return experiment_id


def test_all_that_kept_their_weights_in_the_order_of_the_ladder(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["cnn", "majority", "mlp"], seeds=(3, 5))
    found = candidates(arrows_store, experiment_id)
    assert [(each.strategy, each.run_id, each.seed, each.why_not) for each in found] == [
        ("majority", f"{experiment_id}-majority-3", 3, None),
        ("mlp", f"{experiment_id}-mlp-3", 3, None),
        ("cnn", f"{experiment_id}-cnn-3", 3, None),
    ]
    assert [each.has_network for each in found] == [False, True, True]
    run = arrows_store.run(f"{experiment_id}-mlp-3")
    assert found[1].finished_at == run.finished_at


def test_the_first_seed_with_weights_answers(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["mlp"], seeds=(3, 5))
    weights_path(f"{experiment_id}-mlp-3").unlink()
    assert candidates(arrows_store, experiment_id)[1].run_id == f"{experiment_id}-mlp-5"
    weights_path(f"{experiment_id}-mlp-5").unlink()
    assert candidates(arrows_store, experiment_id)[1].why_not == (
        f"{NOT_KEPT}their file was removed. Run the benchmark here to see where it looked."
    )


def test_majority_answers_also_where_it_was_not_run(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["mlp"])
    assert candidates(arrows_store, experiment_id)[0] == Candidate("majority", None, None, None)


def test_a_run_that_waits_says_so(arrows_store: Store) -> None:
    spec = plan_experiment("arrows", ["mlp"], image_size=64)
    experiment_id = arrows_store.create_experiment(spec)
    assert candidates(arrows_store, experiment_id)[1].why_not == (
        f"Run {experiment_id}-mlp-0 is queued: only a finished run has a network to look at."
    )


def test_without_the_imagenet_weights_its_strategies_say_what_to_do(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = stored(arrows_store, ["mlp"])
    monkeypatch.setattr(live_client, "is_available", lambda weight_set: weight_set.include_top)
    run = arrows_store.run(f"{experiment_id}-mlp-0")
    probe = made_up.run(strategy="vgg16_probe", settings={}, id="x", experiment_id=experiment_id)
    assert live_client._why_no_pretrained(run) is None
    reason = live_client._why_no_pretrained(probe)
    assert reason is not None
    assert reason.startswith(
        "VGG16 probe needs the weights of VGG16 from ImageNet, which are not on this machine. "
        "Run `python -m core backbones fetch vgg16`"
    )
    whole = made_up.run(strategy="vgg16_freeze", settings={"head": "fc"}, id="y")
    assert live_client._why_no_pretrained(whole) is None


def test_without_its_dataset_nothing_answers(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["mlp"])
    remove_dataset("arrows")
    reasons = {each.why_not for each in candidates(arrows_store, experiment_id)}
    assert reasons == {
        "The dataset arrows was removed, so an image can no longer be prepared as its images were."
    }

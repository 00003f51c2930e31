"""Networks that answer live, by the real process that holds them."""

import contextlib
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

from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.planning import plan_experiment
from core.experiments.run_files import read_predictions
from core.experiments.store import Store, open_store
from core.jobs.child import execute
from core.live import process as live_process
from core.live import protocol as live_protocol
from core.live.candidates import Candidate
from core.live.client import (
    LiveAnswer,
    LiveState,
    answer,
    state_of_networks,
    wake,
    where_it_looked,
)
from core.live.images import prepared_of
from core.live.process import (
    CONNECT_SECONDS,
    JOB_ID,
    NobodyThere,
    ask,
    dismiss_server,
)
from core.live.protocol import ConnectionLostError, connect, read_address
from core.settings import PROJECT_ROOT, current_settings
from tests.stored_home import (
    add_arrows,
    end_workers,
    leave_out_bundled_datasets,
    majority_spec,
)

# One worker: those that need the process share it.
pytestmark = pytest.mark.xdist_group("live")


def waited_for(store: Store, experiment_id: str) -> LiveState:
    deadline = time.monotonic() + 200
    while (now := wake(store, experiment_id)).state in ("starting", "loading"):
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
    return now


def _dismiss_server() -> None:
    with contextlib.suppress(NobodyThere):
        ask({"do": "leave"}, {}, CONNECT_SECONDS)


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
        dismiss_server(store)
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
    while (run := store.claim_next("worker")) is not None:
        assert execute(store, run.id) == 0, store.run(run.id).error
    return store, experiment_id


@pytest.fixture
def ready(trained: tuple[Store, str]) -> tuple[Store, str]:
    store, experiment_id = trained
    now = waited_for(store, experiment_id)
    assert now == LiveState("ready", done=2, total=2)
    return trained


def by_strategy(answers: tuple[LiveAnswer, ...]) -> dict[str, LiveAnswer]:
    return {each.strategy: each for each in answers}


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
            assert each.heat_map is None


@pytest.mark.tensorflow
@pytest.mark.slow
def test_where_the_networks_looked(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    picture = prepared_of(store.experiment(experiment_id), 5)
    maps = where_it_looked(store, experiment_id, picture)
    assert list(maps) == ["cnn"]
    assert (maps["cnn"].shape, maps["cnn"].dtype) == ((4, 4), np.float32)
    assert 0 <= maps["cnn"].min() <= maps["cnn"].max() <= 1


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_picture_of_another_shape_is_refused(ready: tuple[Store, str]) -> None:
    with pytest.raises(BadInput, match=r"takes uint8 pictures of \(8, 8, 1\)"):
        answer(*ready, np.zeros((9, 9, 1), np.uint8))


@pytest.mark.tensorflow
@pytest.mark.slow
def test_two_ask_at_once(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    experiment = store.experiment(experiment_id)
    pictures = [prepared_of(experiment, position) for position in range(8)]
    alone = [answer(store, experiment_id, picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda picture: answer(store, experiment_id, picture), pictures))
    for one, other in zip(alone, together, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_allclose(left.probabilities, right.probabilities, atol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_stranger_gets_nothing(ready: tuple[Store, str], live_home: Path) -> None:
    address = read_address()
    assert address is not None
    path = live_protocol.address_path()
    assert path.is_relative_to(live_home)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConnectionLostError, match="the key is another"):
        connect(replace(address, key="00" * 32), 5)
    # One that skips the greeting is hung up on, and the others are answered meanwhile.
    with Client(address.for_connection, address.family) as silent:
        silent.send_bytes(b'{"body": {"do": "leave"}, "arrays": []}')
        assert waited_for(*ready).state == "ready"


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_killed_process_is_noticed_and_replaced(ready: tuple[Store, str]) -> None:
    store, experiment_id = ready
    former = read_address()
    assert former is not None
    psutil.Process(former.process_id).send_signal(signal.SIGKILL)
    psutil.wait_procs([psutil.Process(former.process_id)], timeout=10)
    assert state_of_networks(store, experiment_id).state == "asleep"
    # Asked without being woken: it starts, loads and answers.
    picture = prepared_of(store.experiment(experiment_id), 5)
    assert set(by_strategy(answer(store, experiment_id, picture))) == {"majority", "mlp", "cnn"}
    address = read_address()
    assert address is not None
    assert address.process_id != former.process_id
    assert not Path(former.place).exists()


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_process_of_other_code_is_replaced(
    ready: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    former = read_address()
    assert former is not None
    monkeypatch.setattr(live_process, "code_fingerprint", lambda: "another")
    assert wake(*ready).state == "starting"
    assert waited_for(*ready).state == "ready"
    address = read_address()
    assert address is not None
    assert (address.code, address.process_id == former.process_id) == ("another", False)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_it_ends_when_told(ready: tuple[Store, str]) -> None:
    address = read_address()
    assert address is not None
    process = psutil.Process(address.process_id)
    dismiss_server(ready[0])
    psutil.wait_procs([process], timeout=30)
    assert state_of_networks(*ready).state == "asleep"
    assert not Path(address.place).parent.exists()
    dismiss_server(ready[0])


def test_an_experiment_without_networks_starts_nothing(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(majority_spec())
    assert wake(arrows_store, experiment_id) == LiveState("ready")
    (said,) = answer(arrows_store, experiment_id, np.zeros((8, 8, 1), np.uint8))
    dataset = open_dataset("arrows")
    train = arrows_store.experiment(experiment_id).spec.split.of(dataset).train
    fractions = np.bincount(dataset.labels[train], minlength=3) / len(train)
    np.testing.assert_allclose(said.probabilities, fractions, atol=1e-7)
    assert not live_protocol.server_folder().exists()


def test_a_process_that_cannot_start_says_why_for_a_minute(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "core.live.client.candidates",
        lambda *_: (Candidate("mlp", "any-mlp-0", 0, None, "2026-01-01"),),
    )
    monkeypatch.setattr(live_process, "ensure_worker", lambda _queue: False)
    assert wake(arrows_store, "any").state == "starting"
    assert arrows_store.claim_next("worker") is not None
    assert wake(arrows_store, "any").state == "starting"
    arrows_store.fail(JOB_ID, "None of TensorFlow, JAX and PyTorch is installed.")
    for _ in range(3):
        now = wake(arrows_store, "any")
        assert (now.state, now.error) == (
            "failed", "None of TensorFlow, JAX and PyTorch is installed."
        )  # fmt: skip
    with pytest.raises(HeadstartError, match="None of TensorFlow"):
        answer(arrows_store, "any", np.zeros((8, 8, 1), np.uint8))
    monkeypatch.setattr(live_process, "FAILED_SECONDS", 0.0)
    assert state_of_networks(arrows_store, "any").state == "asleep"
    assert wake(arrows_store, "any").state == "starting"
    assert arrows_store.job(JOB_ID).attempts == 1


def test_the_web_side_loads_no_framework() -> None:
    code = (
        "import sys, core.live.client; "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert done.stdout.strip() == "[]"


def test_sockets_lie_where_their_path_is_short_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_protocol.tempfile, "tempdir", str(tmp_path / ("x" * 100)))
    (tmp_path / ("x" * 100)).mkdir()
    assert live_protocol.free_place() == ("AF_INET", "0")
    assert list((tmp_path / ("x" * 100)).iterdir()) == []
    monkeypatch.setattr(live_protocol.tempfile, "tempdir", None)
    family, place = live_protocol.free_place()
    assert family == "AF_UNIX"
    assert Path(place).parent.stat().st_mode & 0o777 == 0o700
    Path(place).parent.rmdir()


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

"""Where the process that holds the networks says that it listens, and what others make of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.experiments.store import Store
from core.jobs.kinds import POOLS
from core.jobs.records import NewJob
from core.live import connection as connection_module
from core.live.connection import (
    KIND,
    Address,
    ConnectionLostError,
    address_path,
    ask,
    code_fingerprint,
    connect,
    publish_address,
    read_address,
    server_state,
    start_server,
)

ADDRESS = Address(1, ("127.0.0.1", 8000), "00" * 32, 1)
WHOLE = json.dumps({"process_id": 1, "place": "/tmp/x", "key": "00", "attempt": 1})


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("place", ["/tmp/socket", ("127.0.0.1", 8000)])
def test_an_address_is_read_as_it_was_written(place: str | tuple[str, int]) -> None:
    assert read_address() is None
    address = Address(1, place, "00" * 32, 3)
    publish_address(address)
    assert read_address() == address


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "content",
    [
        *(WHOLE[:length] for length in (0, 1, 20, len(WHOLE) - 1)),
        *("null", "7", '"text"', "[]", "{}", "\x00" * 60, "[" * 100_000),
        WHOLE.replace('"/tmp/x"', "7"),
        WHOLE.replace('"/tmp/x"', '["127.0.0.1"]'),
        WHOLE.replace('"/tmp/x"', '["127.0.0.1", 70000]'),
        WHOLE.replace('"/tmp/x"', '["127.0.0.1", -1]'),
        WHOLE.replace('"attempt": 1', '"attempt": null'),
    ],
)
def test_an_address_that_cannot_be_read_is_not_there(store: Store, content: str) -> None:
    publish_address(ADDRESS)
    address_path().write_text(content, encoding="utf-8")
    assert read_address() is None
    assert server_state(store).state == "absent"
    with pytest.raises(ConnectionLostError, match="no process listens"):
        ask(store, {}, {}, 1.0)


@pytest.mark.usefixtures("home")
def test_a_folder_in_its_place_is_no_address() -> None:
    address_path().mkdir(parents=True)
    assert read_address() is None
    publish_address(ADDRESS)
    assert read_address() == ADDRESS


@pytest.mark.parametrize("place", ["", "\\\\x", "/nobody/listens", ("127.0.0.1", 1), ("?", 80)])
def test_nobody_at_the_address_is_a_lost_connection(place: str | tuple[str, int]) -> None:
    with pytest.raises(ConnectionLostError):
        connect(Address(1, place, "00" * 32, 1))


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Another program, whose command line has the words of the process of a home."""
    code = "import time; print(flush=True); time.sleep(60)"
    words = ("-m", "core.jobs.child", KIND)
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_another_program_with_the_stored_process_id_is_left_alone(
    store: Store, stranger: subprocess.Popen[bytes]
) -> None:
    store.add_job(NewJob(KIND, KIND, {"code": code_fingerprint()}))
    store.register_worker("gone", stranger.pid)
    job = store.claim_next("gone")
    assert job is not None
    publish_address(Address(stranger.pid, ("127.0.0.1", 1), "00" * 32, job.attempts))
    assert server_state(store).state == "listening"
    with pytest.raises(ConnectionLostError):
        ask(store, {}, {}, 1.0)
    assert store.job(KIND).cancel_requested
    assert stranger.poll() is None


def test_machines_that_share_a_database_and_a_home_have_a_process_each(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "ensure_worker", lambda _queue: False)
    one, other = (Store(postgres_url, host=host) for host in ("one", "other"))
    for store in (one, other):
        start_server(store)
        start_server(store)
        assert server_state(store).state == "starting"
    assert {job.id for job in one.jobs(states=["queued"])} == {"live-one", "live-other"}
    claimed = other.claim_next("worker of other", pools=POOLS)
    assert claimed is not None
    assert claimed.id == "live-other"
    assert Store(postgres_url, host="third").claim_next("worker") is None
    publish_address(Address(1, ("127.0.0.1", 1), "00" * 32, claimed.attempts), claimed.id)
    assert (server_state(one).state, server_state(other).state) == ("starting", "listening")
    with pytest.raises(ConnectionLostError):
        ask(other, {}, {}, 1.0)  # nobody is there: its own process is replaced, no other
    assert (one.job("live-other").cancel_requested, one.job("live-one").state) == (True, "queued")
    other.mark_cancelled(claimed.id)
    start_server(other)
    assert (other.job("live-other").state, other.job("live-other").host) == ("queued", "other")
    assert home.is_dir()

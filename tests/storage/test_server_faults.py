"""A server of object storage that does not do as it should: one sentence, nothing is lost."""

import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets
from core.errors import DamagedFile, HeadstartError, StorageUnavailable
from core.experiments.run_files import read_predictions, write_predictions
from core.storage import s3, shared
from core.storage.objects import FolderObjects
from core.storage.s3 import S3Objects
from core.storage.shared import SharedFiles
from tests.storage.test_faults import keep_features
from tests.storage.test_shared import PREDICTIONS, Machine, written

BREAKS_OFF_AFTER = 200_000
GB = 10**9


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A server in place of the real one: ``mode`` says how it behaves, ``address`` where it is."""
    monkeypatch.setattr(s3, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    state = SimpleNamespace(mode="500", behind="", address="", stop=threading.Event())

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if state.mode == "silent":
                state.stop.wait(60)
            elif state.mode == "500":
                self.request.recv(1 << 16)
                self.request.sendall(
                    b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            else:
                where = urlsplit(state.behind)
                with socket.create_connection((where.hostname, where.port)) as behind:
                    asking = threading.Thread(target=pump, args=(self.request, behind, None))
                    asking.start()
                    pump(behind, self.request, state)
                    asking.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    found = Server(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{found.server_address[1]}"
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        state.stop.set()
        found.shutdown()
        found.server_close()
        thread.join()


def pump(source: socket.socket, target: socket.socket, state: SimpleNamespace | None) -> None:
    """Pass bytes on to the end; answers (with ``state``) late, or not to their end."""
    passed = 0
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            if state is not None and state.mode == "slow":
                state.stop.wait(0.1)
            passed += len(chunk)
            if state is not None and state.mode == "breaks off" and passed > BREAKS_OFF_AFTER:
                break
            target.sendall(chunk)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


USES: dict[str, Callable[[], object]] = {
    "reading predictions": lambda: read_predictions("run2"),
    "writing predictions": lambda: write_predictions("run1", PREDICTIONS),
}


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("500", "HTTP status 500"),
        ("silent", "Timeout was reached"),
        ("closed", "Could not connect to server"),
    ],
)
def test_a_server_that_does_not_answer_is_told_in_one_sentence(
    machine: Machine,
    server: SimpleNamespace,
    monkeypatch,
    tiny_folder: Path,
    mode: str,
    reason: str,
) -> None:
    machine("a")
    add_dataset(tiny_folder, "tiny")  # before there was a storage
    write_predictions("run1", PREDICTIONS)
    server.mode = mode
    address = "http://127.0.0.1:9" if mode == "closed" else server.address
    monkeypatch.setenv("HEADSTART_STORAGE_ENDPOINT", address)
    monkeypatch.setenv("HEADSTART_STORAGE_URL", "s3://bucket/team")
    started = time.monotonic()
    for use in USES.values():
        with pytest.raises(HeadstartError) as found:
            use()
        sentence = str(found.value)
        assert f"The shared storage s3://bucket/team at {address} cannot be used (" in sentence
        assert reason in sentence
        assert sentence.endswith("Nothing is lost: what is on this machine stays. Try again when it"
                                 " answers.")  # fmt: skip
    assert time.monotonic() - started < 30
    # What is here still works.
    assert [dataset.name for dataset in list_datasets()] == ["tiny"]
    assert read_predictions("run1").labels.tolist() == [0, 1]
    assert keep_features().exists()


def test_a_slow_server_is_waited_for(
    machine: Machine, server: SimpleNamespace, s3_server: str, bucket: str, monkeypatch
) -> None:
    server.mode, server.behind = "slow", s3_server
    monkeypatch.setenv("HEADSTART_STORAGE_ENDPOINT", server.address)
    monkeypatch.setenv("HEADSTART_STORAGE_URL", bucket)
    machine("a")
    write_predictions("run1", PREDICTIONS)
    machine("b")
    assert read_predictions("run1").labels.tolist() == [0, 1]


def test_an_answer_that_breaks_off_leaves_nothing(
    server: SimpleNamespace, s3_server: str, bucket: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a" / "cache" / "one.npy", os.urandom(1 << 20))
    SharedFiles(S3Objects(bucket, s3_server), tmp_path / "a", GB).push(path, keep_older=True)
    server.mode, server.behind = "breaks off", s3_server
    here = tmp_path / "b" / "cache" / "one.npy"
    with pytest.raises((StorageUnavailable, DamagedFile)):
        SharedFiles(S3Objects(bucket, server.address), tmp_path / "b", GB).pull(here, None)
    assert list(here.parent.glob("*.npy")) == list(here.parent.glob(".*")) == []
    files = SharedFiles(S3Objects(bucket, s3_server), tmp_path / "b", GB)
    assert files.pull(here, None)
    assert here.read_bytes() == path.read_bytes()


def test_a_result_waits_for_a_storage_that_is_away_for_a_moment(
    folder_storage: FolderObjects, machine: Machine, monkeypatch
) -> None:
    root = Path(folder_storage.address)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        root.mkdir()

    monkeypatch.setattr(shared, "RETRY_AFTER_SECONDS", (1.5, 4.0))
    monkeypatch.setattr(shared, "time", SimpleNamespace(sleep=wait, monotonic=time.monotonic))
    path = written(machine("a") / "runs" / "1" / "a.bin", b"first")
    root.rmdir()
    shared.push(path)
    assert waited == [1.5]
    assert len(folder_storage.entries("runs")) == 1

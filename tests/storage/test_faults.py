"""Faults that really happen: one sentence each, and nothing is lost."""

import hashlib
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest

from core.backbones.feature_cache import find_stored, key_of, usable_pieces, write_piece
from core.conditions import Meter
from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets, open_dataset
from core.errors import CacheLost, DamagedFile, HeadstartError, StorageUnavailable, StoreError
from core.experiments.run_files import predictions_path, read_predictions, write_predictions
from core.settings import PROJECT_ROOT
from core.storage import s3, shared
from core.storage.objects import FolderObjects, Objects
from core.storage.s3 import S3Objects
from core.storage.shared import SharedFiles
from tests.storage.test_shared import PREDICTIONS, Machine, written

GB = 10**9
COUNT, IDENTITY = 6, {"images": "abc"}
ROWS = np.arange(2 * COUNT, dtype=np.float16).reshape(COUNT, 2)
BREAKS_OFF_AFTER = 200_000
WAYS = ["cut short", "a bit flipped"]


def damage(path: Path, how: str) -> None:
    """Change a file and keep its time, as a failing disk does."""
    status, content = path.stat(), bytearray(path.read_bytes())
    if how == "cut short":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def stored_file(objects: FolderObjects, folder: str) -> Path:
    (entry,) = objects.entries(folder)
    return Path(objects.address) / entry.key


def keep_features() -> Path:
    return write_piece(IDENTITY, np.arange(COUNT), (COUNT, 2), [ROWS], Meter()).path


# A storage that is damaged --------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
def test_a_damaged_object_is_told_and_never_read(
    folder_storage: FolderObjects, machine: Machine, how: str
) -> None:
    machine("a")
    write_predictions("run1", PREDICTIONS)
    damage(stored_file(folder_storage, "runs"), how)
    machine("b")
    with pytest.raises(StoreError, match=r"The stored runs/run1/predictions\.npz in .* is damaged"):
        read_predictions("run1")
    assert list(predictions_path("run1").parent.iterdir()) == []
    machine("a")  # which has it whole
    assert read_predictions("run1").labels.tolist() == [0, 1]


@pytest.mark.parametrize("how", WAYS)
def test_a_damaged_object_leaves_what_is_here(
    folder_storage: FolderObjects, machine: Machine, how: str
) -> None:
    path = written(machine("a") / "runs" / "1" / "a.bin", b"first")
    shared.push(path)
    here = machine("b") / "runs" / "1" / "a.bin"
    shared.pull(here)
    machine("a")
    shared.push(written(path, b"second"))
    damage(stored_file(folder_storage, "runs"), how)
    machine("b")
    with pytest.raises(DamagedFile, match="What is on this machine was left"):
        shared.pull(here)
    assert here.read_bytes() == b"first"
    machine("a")
    shared.push(written(path, b"third"))
    machine("b")
    assert shared.pull(here)
    assert here.read_bytes() == b"third"


@pytest.mark.parametrize("how", WAYS)
def test_damaged_features_are_made_anew_and_given_again(
    folder_storage: FolderObjects, machine: Machine, how: str
) -> None:
    machine("a")
    name = keep_features().name
    (data,) = Path(folder_storage.address).glob(f"cache/features/{name}/*")
    damage(data, how)
    machine("b")
    found = find_stored(key_of(IDENTITY), np.arange(COUNT))
    with pytest.raises(CacheLost):
        found.take(np.array([1]))
    assert not data.exists()
    assert usable_pieces(key_of(IDENTITY), np.arange(COUNT))[1].tolist() == list(range(COUNT))
    keep_features()
    machine("c")
    found = find_stored(key_of(IDENTITY), np.arange(COUNT))
    assert found.take(np.array([1])).tolist() == [[2, 3]]


# A cache that is damaged ----------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
def test_a_damaged_copy_is_noticed_by_the_next_process_and_fetched_anew(
    folder_storage: FolderObjects, machine: Machine, how: str, caplog
) -> None:
    machine("a")
    write_predictions("run1", PREDICTIONS)
    machine("b")
    read_predictions("run1")
    damage(predictions_path("run1"), how)
    machine("b")
    assert read_predictions("run1").labels.tolist() == [0, 1]
    assert folder_storage.entries("runs")[0].key.endswith(
        hashlib.sha256(predictions_path("run1").read_bytes()).hexdigest()
    )
    if how == "a bit flipped":  # what was cut short has another size: it is no copy any more
        assert "is damaged: its content has changed; it is fetched anew" in caplog.text


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.usefixtures("folder_storage")
def test_damaged_features_are_fetched_not_computed(machine: Machine, how: str) -> None:
    machine("a")
    keep_features()
    machine("b")
    path = find_stored(key_of(IDENTITY), np.arange(COUNT)).pieces[0].path
    assert not path.exists()  # nothing is fetched before it is read
    find_stored(key_of(IDENTITY), np.arange(COUNT)).take(np.array([0]))
    damage(path, how)
    machine("b")
    found = find_stored(key_of(IDENTITY), np.arange(COUNT))
    assert found.take(np.array([5, 0])).tolist() == [[10, 11], [0, 1]]
    path.unlink()
    assert found.take(np.array([4])).tolist() == [[8, 9]]


@pytest.mark.usefixtures("folder_storage")
def test_images_that_made_room_for_others_come_back(machine: Machine, tiny_folder: Path) -> None:
    machine("a")
    pixels = add_dataset(tiny_folder, "tiny").image(3).tobytes()
    home = machine("b")
    dataset = open_dataset("tiny")
    assert dataset.image(3).tobytes() == pixels
    (home / "datasets" / dataset.folder.name / "source.bin").unlink()
    assert dataset.image(3).tobytes() == pixels


def test_the_cache_is_bounded_and_keeps_what_was_never_shared(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    objects = FolderObjects(tmp_path / "storage")
    other = SharedFiles(objects, tmp_path / "a", GB)
    for number in range(4):
        path = written(tmp_path / "a" / "cache" / f"{number}.npy", bytes([number]) * 1000)
        other.push(path, keep_older=True)
    home = tmp_path / "b"
    files = SharedFiles(objects, home, cache_limit_bytes=2500)
    own = written(home / "cache" / "own.npy", b"o" * 1000)
    for number in (0, 1, 0, 2):
        assert files.pull(home / "cache" / f"{number}.npy", None)
        time.sleep(0.02)
    names = sorted(path.name for path in (home / "cache").glob("*.npy"))
    assert names == ["0.npy", "2.npy", "own.npy"]
    assert own.read_bytes() == b"o" * 1000
    assert files.pull(home / "cache" / "1.npy", None)
    assert (home / "cache" / "1.npy").read_bytes() == b"\1" * 1000


# A full disk ----------------------------------------------------------------------------------

ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
home = Path(sys.argv[1])
from core.errors import HeadstartError, words_of
from core.storage import shared
one, two, large = (home / "cache" / name for name in ("one.npy", "two.npy", "large.npy"))
assert shared.pull(one) and shared.pull(two)
print(sorted(path.name for path in (home / "cache").glob("*")))
(home / "own.bin").write_bytes(b"o" * (300 << 10))
try:
    shared.pull(large)
except HeadstartError as error:
    print(words_of(error))
print(sorted(path.name for path in (home / "cache").glob("*.*")))
print((home / "own.bin").stat().st_size)
"""


def test_a_full_disk_makes_room_first_and_then_says_so(
    folder_storage: FolderObjects, machine: Machine, tmp_path: Path
) -> None:
    home = machine("a")
    for name, size in (("one", 600), ("two", 600), ("large", 900)):
        shared.push(written(home / "cache" / f"{name}.npy", os.urandom(size << 10)))
    small = tmp_path / "small"
    small.mkdir()
    mounted = f"mount -t tmpfs -o size=1m tmpfs '{small}'"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mounted], check=False).returncode:
        pytest.skip("no small disk can be made here: mount in a namespace of its own is refused")
    script = tmp_path / "on_a_small_disk.py"
    script.write_text(ON_A_SMALL_DISK)
    command = f"{mounted} && exec '{sys.executable}' '{script}' '{small}'"
    environment = os.environ | {"HEADSTART_HOME": str(small), "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, sentence, left, own = done.stdout.splitlines()
    assert first == "['shared', 'two.npy']"
    assert sentence == (
        "The disk is full. Make room on it, or set HEADSTART_HOME to a folder on another disk, and "
        f"try again. cache/large.npy (0.9 MB) could not be fetched from {folder_storage.address} to"
        f" {small}."
    )
    assert (left, own) == ("[]", str(300 << 10))


# Writers at once ------------------------------------------------------------------------------


def test_two_writers_of_the_same_content_leave_one_object(objects: Objects, tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    machines = []
    for name in "abcd":
        path = written(tmp_path / name / "cache" / "one.npy", content)
        files = SharedFiles(objects, tmp_path / name, GB)
        machines.append(threading.Thread(target=files.push, args=(path, False)))
    at_once(machines)
    (entry,) = objects.entries("cache")
    assert entry.size_bytes == len(content)
    here = tmp_path / "reader" / "cache" / "one.npy"
    assert SharedFiles(objects, tmp_path / "reader", GB).pull(here, None)
    assert here.read_bytes() == content


def test_writers_of_different_contents_lose_none_to_each_other(
    objects: Objects, tmp_path: Path
) -> None:
    contents = [bytes([number]) * (1 << 20) for number in range(3)]
    machines = []
    for number, content in enumerate(contents):
        path = written(tmp_path / str(number) / "cache" / "one.npy", content)
        files = SharedFiles(objects, tmp_path / str(number), GB)
        machines.append(threading.Thread(target=files.push, args=(path, True)))
    at_once(machines)
    here = tmp_path / "reader" / "cache" / "one.npy"
    reader = SharedFiles(objects, tmp_path / "reader", GB)
    for content in contents:
        assert reader.pull(here, hashlib.sha256(content).hexdigest())
        assert here.read_bytes() == content


def test_readers_on_one_machine_fetch_once(folder_storage: FolderObjects, tmp_path: Path) -> None:
    fetched = []

    class Counting(FolderObjects):
        def read(self, key):
            fetched.append(key)
            return super().read(key)

    path = written(tmp_path / "a" / "cache" / "one.npy", os.urandom(1 << 20))
    SharedFiles(folder_storage, tmp_path / "a", GB).push(path, keep_older=True)
    files = SharedFiles(Counting(Path(folder_storage.address)), tmp_path / "b", GB)
    here = tmp_path / "b" / "cache" / "one.npy"
    at_once([threading.Thread(target=files.pull, args=(here, None)) for _ in range(4)])
    assert here.read_bytes() == path.read_bytes()
    assert len(fetched) == 1


def at_once(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# A server that does not do as it should -------------------------------------------------------


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

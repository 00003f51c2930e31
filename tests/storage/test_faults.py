"""Faults that really happen: one sentence each, and nothing is lost."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from core.backbones.feature_cache import find_stored, key_of, usable_pieces, write_piece
from core.conditions import Meter
from core.datasets.add import add_dataset
from core.datasets.storage import open_dataset
from core.errors import CacheLost, DamagedFile, StoreError
from core.experiments.run_files import predictions_path, read_predictions, write_predictions
from core.settings import PROJECT_ROOT
from core.storage import shared
from core.storage.objects import FolderObjects, Objects
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

"""A home that was filled alone moves into a storage: all of it, once, read back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.backbones.feature_cache import find_stored, key_of, write_piece
from core.cli import main
from core.conditions import Meter
from core.datasets.add import add_dataset
from core.datasets.prepare import prepare_images
from core.datasets.split import make_split
from core.datasets.storage import list_datasets, open_dataset
from core.errors import BadInput, DamagedFile, StorageUnavailable
from core.experiments.run_files import read_weights, write_weights
from core.operations.storage_push import push_home
from core.storage.objects import FolderObjects, Objects

Machine = Callable[[str], Path]
IDENTITY = {"images": "abc"}
ROWS = np.arange(6, dtype=np.float16).reshape(3, 2)
ALL = np.arange(3)


@pytest.fixture
def filled(machine: Machine, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of machine a, filled before there was a storage."""
    with monkeypatch.context() as without:
        without.delenv("HEADSTART_STORAGE_URL", raising=False)
        home = machine("a")
        dataset = add_dataset(tiny_folder, "tiny")
        make_split(dataset, 0.2, 0.2, 0)
        prepare_images(dataset, 16)
        write_piece(IDENTITY, ALL, (3, 2), [ROWS], Meter())
        write_weights("one-cnn-0", {"a": np.ones(3, np.float32)})
        of_this_machine = [
            *("headstart.db", "worker.log", "weights/w.h5", "locks/a.lock"),
            *("datasets/.incoming-1/source.bin", "datasets/bundled.json", "runs/one-cnn-0/.x.part"),
        ]
        for name in of_this_machine:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(b"of this machine")
    return machine("a")


def test_all_that_machines_share_is_there_afterwards(
    storage: Objects, filled: Path, machine: Machine
) -> None:
    told: list[tuple[int, int]] = []
    found = push_home(lambda done, total: told.append((done, total)))
    names = {
        entry.key.rpartition("/")[0]
        for folder in ("datasets", "runs", "cache")
        for entry in storage.entries(folder)
    }
    assert found.pushed == len(names) == told[-1][0] == told[-1][1]
    assert (found.there, found.different) == (0, ())
    assert not any((filled / name).read_bytes() == b"of this machine" for name in names)
    assert found.pushed_bytes == sum((filled / name).stat().st_size for name in names)
    machine("b")
    dataset = open_dataset("tiny")
    assert dataset.image(3).size == (40, 32)
    assert find_stored(key_of(IDENTITY), ALL).take(ALL).tolist() == ROWS.tolist()  # type: ignore[union-attr]
    assert read_weights("one-cnn-0")["a"].tolist() == [1, 1, 1]


@pytest.mark.usefixtures("folder_storage", "filled")
def test_it_goes_on_where_it_broke_off_and_is_done_once(
    monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    put, count = FolderObjects.put, iter(range(99))

    def three_times(self: FolderObjects, *given: object) -> None:
        if next(count) == 3:
            raise StorageUnavailable("The shared storage went away.")
        put(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(FolderObjects, "put", three_times)
        with pytest.raises(StorageUnavailable):
            push_home()
    machine("b")
    assert list_datasets() == []  # its manifest comes last
    machine("a")
    again = push_home()
    assert again.there == 3
    assert push_home().pushed == 0
    assert push_home().there == again.pushed + 3


@pytest.mark.usefixtures("folder_storage", "filled")
def test_what_comes_back_as_something_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    put = FolderObjects.put

    def damaged(self: FolderObjects, key: str, *given: object) -> None:
        put(self, key, *given)  # type: ignore[arg-type]
        path = Path(self.address, key)
        path.write_bytes(path.read_bytes()[:-1])

    with monkeypatch.context() as broken:
        broken.setattr(FolderObjects, "put", damaged)
        with pytest.raises(DamagedFile, match=r"came back from .* with another content"):
            push_home()
    pushed = push_home()  # what came back wrong is pushed again
    assert (pushed.there, pushed.different) == (0, ())


def test_a_file_that_the_storage_has_otherwise_is_left_on_both_sides(
    folder_storage: FolderObjects, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push_home()
    path = filled / "runs" / "one-cnn-0" / "weights.npz"
    stored = [entry for entry in folder_storage.entries("runs") if "weights" in entry.key]
    path.write_bytes(b"another run of that name")
    assert push_home().different == ("runs/one-cnn-0/weights.npz",)
    assert [entry for entry in folder_storage.entries("runs") if "weights" in entry.key] == stored
    assert main(["storage", "push"]) == 1
    out, err = capsys.readouterr()
    assert "0 files (0 MB) pushed and read back" in out
    assert "the storage has another one of that name: runs/one-cnn-0/weights.npz" in err


def test_without_a_storage_it_says_what_to_set(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADSTART_STORAGE_URL", raising=False)
    machine("a")
    with pytest.raises(BadInput, match=r"no shared storage: set HEADSTART_STORAGE_URL to a folder"):
        push_home()

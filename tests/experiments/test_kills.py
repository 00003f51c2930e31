"""Killed in the middle: all or nothing, no file that nobody knows, and others are untouched."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput
from core.experiments.removal import delete_removed, remove_experiments, undo_removal
from core.experiments.run_files import read_predictions, read_weights, write_weights
from core.experiments.sharing import export_file, import_file, sweep_shared
from core.experiments.store import Store, open_store
from core.operations.disk import cache_entries, drop, droppable
from core.settings import current_settings
from tests import killed
from tests.killed import an_hour_later, killed_at_each_change
from tests.pages.compared import store_compared
from tests.stored_home import add_arrows, leave_out_bundled_datasets

GOING, STAYING = "aaaa1111", "bbbb2222"
NAMES = ("majority", "cnn")


@pytest.fixture
def filled(home: Path) -> Path:
    """A home with two experiments of two runs each."""
    leave_out_bundled_datasets(home)
    arrows = add_arrows()
    for experiment_id in (GOING, STAYING):
        store_compared(open_store(), arrows, NAMES, (0,), experiment_id)
        write_weights(f"{experiment_id}-cnn-0", {"kernel": np.ones((2, 2), np.float32)})
    return home


def files_of(home: Path, beginning: str = "") -> dict[str, str]:
    """Digests of the files of runs, by path."""
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((home / "runs").rglob("*"))
        if path.is_file() and path.relative_to(home / "runs").parts[0].startswith(beginning)
    }


def stays(home: Path, store: Store, before: dict[str, str]) -> None:
    """The other experiment has all that it had."""
    assert files_of(home, STAYING) == before
    assert [run.id for run in store.runs(STAYING)] == [f"{STAYING}-{name}-0" for name in NAMES]
    assert read_weights(f"{STAYING}-cnn-0")["kernel"].sum() == 4


def is_whole(store: Store) -> None:
    assert [run.test_accuracy is not None for run in store.runs(GOING)] == [True, True]
    for run in store.runs(GOING):
        assert len(read_predictions(run.id).labels) == 36
    assert read_weights(f"{GOING}-cnn-0")["kernel"].sum() == 4


def test_a_removal_is_seen_whole_or_not_at_all(filled: Path) -> None:
    others, kills = files_of(filled, STAYING), 0
    for was_killed in killed_at_each_change(filled, killed.remove, GOING):
        store, kills = open_store(), kills + was_killed
        if GOING not in {one.id for one in store.experiments()}:
            undo_removal(store, GOING, "ada")
        is_whole(store)
        stays(filled, store, others)
    assert kills >= 3


def test_a_deletion_leaves_nothing_behind_and_cannot_be_taken_back_half(filled: Path) -> None:
    remove_experiments(open_store(), [GOING], "ada")
    others, kills, halves = files_of(filled, STAYING), 0, 0
    for was_killed in killed_at_each_change(filled, killed.delete_removed):
        store, kills = an_hour_later(), kills + was_killed
        stays(filled, store, others)
        if GOING in store.experiment_ids():
            assert was_killed
            halves += len(files_of(filled, GOING)) < 3
            with pytest.raises(BadInput, match="not among those that were removed within the hour"):
                undo_removal(store, GOING, "ada")
        else:
            assert files_of(filled, GOING) == {}
        delete_removed(store)
        assert store.experiment_ids() == [STAYING]
        assert {path.name for path in (filled / "runs").iterdir()} == {
            f"{STAYING}-{name}-0" for name in NAMES
        }
        stays(filled, store, others)
    assert kills >= 8
    assert halves >= 3  # it was killed between its files


def test_dropping_weights_takes_nothing_else(filled: Path) -> None:
    others, kills = files_of(filled, STAYING), 0
    for was_killed in killed_at_each_change(filled, killed.drop_weights, GOING):
        store, kills = open_store(), kills + was_killed
        stays(filled, store, others)
        for run in store.runs(GOING):
            assert len(read_predictions(run.id).labels) == 36
        killed.drop_weights(GOING)  # again, to its end
        assert [path for path in files_of(filled, GOING) if "weights" in path] == []
    assert kills >= 3


def test_an_import_is_here_whole_or_not_at_all(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "shared.zip"
    export_file(open_store(), GOING, file)
    remove_experiments(open_store(), [GOING], "ada")
    delete_removed(an_hour_later())
    others, kills, came = files_of(filled, STAYING), 0, 0
    for was_killed in killed_at_each_change(filled, killed.import_shared, file):
        store, kills = open_store(), kills + was_killed
        sweep_shared(store)  # as the next import and the next worker do
        assert list(current_settings().imports_folder.glob(".*")) == []
        if GOING in store.experiment_ids():
            came += 1
        else:
            assert was_killed
            assert files_of(filled, GOING) == {}
            assert {path.name for path in (filled / "runs").iterdir()} == {
                f"{STAYING}-{name}-0" for name in NAMES
            }
            assert import_file(store, file) == GOING
        is_whole(store)
        stays(filled, store, others)
    assert kills >= 20
    assert came >= 2  # it was killed after its rows were there, too


def test_cleaning_leaves_whole_entries_or_none(filled: Path) -> None:
    cache = filled / "cache"
    for kind, suffixes in (("features", "npy json"), ("prepared", "npy json"), ("copies", "npz")):
        (cache / kind).mkdir(parents=True)
        for key in ("one", "two"):
            for suffix in suffixes.split():
                (cache / kind / f"{key}.{suffix}").write_bytes(b"x" * 100)
    others, kills = files_of(filled), 0
    for was_killed in killed_at_each_change(filled, killed.clean):
        kills += was_killed
        for kind in ("features", "prepared"):
            # The manifest says that an entry is whole: without it nobody reads the other file.
            for manifest in (cache / kind).glob("*.json"):
                assert manifest.with_suffix(".npy").is_file()
        halves = [entry for entry in cache_entries() if entry.used_at == 0]
        assert len(halves) <= 1
        assert halves == cache_entries()[: len(halves)]  # the first to go
        drop(open_store(), droppable(cache_entries(), keep_bytes=0))
        assert [path for path in cache.rglob("*") if path.is_file()] == []
        assert files_of(filled) == others
    assert kills >= 10

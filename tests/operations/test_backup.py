"""Backups of a home, made while others write, and homes made of them."""

import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.datasets.storage import list_datasets
from core.errors import BadInput, HeadstartError, StoreError
from core.experiments.run_files import read_predictions
from core.experiments.store import Store, open_store
from core.operations import backup as backup_module
from core.operations.backup import Backup, make_backup
from core.operations.restore import restore_backup
from tests import made_up
from tests.made_evidence import EXPERIMENT


def restored(source: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Backup:
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    return restore_backup(source)


def content(store: Store) -> Any:
    return [
        (experiment.id, experiment.spec, store.runs(experiment.id))
        for experiment in store.experiments()
    ]


def tree(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
    }


def test_a_restored_home_is_the_one_that_was(
    lived_in: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, files = content(open_store()), tree(lived_in)
    made = make_backup(tmp_path / "b.tar")
    assert made.left_out == ("cache", "inbox", "locks", "weights")
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    found = restored(tmp_path / "b.tar", elsewhere, monkeypatch)
    assert found == made
    after = tree(elsewhere)
    kept = {name for name in files if name.partition("/")[0] in ("datasets", "runs", "backbones")}
    kept = {name for name in kept if ".incoming" not in name}
    assert after.keys() == kept | {"headstart.db", "headstart.db.lock"}
    assert {name: after[name] for name in kept} == {name: files[name] for name in kept}
    assert content(open_store()) == before
    assert [dataset.name for dataset in list_datasets()] == ["arrows"]
    run = open_store().runs(EXPERIMENT)[0]
    assert len(read_predictions(run.id).labels) == len(read_predictions(run.id).test_indices)
    assert elsewhere.stat().st_mode & 0o777 == 0o700


def test_weights_and_cache_are_kept_where_asked(
    lived_in: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lived_in.is_dir()
    make_backup(tmp_path / "b.tar", weights=True, cache=True)
    assert restored(tmp_path / "b.tar", elsewhere, monkeypatch).left_out == ("inbox", "locks")
    assert (elsewhere / "weights" / "vgg16.h5").read_text() == "weights/vgg16.h5"
    assert (elsewhere / "cache" / "features" / "a.npy").exists()


def test_it_is_made_while_others_write(
    lived_in: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, over = open_store(), threading.Event()
    (lived_in / "runs" / "busy").mkdir()
    log = lived_in / "runs" / "busy" / "log.txt"

    def write() -> None:
        while not over.is_set():
            store.create_experiment(made_up.spec())
            with open(log, "ab") as file:
                file.write(b"line\n" * 100)
            if log.stat().st_size > 10_000:
                log.write_bytes(b"shortened\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            make_backup(tmp_path / f"{number}.tar")
    finally:
        over.set()
        writer.join()
    counts = []
    for number in range(4):
        restored(tmp_path / f"{number}.tar", elsewhere / str(number), monkeypatch)
        counts.append(len(open_store().experiments()))
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert counts[-1] <= len(store.experiments())


def test_a_home_whose_folders_are_links_to_another_disk(
    lived_in: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(lived_in / "datasets", tmp_path / "disk")
    (lived_in / "datasets").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "elsewhere.bin").symlink_to("/etc/passwd")
    make_backup(tmp_path / "b.tar")
    restored(tmp_path / "b.tar", elsewhere, monkeypatch)
    assert [dataset.name for dataset in list_datasets()] == ["arrows"]
    assert not (elsewhere / "datasets" / "elsewhere.bin").exists()


def test_settings_are_noted_without_passwords(
    lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_EDITORS", "ana@example.org")
    monkeypatch.setenv("STREAMLIT_SERVER_COOKIE_SECRET", "hidden-cookie")
    monkeypatch.setenv("HEADSTART_DATABASE_URL", "postgresql://ana:hidden-word@db/headstart")
    with pytest.raises(BadInput, match="pg_dump"):
        make_backup(tmp_path / "b.tar")
    found = make_backup(tmp_path / "b.tar", files_only=True)
    assert found.settings["HEADSTART_EDITORS"] == "ana@example.org"
    assert found.settings["HEADSTART_DATABASE_URL"] == "postgresql://ana:***@db/headstart"
    assert found.database_version is None
    assert b"hidden-" not in (tmp_path / "b.tar").read_bytes()
    assert lived_in.is_dir()


# What is refused, and leaves nothing behind ----------------------------------------------------


def test_a_file_that_is_there_is_not_overwritten(lived_in: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(BadInput, match="is there already"):
        make_backup(tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "mine"
    with pytest.raises(BadInput, match="There is no folder"):
        make_backup(tmp_path / "none" / "b.tar")
    assert lived_in.is_dir()


def test_a_damaged_database_gives_no_backup(lived_in: Path, tmp_path: Path) -> None:
    (lived_in / "headstart.db").write_bytes(b"")
    with pytest.raises(StoreError, match="is empty, but"):
        make_backup(tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_no_room_for_a_backup(
    lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=1000, used=900, free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(HeadstartError, match="copy of the database would take"):
        make_backup(tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir()] == [lived_in.name]


def test_a_large_file_that_shrinks_meanwhile(
    lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_module, "READ_WHOLE_BYTES", 10)
    real = os.fstat

    def longer(number: int) -> os.stat_result:
        found = list(real(number))
        found[6] += 1000  # the size
        return os.stat_result(found)

    monkeypatch.setattr(backup_module.os, "fstat", longer)
    with pytest.raises(HeadstartError, match="changed while it was copied"):
        make_backup(tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()
    assert lived_in.is_dir()

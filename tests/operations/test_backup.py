"""Backups of a home, made while others write, and homes made of them; every way to damage one."""

import io
import json
import os
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.datasets.storage import list_datasets
from core.errors import BadInput, DamagedFile, HeadstartError, StoreError
from core.experiments.recorded import import_recorded
from core.experiments.run_files import read_predictions
from core.experiments.store import Store, open_store
from core.operations import backup as backup_module
from core.operations.backup import DIGESTS, HEADER, Backup, make_backup
from core.operations.restore import restore_backup
from tests import made_up
from tests.made_evidence import EXPERIMENT, store_experiment
from tests.stored_home import add_arrows, leave_out_bundled_datasets


@pytest.fixture
def lived_in(home: Path) -> Path:
    """A home with a dataset, an experiment with predictions, weights, features and leftovers."""
    leave_out_bundled_datasets(home)
    add_arrows()
    store_experiment(open_store())
    for name in ("weights/vgg16.h5", "cache/features/a.npy", "locks/a.lock", "inbox/birds.zip"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "datasets" / ".incoming-abc").mkdir()
    (home / "datasets" / ".incoming-abc" / "source.bin").write_text("half")
    (home / "backbones" / "mine").mkdir(parents=True)
    (home / "backbones" / "mine" / "weights.npz").write_bytes(b"w" * 1000)
    (home / "worker.log").write_text("a log")
    home.chmod(0o700)
    return home


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Where a home is to be made; nothing is there."""
    return tmp_path / "elsewhere" / "home"


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


@pytest.fixture
def source(lived_in: Path, tmp_path: Path) -> Path:
    make_backup(tmp_path / "b.tar")
    assert lived_in.is_dir()
    return tmp_path / "b.tar"


@pytest.mark.parametrize("name", ["notes.txt", "headstart.db", ".restoring-0123"])
def test_a_home_with_something_in_it_is_refused(
    source: Path, elsewhere: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.mkdir(parents=True)
    (elsewhere / name).write_text("mine")
    with pytest.raises(BadInput, match=f"is not empty \\({name}\\)"):
        restored(source, elsewhere, monkeypatch)
    assert tree(elsewhere) == {name: b"mine"}


def test_an_empty_home_keeps_its_own_rights(
    source: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.mkdir(parents=True, mode=0o750)
    restored(source, elsewhere, monkeypatch)
    assert elsewhere.stat().st_mode & 0o777 == 0o750
    assert len(open_store().experiments()) == 1


def test_whoever_opens_the_home_meanwhile_makes_the_restore_refuse(
    source: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_HOME", str(elsewhere))

    def start_the_app(done: int, total: int) -> None:
        if done == total:
            (elsewhere / "datasets").mkdir()

    with pytest.raises(BadInput, match="is not empty \\(datasets\\)"):
        restore_backup(source, progress=start_the_app)
    assert [path.name for path in elsewhere.iterdir() if path.is_dir()] == ["datasets"]


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.9, 0.99])
def test_a_backup_that_is_cut_short(
    source: Path, elsewhere: Path, fraction: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = source.read_bytes().rstrip(b"\0")
    source.write_bytes(whole[: int(fraction * len(whole))])
    with pytest.raises(DamagedFile, match="nothing was restored"):
        restored(source, elsewhere, monkeypatch)
    assert [path.name for path in elsewhere.iterdir()] == ["headstart.db.lock"]


def test_a_backup_with_one_changed_bit(
    source: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bytearray(source.read_bytes())
    with tarfile.open(source) as archive:
        (member,) = (one for one in archive if one.name.endswith("source.bin"))
    whole[member.offset_data + 100] ^= 1
    source.write_bytes(whole)
    with pytest.raises(DamagedFile, match=r"source\.bin\); nothing was restored"):
        restored(source, elsewhere, monkeypatch)
    assert list(elsewhere.glob("datasets")) == []
    whole[member.offset_data + 100] ^= 1
    source.write_bytes(whole)
    assert restored(source, elsewhere, monkeypatch).files > 3  # nothing is in the way


def rewritten(
    source: Path, header: dict[str, Any] | None = None, more: dict[str, bytes] | None = None
) -> None:
    """The same backup with changes to its first member, and other members before its last."""
    with tarfile.open(source) as archive:
        members = [(one, archive.extractfile(one).read()) for one in archive]  # type: ignore[union-attr]
    with tarfile.open(source, "w") as archive:
        for info, given in members:
            content = given
            if info.name == HEADER:
                content = json.dumps(json.loads(given) | (header or {})).encode()
            if info.name == DIGESTS:
                for name, extra in (more or {}).items():
                    added = tarfile.TarInfo(name)
                    added.size = len(extra)
                    archive.addfile(added, io.BytesIO(extra))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("name", ["home/../../evil", "/etc/evil", "evil", "home", "home/a/../../b"])
def test_members_that_lead_elsewhere(
    source: Path, elsewhere: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(source, more={name: b"evil"})
    with pytest.raises(DamagedFile, match="does not belong into a backup"):
        restored(source, elsewhere, monkeypatch)
    assert not (elsewhere.parent / "evil").exists()


def test_a_file_that_nobody_put_in(
    source: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(source, more={"home/runs/more.npz": b"more"})
    with pytest.raises(DamagedFile, match=r"home/runs/more\.npz"):
        restored(source, elsewhere, monkeypatch)


def test_backups_of_a_newer_headstart_are_named(
    source: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(source, {"format": 2, "headstart": "3.0"})
    with pytest.raises(BadInput, match=r"made by Headstart 3\.0, as a backup of format 2"):
        restored(source, elsewhere, monkeypatch)
    rewritten(source, {"format": 1, "database_version": "9999"})
    with pytest.raises(BadInput, match="with a database of version 9999"):
        restored(source, elsewhere, monkeypatch)
    assert not elsewhere.exists()


def test_a_backup_of_an_older_headstart_is_named_and_upgraded(
    home: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(Path(__file__).parent.parent / "old_home" / "home.tar.xz") as archive:
        archive.extractall(tmp_path / "old", filter="data")
    (database,) = (tmp_path / "old").rglob("headstart.db")
    shutil.copytree(database.parent, home)
    with closing(sqlite3.connect(home / "headstart.db")) as connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    make_backup(tmp_path / "b.tar")
    sentences: list[str] = []
    monkeypatch.setenv("HEADSTART_HOME", str(elsewhere))
    restore_backup(tmp_path / "b.tar", sentences.append)
    (sentence,) = sentences
    assert f"of the older version {version}: it is upgraded to " in sentence
    assert len(open_store().experiments()) > 0


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_other_files_are_no_backups(
    elsewhere: Path, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(BadInput, match="is not a backup"):
        restored(tmp_path / "b.tar", elsewhere, monkeypatch)
    (tmp_path / "b.tar").unlink()
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        archive.add(__file__, "home/test.py")
    with pytest.raises(BadInput, match="is not a backup"):
        restored(tmp_path / "b.tar", elsewhere, monkeypatch)
    with pytest.raises(BadInput, match="There is no file"):
        restored(tmp_path / "none.tar", elsewhere, monkeypatch)
    assert not elsewhere.exists()


def test_a_compressed_backup_is_read_too(
    source: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(source.read_bytes(), 1))
    assert restored(tmp_path / "b.tar.gz", elsewhere, monkeypatch).files > 3


def test_a_database_elsewhere_is_not_restored_beside_the_home(
    source: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(BadInput, match="Unset HEADSTART_DATABASE_URL"):
        restored(source, elsewhere, monkeypatch)


def test_recorded_results_come_back_too(
    home: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out_bundled_datasets(home)
    import_recorded(open_store())
    make_backup(tmp_path / "b.tar")
    before = content(open_store())
    restored(tmp_path / "b.tar", elsewhere, monkeypatch)
    assert content(open_store()) == before


def test_files_alone_are_restored_beside_another_database(
    lived_in: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "b.tar", files_only=True)
    monkeypatch.setenv("HEADSTART_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert restored(tmp_path / "b.tar", elsewhere, monkeypatch).database_version is None
    assert [dataset.name for dataset in list_datasets()] == ["arrows"]
    assert not (elsewhere / "headstart.db").exists()
    assert (lived_in / "headstart.db").exists()

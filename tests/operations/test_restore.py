"""Homes made of backups: what refuses one, and every way to damage one."""

import io
import json
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.datasets.storage import list_datasets
from core.errors import BadInput, DamagedFile
from core.experiments.recorded import import_recorded
from core.experiments.store import open_store
from core.operations.backup import DIGESTS, HEADER, make_backup
from core.operations.restore import restore_backup
from tests.operations.test_backup import content, restored, tree
from tests.stored_home import leave_out_bundled_datasets, unpack_old_home


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
    unpack_old_home(tmp_path / "old")
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

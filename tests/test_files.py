"""Files are whole or not there, whatever goes wrong; a wait for a lock can be cancelled."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from core import files
from core.errors import Cancelled, DamagedFile, LockTimeout

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from core.files import written_whole
with written_whole(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"older")
    with files.written_whole(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"older"
        assert Path(file.name).read_bytes() == b"new"
        assert Path(file.name).parent == tmp_path
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"older")
    with pytest.raises(TypeError), files.written_whole(path) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"older"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch, step):
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.json"
    files.write_json(path, 1)
    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), full)
    with pytest.raises(OSError, match="No space left"):
        files.write_json(path, 2)
    assert path.read_text() == "1\n"
    assert names(tmp_path) == ["a.json"]


def test_a_folder_that_is_not_there_or_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError), files.written_whole(tmp_path / "none" / "a"):
        pass
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(NotADirectoryError), files.written_whole(blocked / "a"):
        pass
    assert names(tmp_path) == ["file"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "a[1].bin"
    path.write_bytes(b"older")
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"older"
    (left,) = set(names(tmp_path)) - {"a[1].bin"}
    assert (tmp_path / left).read_bytes() == b"half"
    token = "0" * 32
    others = [f".a[1].bin.progress.{token}.part", f".a1.bin.{token}.part", ".a[1].bin.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    files.remove_parts(path)
    assert names(tmp_path) == sorted(["a[1].bin", *others])


def test_a_name_as_long_as_file_systems_take(tmp_path):
    path = tmp_path / ("é" * 127)
    files.write_json(path, {})
    files.remove_parts(path)
    assert names(tmp_path) == [path.name]


def test_json_is_read_back_and_may_be_the_owners_alone(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"name": "Ångström"}, indent=1, private=True)
    assert path.read_bytes() == '{\n "name": "Ångström"\n}\n'.encode()
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "Ångström"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_name_that_is_no_text_is_kept_in_json(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    files.write_json(tmp_path / "a.json", {name: 1})
    assert (tmp_path / "a.json").read_bytes() == b'{"caf\\udce9": 1}\n'
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {name: 1}


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_read_back(tmp_path, compressed):
    path = tmp_path / "made" / "a.npz"
    arrays = {"rows": np.arange(6, dtype=np.int32).reshape(2, 3), "how": np.array("PCA")}
    assert files.write_arrays(path, arrays, compressed) == path.stat().st_size
    found = files.read_arrays(path, "rows", "how")
    assert list(found) == ["rows", "how"]
    assert found["rows"].dtype == np.int32
    assert found["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert str(found["how"]) == "PCA"


def test_damaged_files_have_an_error_of_their_own(tmp_path):
    path = tmp_path / "a.npz"
    files.write_arrays(path, {"rows": np.arange(1000)})
    whole = path.read_bytes()
    with pytest.raises(DamagedFile, match=r"a\.npz is damaged: it has no columns, names"):
        files.read_arrays(path, "rows", "columns", "names")
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for content in (b"", b"other", whole[: len(whole) // 2], bytes(changed)):
        path.write_bytes(content)
        with pytest.raises(DamagedFile, match=r"a\.npz is damaged"):
            files.read_arrays(path)
    np.save(tmp_path / "a.npy", np.arange(3))
    with pytest.raises(DamagedFile, match="not an archive of arrays"):
        files.read_arrays(tmp_path / "a.npy")
    with pytest.raises(FileNotFoundError):
        files.read_arrays(tmp_path / "none.npz")


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, rows=np.array([{}], object))
    with pytest.raises(DamagedFile, match="allow_pickle=False"):
        files.read_arrays(path)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        files.write_arrays(tmp_path / "b.npz", {"rows": np.array([{}], object)})
    assert names(tmp_path) == ["a.npz"]


def test_a_lock_is_made_with_its_folder_and_let_go(tmp_path):
    path = tmp_path / "locks" / "a.lock"
    assert not is_locked(path)
    with files.lock(path):
        assert is_locked(path)
    assert not is_locked(path)
    with pytest.raises(ZeroDivisionError), files.lock(path, lambda: False):
        raise ZeroDivisionError
    assert not is_locked(path)


def is_locked(path: Path) -> bool:
    try:
        with files.lock(path, timeout_seconds=0):
            return False
    except LockTimeout:
        return True


def test_a_wait_can_be_cancelled(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOCK_POLL_SECONDS", 0.001)
    path = tmp_path / "a.lock"
    answers = iter([False, False, True])
    with (
        files.lock(path),
        pytest.raises(Cancelled, match="while waiting for another process"),
        files.lock(path, lambda: next(answers)),
    ):
        pass
    assert list(answers) == []


def test_a_wait_ends_when_the_other_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOCK_POLL_SECONDS", 0.001)
    path = tmp_path / "a.lock"
    waits, order = threading.Event(), []

    def asked_to_stop() -> bool:
        waits.set()
        return False

    def second() -> None:
        with files.lock(path, asked_to_stop):
            order.append("second")

    thread = threading.Thread(target=second)
    with files.lock(path):
        thread.start()
        assert waits.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


KILLED_WITH_A_FOLDER = """
import os, signal, sys
from pathlib import Path
from core.files import temporary_folder
root = Path(sys.argv[1])
with temporary_folder(root / ".making-x", root / "locks"):
    (root / ".making-x" / "half").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_stays(
    tmp_path: Path,
) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED_WITH_A_FOLDER, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert names(tmp_path / ".making-x") == ["half"]
    with files.temporary_folder(tmp_path / ".making-y", tmp_path / "locks") as mine:
        files.sweep_folders(tmp_path, ".making-*", tmp_path / "locks")
        assert mine.exists()
        assert names(tmp_path) == [".making-y", "locks"]
    assert names(tmp_path) == ["locks"]
    assert names(tmp_path / "locks") == []


def test_old_parts_are_swept_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    old, young = (tmp_path / "features" / f".x.{digit * 32}.part" for digit in "01")
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (1, 1))
    files.sweep_parts(tmp_path)
    assert names(tmp_path / "features") == [young.name]

"""A slot of a cluster without Ray: who is refused, what its jobs find, and how its worker ends."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInput, HeadstartError
from core.jobs.launchers import child_environment
from core.jobs.queue import open_queue
from core.operations import slot
from core.operations.slot import Slot, Wanted, _environment, wanted_here, why_refused
from core.operations.versions import Versions, difference, versions_here
from tests.jobs.conftest import wait_for

ON_A_SERVER = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
MINE = Versions("abc", "3.11.7", {"keras": "3.16.0", "numpy": "2.4.0"})


@pytest.fixture
def shared_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    assert database_url.startswith("postgresql")
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_equal_versions_are_equal() -> None:
    assert difference(MINE, replace(MINE, libraries=dict(MINE.libraries))) is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(MINE, python="3.11.8"), "it has Python 3.11.8 instead of 3.11.7"),
        (
            replace(MINE, libraries={"keras": "3.15.0", "ray": "2.60.0"}),
            "its libraries differ: keras 3.15.0 instead of 3.16.0, numpy missing instead of 2.4.0, "
            "ray 2.60.0 instead of none",
        ),
        (replace(MINE, code="abd"), "its code of Headstart is another"),
    ],
)
def test_a_difference_is_named(found: Versions, words: str) -> None:
    assert difference(MINE, found) == words


def test_the_versions_of_this_process_know_code_and_locked_libraries() -> None:
    found = versions_here()
    assert found == versions_here()
    assert len(found.code) == 64
    assert found.python == sys.version.split()[0]
    assert {"keras", "numpy", "psycopg", "tensorflow"} <= set(found.libraries)
    assert "pytest" not in found.libraries


def test_a_cluster_needs_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    with pytest.raises(BadInput) as raised:
        wanted_here()
    assert str(raised.value) == (
        "A cluster needs PostgreSQL (HEADSTART_DATABASE_URL=postgresql://...), as SQLite is a file "
        "of one machine."
    )
    assert why_refused(Wanted(versions_here(), "", "none")) == (
        "it needs PostgreSQL (HEADSTART_DATABASE_URL=postgresql://...), as SQLite is a file of one "
        "machine"
    )


@ON_A_SERVER
def test_a_machine_with_a_home_or_a_storage_of_its_own_is_refused(
    shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = wanted_here()
    assert wanted.mark == (shared_home / slot.MARK).read_text()
    assert wanted_here() == wanted
    assert why_refused(wanted) is None
    own = tmp_path / "own"
    monkeypatch.setenv("HEADSTART_HOME", str(own))
    assert why_refused(wanted) == (
        f"its home, {own}, is not the shared one: set HEADSTART_HOME or mount it"
    )
    monkeypatch.setenv("HEADSTART_STORAGE_URL", "s3://bucket/folder")
    assert why_refused(wanted) == (
        "its HEADSTART_STORAGE_URL is s3://bucket/folder instead of not set"
    )
    assert why_refused(replace(wanted, storage_url="s3://bucket/folder", mark="")) is None


@ON_A_SERVER
def test_a_slot_is_not_made_on_a_machine_that_is_refused(shared_home: Path) -> None:
    wanted = replace(wanted_here(), versions=replace(versions_here(), code="of another"))
    with pytest.raises(HeadstartError, match=r"^This machine cannot serve: its code of Headstart"):
        Slot("slot-1", wanted, threads=1, gpus=False)
    assert open_queue().live_workers() == []
    assert shared_home.is_dir()


def test_jobs_find_threads_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    threads = {"OMP_NUM_THREADS": "4", "TF_NUM_INTRAOP_THREADS": "4", "TF_NUM_INTEROP_THREADS": "4"}
    assert _environment("slot-2", 4, gpus=True) == threads | {"HEADSTART_DEVICE": "gpu-3"}
    assert _environment("slot-2", 4, gpus=False) == threads | {
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "HEADSTART_DEVICE": "slot-2",
    }


@ON_A_SERVER
def test_a_slot_serves_until_it_is_stopped(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, queue = wanted_here(), open_queue()
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", os.environ.copy())
        made = Slot("slot-7", wanted, threads=1, gpus=False)
        wait_for(lambda: [one.device for one in queue.live_workers()] == ["slot-7"])
        made.stop()
    assert queue.live_workers() == []
    assert shared_home.is_dir()


@ON_A_SERVER
def test_a_worker_that_fails_takes_its_process_with_it(shared_home: Path) -> None:
    program = (
        "import time; from core.operations import slot\n"
        "def fail(*_, **__): raise RuntimeError('no more')\n"
        "slot.serve_queue, slot.FAILED_SECONDS = fail, 0\n"
        "slot.Slot('slot-1', slot.wanted_here(), 1, False); time.sleep(60)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.decode().strip().endswith("RuntimeError: no more")
    assert shared_home.is_dir()

"""Each check of the set-up, with a fault that really happens."""

import os
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from core.experiments.store import Store, open_store
from core.jobs.records import NewJob
from core.jobs.workers import utc_now
from core.operations import machine_checks
from core.operations.check import Check, is_fit, run_checks
from core.operations.database_checks import check_database, check_datasets, check_workers
from core.operations.doctor import check_installation
from core.operations.machine_checks import (
    check_device,
    check_disk,
    check_home,
    check_uploads,
    check_versions,
    locked_versions,
    network_file_system,
)
from core.settings import PROJECT_ROOT, current_settings
from tests import made_up


def states(found: list[Check]) -> dict[str, str]:
    return {check.name: check.state for check in found}


def only(found: list[Check]) -> Check:
    (check,) = found
    return check


def test_a_fresh_home_is_fit_and_every_part_has_a_line(ready: Path) -> None:
    before = {path.name for path in ready.iterdir()}
    found = check_installation()
    # What is installed may be another choice than the locked one.
    assert is_fit([check for check in found if check.name != "versions"])
    expected = {"home", "disk", "database", "clock", "worker", "datasets", "weights vgg16"}
    expected |= {"device", "versions", "uploads", "sign-in"}
    assert expected <= set(states(found))
    by_name = {check.name: check for check in found}
    assert "every page whole, version" in by_name["database"].found
    assert by_name["datasets"].found == "1 dataset, each can be opened."
    assert by_name["worker"].found.startswith("None is there, and nothing waits")
    assert open_store().live_workers() == []
    after = {path.name for path in ready.iterdir()} - {"weights"}
    (copy,) = after - before
    assert copy.startswith("headstart-20")  # that of the day, which every start keeps


def test_the_quick_checks_are_those_of_what_can_break_later(ready: Path) -> None:
    started = time.perf_counter()
    found = check_installation(quick=True)
    assert time.perf_counter() - started < 5
    assert list(states(found)) == ["home", "disk", "database", "clock", "worker"]
    assert ready.is_dir()


def test_nothing_is_made_where_nothing_is(home: Path) -> None:
    found = check_installation()
    assert states(found)["home"] == states(found)["database"] == "note"
    assert not (home / "headstart.db").exists()


def test_a_home_that_cannot_be_one_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "file"))
    check = only(check_installation())
    assert (check.name, check.state) == ("settings", "problem")
    assert "is not a folder" in check.found


# The home and its disk ------------------------------------------------------------------------


def test_rights_of_the_home(ready: Path) -> None:
    settings = current_settings()
    assert only(list(check_home(settings))).state == "ok"
    ready.chmod(0o755)
    assert only(list(check_home(settings))).state == "note"
    ready.chmod(0o757)
    check = only(list(check_home(settings)))
    assert (check.state, check.to_do) == ("problem", f"Run: chmod o-w {ready}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give")
def test_what_another_user_left_in_the_home(ready: Path) -> None:
    os.chown(ready / "headstart.db", 4242, -1)
    check = only(list(check_home(current_settings())))
    assert check.state == "problem"
    assert check.found.startswith("headstart.db in ")
    assert "chown -R root" in check.to_do


@pytest.mark.usefixtures("ready")
def test_a_home_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_more: object) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(machine_checks, "write_bytes", refuse)
    check = only(run_checks("home", lambda: check_home(current_settings())))
    assert check.state == "problem"
    assert "(Read-only file system)" in check.found


def test_too_little_room_for_the_largest_upload(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", str(10**9))  # a petabyte
    check = only(list(check_disk(current_settings(), measured=False)))
    assert check.state == "problem"
    assert f"The disk of {ready} has " in check.found
    assert "STREAMLIT_SERVER_MAX_UPLOAD_SIZE" in check.to_do


@pytest.mark.usefixtures("ready")
def test_what_pages_may_store_against_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_MOST_STORED_GB", "1000000")
    check = only(list(check_disk(current_settings(), measured=True)))
    assert check.state == "note"
    limit = int(check.to_do.partition("HEADSTART_MOST_STORED_GB=")[2].partition(",")[0])
    monkeypatch.setenv("HEADSTART_MOST_STORED_GB", str(limit))
    assert only(list(check_disk(current_settings(), measured=True))).state == "ok"


# The database ---------------------------------------------------------------------------------


def database_checks(quick: bool = False) -> list[Check]:
    return run_checks("database", lambda: check_database(current_settings(), quick))


def test_a_damaged_database_is_left_as_it_is(ready: Path) -> None:
    with open(ready / "headstart.db", "r+b") as file:
        file.write(b"noise" * 400)
    before = (ready / "headstart.db").read_bytes()
    check = only(database_checks())
    assert check.state == "problem"
    assert "is damaged" in check.found
    assert (ready / "headstart.db").read_bytes() == before


def test_a_lost_database(ready: Path) -> None:
    for path in ready.glob("headstart*.db*"):
        path.unlink()
    (ready / "runs" / "aaaa1111-cnn-0").mkdir(parents=True)
    assert "so it was lost" in only(database_checks()).found
    assert not (ready / "headstart.db").exists()


def test_an_older_database_is_not_upgraded(ready: Path) -> None:
    with closing(sqlite3.connect(ready / "headstart.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    check = only(database_checks())
    assert check.state == "note"
    assert "has version 0004" in check.found
    assert list(ready.glob("headstart-version*")) == []


@pytest.mark.usefixtures("ready")
def test_a_database_on_a_network_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.operations.database_checks.network_file_system", lambda _path: "nfs4")
    check = database_checks()[0]
    assert (check.name, check.state) == ("database", "problem")
    assert "(nfs4)" in check.found


def test_the_file_system_is_that_of_the_nearest_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mount:
        def __init__(self, mountpoint: str, fstype: str) -> None:
            self.mountpoint, self.fstype = mountpoint, fstype

    mounts = [Mount("/", "ext4"), Mount("/srv", "nfs4"), Mount("/srv/local", "xfs")]
    monkeypatch.setattr(machine_checks.psutil, "disk_partitions", lambda all: mounts)  # noqa: ARG005
    assert network_file_system(Path("/srv/home/headstart.db")) == "nfs4"
    assert network_file_system(Path("/srv/local/headstart.db")) is None
    assert network_file_system(Path("/srvx/headstart.db")) is None


@pytest.mark.usefixtures("ready")
def test_an_experiment_that_cannot_be_read(home: Path) -> None:
    experiment_id = open_store().create_experiment(made_up.spec())
    with closing(sqlite3.connect(home / "headstart.db")) as connection, connection:
        connection.execute("UPDATE experiments SET spec = 'no JSON'")
    problems = [check for check in database_checks() if check.state == "problem"]
    assert experiment_id in problems[0].found


@pytest.mark.usefixtures("ready")
def test_a_clock_that_went_back() -> None:
    url = current_settings().database_url
    Store(url, now=lambda: utc_now() + timedelta(hours=2)).register_worker("ahead", 1)
    check = {each.name: each for each in database_checks(quick=True)}["clock"]
    assert check.state == "problem"
    assert "2 h ahead" in check.found


def test_a_postgresql_database(
    ready: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_DATABASE_URL", postgres_url)
    open_store()
    found = {check.name: check for check in database_checks()}
    assert states(list(found.values())) == {"database": "ok", "clock": "ok", "worker": "note"}
    assert found["database"].found.startswith("postgresql")
    assert "opens, version " in found["database"].found
    assert found["clock"].found == "0.0 s apart from the clock of the database."
    assert open_store().live_workers() == []
    assert ready.is_dir()


# Who works ------------------------------------------------------------------------------------


def worker_check(store: Store) -> Check:
    return only(list(check_workers(store)))


@pytest.mark.usefixtures("ready")
def test_workers_that_are_missing_silent_and_there() -> None:
    store = open_store()
    store.add_job(NewJob("map", "feature_map", {}))
    assert worker_check(store).found == "1 job in the queue, and no worker."
    assert worker_check(store).state == "problem"
    store.register_worker("here", 1)
    assert worker_check(store).found == "1 worker, last beat 0 s ago at most; 1 job in the queue."
    assert store.claim_next("here") is not None
    assert worker_check(store).state == "ok"
    later = Store(store.url, now=lambda: utc_now() + timedelta(minutes=1))
    assert worker_check(later).found == "map: running, but their worker is silent."
    store.forget_worker("here")
    assert worker_check(store).found == "map: running, but their worker is silent."


def test_a_dataset_that_cannot_be_opened(ready: Path) -> None:
    (index,) = (ready / "datasets").glob("*/index.npz")
    index.write_bytes(index.read_bytes()[:100])
    check = only(list(check_datasets(current_settings())))
    assert check.state == "problem"
    assert "backup" in check.to_do


# What is installed ----------------------------------------------------------------------------


def test_the_locked_versions_of_this_machine() -> None:
    text = (
        "# a comment\n"
        "numpy==1.0 ; python_full_version < '3.0' \\\n"
        "numpy==2.0 ; python_full_version >= '3.0' \\\n"
        "    --hash=sha256:aa\n"
        "pillow==9.1 \\\n"
    )
    assert list(locked_versions(text)) == [("numpy", "2.0"), ("pillow", "9.1")]
    locked = dict(locked_versions((PROJECT_ROOT / "requirements.txt").read_text()))
    assert {"streamlit", "keras", "sqlalchemy"} <= set(locked)


def test_versions_that_differ_and_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_checks, "LOCKED", tmp_path / "requirements.txt")
    assert only(list(check_versions())).state == "note"
    (tmp_path / "requirements.txt").write_text("numpy==0.1 \\\nheadstart-none==1 \\\n")
    missing, other = check_versions()
    assert (missing.state, missing.found) == ("problem", "Missing: headstart-none.")
    assert other.state == "note"
    assert other.found.endswith("instead of 0.1.")


def test_without_asking_no_keras_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "ProcessPoolExecutor", None)
    check = only(list(check_device(asked=False)))
    assert check.to_do.startswith("Add --devices")


def test_keras_that_cannot_be_loaded_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    check = only(list(check_device(asked=True)))
    assert check.state == "problem"
    assert check.found.startswith("Keras cannot be loaded: ValueError: ")
    assert "abacus" in check.found


@pytest.mark.slow
def test_the_device_is_looked_at_in_a_child() -> None:
    check = only(list(check_device(asked=True)))
    assert check.state == "ok"
    assert " by tensorflow, precision " in check.found


def test_uploads_against_memory_and_folders(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(list(check_uploads(current_settings()))).state == "ok"
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", str(10**6))  # a terabyte
    monkeypatch.setenv("HEADSTART_IMPORT_FOLDERS", str(tmp_path / "gone"))
    memory, folder = check_uploads(current_settings())
    assert (memory.state, folder.state) == ("note", "problem")
    assert str(tmp_path / "gone") in folder.found
    assert ready.is_dir()

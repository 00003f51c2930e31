"""The limits: how many runs may wait, how much the home may hold."""

import io
import os
from pathlib import Path

import pytest

from core.errors import LimitReached
from core.experiments import limits
from core.experiments.imports import import_folder, list_imports, receive_upload, retry_import
from core.experiments.limits import check_stored, stored_bytes
from core.experiments.store import Store
from core.ui.frame import access, actions
from core.ui.frame.access import Role, Visitor
from tests import made_up

GIGABYTE = 10**9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """A monotonic clock that stands still until it is moved."""
    moments = [1000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: moments[0])

    def move(seconds: float) -> None:
        moments[0] += seconds

    return move


@pytest.fixture
def small(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that may hold 1 GB, and holds 400 bytes."""
    for name in os.environ:
        if name.startswith("HEADSTART_MOST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEADSTART_MOST_STORED_GB", "1")
    limits._measured.clear()
    (home / "cache").mkdir(parents=True)
    for found in [path for path in home.rglob("*") if path.is_file()]:
        found.unlink()
    (home / "cache" / "features.npy").write_bytes(bytes(400))
    return home


def fill(home: Path, size: int) -> Path:
    """A file that says it has ``size`` bytes and takes no room."""
    path = home / "cache" / "large.npy"
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def test_every_file_counts_once_and_links_are_not_followed(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(bytes(10))
    (tmp_path / "a" / "b" / "two").write_bytes(bytes(200))
    os.link(tmp_path / "a" / "one", tmp_path / "a" / "b" / "the same one")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    link_bytes = (tmp_path / "a" / "round").lstat().st_size
    assert stored_bytes(tmp_path) == 210 + link_bytes
    assert stored_bytes(tmp_path / "a" / "one") == 10
    assert stored_bytes(tmp_path / "not there") == 0


@pytest.mark.usefixtures("small")
def test_what_fits_is_taken_and_what_does_not_is_refused():
    check_stored(GIGABYTE - 400, "this upload")
    with pytest.raises(LimitReached) as caught:
        check_stored(GIGABYTE - 399, "this upload")
    assert str(caught.value) == (
        "Headstart holds 0.1 MB and this upload would take 1 GB; the limit is 1 GB "
        "(HEADSTART_MOST_STORED_GB). Remove datasets that are no longer needed, or ask the "
        "administrator of this server for more."
    )


def test_a_full_home_takes_nothing_and_room_made_counts_at_once(small):
    large = fill(small, 2 * GIGABYTE)
    with pytest.raises(LimitReached, match=r"^Headstart holds 2 GB; the limit is 1 GB"):
        check_stored(0, "what these runs keep")
    large.unlink()
    check_stored(0, "what these runs keep")


@pytest.mark.usefixtures("small")
def test_a_size_is_believed_for_a_minute(clock, monkeypatch):
    measured = []
    monkeypatch.setattr(limits, "stored_bytes", lambda home: measured.append(home) or 400)
    check_stored(100, "this upload")
    check_stored(100, "this upload")
    assert len(measured) == 1
    with pytest.raises(LimitReached):
        check_stored(GIGABYTE, "this upload")
    assert len(measured) == 2
    clock(61)
    check_stored(0, "this upload")
    assert len(measured) == 3


def test_ten_uploads_within_the_minute_are_ten_uploads(small, monkeypatch):
    monkeypatch.setattr(limits, "stored_bytes", lambda _: 0)
    check_stored(600_000_000, "this upload")
    assert limits._measured_lately(small) == 600_000_000
    # Measured again before it is refused: the first one may be gone.
    check_stored(600_000_000, "this upload")


def test_an_upload_is_refused_before_it_is_copied(small, store: Store):
    fill(small, GIGABYTE)
    with pytest.raises(LimitReached):
        receive_upload(store, [("pets.zip", io.BytesIO(b"PK"))], None)
    assert list_imports(store) == []
    assert not (small / "imports").exists() or list((small / "imports").iterdir()) == []


def test_a_folder_is_refused_before_its_process_starts(small, store: Store):
    (small / "inbox" / "pets").mkdir(parents=True)
    fill(small, GIGABYTE)
    with pytest.raises(LimitReached):
        import_folder(store, "pets", None)
    assert list_imports(store) == []


def test_what_is_tried_again_needs_room_too(small, store: Store, monkeypatch):
    fill(small, GIGABYTE)
    with pytest.raises(LimitReached, match="limit is 1 GB"):
        retry_import(store, "any")
    monkeypatch.setattr(access, "visitor", lambda: Visitor(Role.EDITOR))
    with pytest.raises(LimitReached, match="limit is 1 GB"):
        actions.retry_run("any")


def test_runs_wait_up_to_the_limit_and_several_experiments_come_whole_or_not(store: Store):
    spec = made_up.spec()
    assert spec.run_count == 6
    first, second = store.create_experiments([spec, spec], most_waiting=12)
    assert [entry.id for entry in store.experiments()] != []
    assert len(store.runs(first)) == len(store.runs(second)) == 6
    with pytest.raises(LimitReached) as caught:
        store.create_experiments([spec, spec], most_waiting=23)
    assert str(caught.value) == (
        "12 runs wait already and these would be 12 more; the limit is 23 "
        "(HEADSTART_MOST_QUEUED_RUNS). Wait until some are done, cancel some, or choose fewer "
        "strategies, seeds or sizes."
    )
    assert len(store.experiments()) == 2
    assert [run.state for run in store.runs()] == ["queued"] * 12


def test_a_run_that_is_tried_again_waits_like_any_other(store: Store):
    experiment_id = store.create_experiment(made_up.spec())
    run = store.request_cancel(store.runs(experiment_id)[0].id)
    with pytest.raises(LimitReached):
        store.retry(run.id, most_waiting=5)
    assert store.run(run.id).state == "cancelled"
    assert store.retry(run.id, most_waiting=6).state == "queued"


def test_the_command_line_is_not_held_back(store: Store, monkeypatch):
    monkeypatch.setenv("HEADSTART_MOST_QUEUED_RUNS", "1")
    assert len(store.runs(store.create_experiment(made_up.spec()))) == 6

"""Imports as pages see them: what is listed, tried again, forgotten."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.datasets.reading_choice import Choice
from core.errors import BadInput, UnknownName
from core.experiments import imports
from core.experiments.import_job import datasets_read_from
from core.experiments.imports import (
    cancel_import,
    find_import,
    forget_import,
    import_folder,
    list_imports,
    receive_upload,
    retry_import,
)
from core.experiments.store import Store, open_store
from core.experiments.uploads import import_folder_path
from core.settings import current_settings
from tests import made_up
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def go_on(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(home: Path, clock: Clock) -> Store:  # noqa: ARG001 - the store lies in that home
    return Store(current_settings().database_url, now=clock, lease_seconds=15)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "ensure_worker", lambda _queue: False)


def waiting(store: Store) -> str:
    """An import whose upload lies on disk."""
    return receive_upload(store, [("pets.zip", io.BytesIO(b"pets"))], "pets")


def begun(store: Store) -> str:
    import_id = waiting(store)
    job = store.claim_next("worker")
    assert job is not None
    assert job.id == import_id
    return import_id


def test_imports_are_listed_the_newest_first(store: Store, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        ids.append(waiting(store))
        clock.go_on(1)
    assert [entry.id for entry in list_imports(store)] == ids[::-1]
    record = find_import(store, ids[0])
    assert (record.state, record.name, record.source) == ("queued", "pets", "pets.zip")
    assert (record.progress, record.error, record.question) == (None, None, None)
    assert (record.notes, record.choice, record.attempts) == ((), Choice(), 0)
    assert (record.is_active, record.can_retry, record.source_present) == (True, False, True)


def test_an_unknown_import_is_said(store: Store) -> None:
    import_id = waiting(store)
    experiment_id = store.create_experiment(made_up.spec())
    for verb in (find_import, cancel_import, forget_import, retry_import):
        with pytest.raises(UnknownName, match=rf"no import named 'nope'\. Known: {import_id}"):
            verb(store, "nope")
        with pytest.raises(UnknownName, match="no import named"):  # a run is none
            verb(store, f"{experiment_id}-cnn-0")


def test_an_import_that_is_cancelled_while_it_waits_leaves_no_upload(store: Store) -> None:
    import_id = waiting(store)
    assert cancel_import(store, import_id).state == "cancelled"
    assert not (import_folder_path(import_id) / "upload").exists()
    assert store.claim_next("worker") is None


def test_a_finished_import_is_told_and_found_by_its_file(store: Store) -> None:
    import_id = begun(store)
    result = {"dataset_id": "d" * 64, "notes": ["A note."], "digest": "f" * 64}
    assert store.finish(import_id, result, 1)
    record = find_import(store, import_id)
    assert (record.state, record.dataset_id) == ("finished", "d" * 64)
    assert (record.notes, record.progress) == (("A note.",), None)
    assert record.finished_at == "2026-11-22T12:00:00.000000+00:00"
    assert datasets_read_from(store, "f" * 64, Choice()) == ["d" * 64]
    assert datasets_read_from(store, "f" * 64, Choice(label_column="kind")) == []
    assert datasets_read_from(store, "e" * 64, Choice()) == []
    with pytest.raises(BadInput, match="is finished; its dataset is there"):
        retry_import(store, import_id)


def test_a_failed_import_waits_again_with_the_columns_chosen(store: Store) -> None:
    import_id = begun(store)
    question = {"table": "labels.csv", "columns": ["a", "b"], "rows": [["1", "2"]]}
    store.fail(import_id, "Which column?", 1, {"question": question})
    (table,) = find_import(store, import_id).question.tables
    assert table.model_dump() == {"name": "labels.csv", "columns": ["a", "b"], "rows": [["1", "2"]]}
    chosen = Choice(file_column="a", label_column="b")
    again = retry_import(store, import_id, chosen)
    assert (again.state, again.choice) == ("queued", chosen)
    assert (again.error, again.question) == (None, None)
    store.claim_next("worker")
    assert store.fail(import_id, "A process of before.", 1) is False
    assert store.fail(import_id, "Once more.", 2)
    assert retry_import(store, import_id).choice == chosen
    with pytest.raises(BadInput, match="is queued; it need not be started again"):
        retry_import(store, import_id)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_question_can_be_answered_after_the_home_was_moved(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    uploaded = begun(store)
    (home / "inbox" / "dogs").mkdir(parents=True)
    inside = import_folder(store, "dogs", None)
    assert store.job(inside).arguments["path"] == "inbox/dogs"
    if is_old:  # the first edition kept an absolute path
        job = store.job(uploaded)
        store.fail(uploaded, "Which column?")
        store.requeue_job(uploaded, job.arguments | {"path": str(home / job.arguments["path"])})
        assert (store.claim_next("worker"), store.claim_next("worker")) != (None, None)
    store.fail(uploaded, "Which column?")
    store.cancel_job(inside)
    moved = home.rename(home.with_name("moved home"))
    monkeypatch.setenv("HEADSTART_HOME", str(moved))
    again = open_store()
    assert find_import(again, uploaded).path.read_bytes() == b"pets"
    assert find_import(again, inside).path == moved / "inbox" / "dogs"
    assert retry_import(again, uploaded, Choice(label_column="kind")).state == "queued"


def test_without_its_upload_it_is_not_offered_again(store: Store) -> None:
    import_id = begun(store)
    store.fail(import_id, "Not a picture.")
    assert find_import(store, import_id).can_retry is True
    (import_folder_path(import_id) / "upload" / "pets.zip").unlink()
    assert find_import(store, import_id).can_retry is False
    with pytest.raises(BadInput, match=r"pets\.zip is no longer there; give it again"):
        retry_import(store, import_id)


def test_forgetting_takes_record_and_upload_and_is_refused_while_at_work(store: Store) -> None:
    import_id = begun(store)
    with pytest.raises(BadInput, match=r"import of pets\.zip is running; cancel it first"):
        forget_import(store, import_id)
    assert import_folder_path(import_id).exists()
    store.fail(import_id, "Not a picture.")
    forget_import(store, import_id)
    assert list_imports(store) == []
    assert list(current_settings().imports_folder.iterdir()) == []


def test_a_silent_worker_is_found_by_whoever_lists(store: Store, clock: Clock) -> None:
    begun(store)
    clock.go_on(14)
    assert list_imports(store)[0].is_active
    clock.go_on(1)
    record = list_imports(store)[0]
    if store.database.file is None:  # machines share it: another one starts it again
        assert (record.state, record.error) == ("queued", None)
        return
    assert (record.state, record.can_retry) == ("interrupted", True)
    assert record.error == (
        "The worker of this import was silent for 15 s: it died, or the machine was asleep. "
        "Start the import again."
    )


def test_a_silent_worker_whose_import_was_cancelled_leaves_no_upload(
    store: Store, clock: Clock
) -> None:
    import_id = begun(store)
    cancel_import(store, import_id)
    clock.go_on(15)
    assert find_import(store, import_id).state == "cancelled"
    assert not (import_folder_path(import_id) / "upload").exists()

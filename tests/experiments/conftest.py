"""Homes and stores for the tests of this room."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.experiments import imports
from core.experiments.store import Store, open_store
from core.jobs.queue import JobQueue
from tests.datasets.pictures import two_classes
from tests.stored_home import add_arrows, end_workers, leave_out_bundled_datasets


@pytest.fixture
def home(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str | None,  # noqa: ARG001 - its database
) -> Path:
    """An empty home whose path has a space, an accent and a per cent sign."""
    folder = tmp_path / "été 100% home"
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    leave_out_bundled_datasets(folder)
    return folder


@pytest.fixture
def store(home: Path) -> Iterator[Store]:  # noqa: ARG001 - the store lies in that home
    """The store of that home; the workers that a test woke go with it."""
    store = open_store()
    yield store
    end_workers(store)


@pytest.fixture
def arrows_store(store: Store) -> Store:
    """A store in a home that has the dataset ``arrows``."""
    add_arrows()
    return store


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started: the test does the import's work in its own."""
    monkeypatch.setattr(imports, "ensure_worker", lambda _queue: False)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs for which a worker would be started; none is."""
    jobs: list[str] = []

    def wake(queue: JobQueue) -> bool:
        jobs.append(queue.jobs()[0].id)
        return True

    monkeypatch.setattr(imports, "ensure_worker", wake)
    return jobs


def zipped(members: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            # Without the clock: made again two seconds later, it is the same file.
            archive.writestr(zipfile.ZipInfo(name), data)
    buffer.seek(0)
    return buffer


def pets(prefix: str = "") -> io.BytesIO:
    return zipped(two_classes(6, prefix))

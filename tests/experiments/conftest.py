"""Homes and stores for the tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.experiments.store import Store, open_store
from tests.stored_home import add_arrows, end_workers, leave_out_bundled_datasets


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home whose path has a space, an accent and a per cent sign."""
    folder = tmp_path / "été 100% home"
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
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

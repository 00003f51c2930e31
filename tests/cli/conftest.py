"""The home of the command line's tests: one tiny dataset, nothing else."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stored_home import add_arrows, leave_out_bundled_datasets


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "été home"
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    leave_out_bundled_datasets(folder)
    add_arrows()
    before = signal.getsignal(signal.SIGTERM)
    yield folder
    signal.signal(signal.SIGTERM, before)

"""The home of the command line's tests: one tiny dataset, nothing else."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.cli import main
from core.experiments import recorded
from core.experiments.store import Store, open_store
from tests.stored_home import add_arrows, leave_out_bundled_datasets

TypeIt = Callable[..., tuple[int, str, str]]


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


@pytest.fixture
def no_showcase(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Recorded results have their own tests; here they would only be in the way."""
    monkeypatch.setattr(recorded.import_recorded, "__defaults__", (tmp_path / "nothing",))


@pytest.fixture
def type_it(capsys: pytest.CaptureFixture[str]) -> TypeIt:
    def typed(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as leaving:  # argparse leaves by itself
            status = int(str(leaving.code))
        out, err = capsys.readouterr()
        return status, out, err

    return typed


@pytest.fixture
def store() -> Store:
    return open_store()

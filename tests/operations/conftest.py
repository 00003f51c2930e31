"""Homes to check and to keep, and a place for one that is restored."""

from pathlib import Path

import pytest

from core.experiments.store import open_store
from core.operations import sign_in
from tests.made_evidence import store_experiment
from tests.stored_home import add_arrows, leave_out_bundled_datasets


@pytest.fixture
def ready(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one dataset and an empty database, closed to others."""
    monkeypatch.delenv(sign_in.SECRETS_VARIABLE, raising=False)
    leave_out_bundled_datasets(home)
    add_arrows()
    open_store()
    home.chmod(0o700)
    return home


@pytest.fixture
def lived_in(home: Path) -> Path:
    """A home with a dataset, an experiment with predictions, weights, features and leftovers."""
    leave_out_bundled_datasets(home)
    add_arrows()
    store_experiment(open_store())
    for name in ("weights/vgg16.h5", "cache/features/a.npy", "locks/a.lock", "inbox/birds.zip"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "datasets" / ".incoming-abc").mkdir()
    (home / "datasets" / ".incoming-abc" / "source.bin").write_text("half")
    (home / "backbones" / "mine").mkdir(parents=True)
    (home / "backbones" / "mine" / "weights.npz").write_bytes(b"w" * 1000)
    (home / "worker.log").write_text("a log")
    home.chmod(0o700)
    return home


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Where a home is to be made; nothing is there."""
    return tmp_path / "elsewhere" / "home"

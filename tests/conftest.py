"""Fixtures that all rooms share: a home of one's own, datasets to work on, the real weights."""

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.backbones.vgg16 import WEIGHTS
from core.backbones.weights import access as weights
from core.datasets.model import Dataset
from core.datasets.store import add_dataset, ensure_bundled_datasets, open_dataset
from core.errors import HeadstartError
from core.settings import BUNDLED_DATA

# A test that forgets to ask for a home of its own must not write into that of the person who runs
# it. The object deletes the folder when the session ends.
_nobodys_home = tempfile.TemporaryDirectory(prefix="headstart-tests-")
os.environ["HEADSTART_HOME"] = _nobodys_home.name

# What a shell starts in the background ignores Ctrl-C, and all that it starts with it: tests that
# stop a process so would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

TINY_CLASSES = ("blue", "green", "red")
TINY_IMAGES_PER_CLASS = 20


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``HEADSTART_HOME`` for this test alone."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three class folders with 20 PNG pictures each, 40x32: coloured blocks at random.

    No two are alike, and the class is the channel that is brightest, so a model can learn it.
    """
    root = tmp_path_factory.mktemp("tiny") / "tiny"
    random = np.random.default_rng(7)
    for number, name in enumerate(TINY_CLASSES):
        (root / name).mkdir(parents=True)
        for position in range(TINY_IMAGES_PER_CLASS):
            blocks = random.integers(0, 160, (4, 5, 3), dtype=np.uint8)
            blocks[..., 2 - number] += 90
            picture = Image.fromarray(blocks).resize((40, 32), Image.Resampling.NEAREST)
            picture.save(root / name / f"{position:02d}.png")
    return root


@pytest.fixture
def tiny_dataset(home: Path, tiny_folder: Path) -> Dataset:  # noqa: ARG001 - sets the home
    """``tiny_folder`` stored in the home of this test, under the name ``tiny``."""
    return add_dataset(tiny_folder, "tiny")


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the bundled datasets were stored once for the whole session; read only."""
    folder = tmp_path_factory.mktemp("session") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder))
        ensure_bundled_datasets()
    return folder


@pytest.fixture
def bundled_home(home: Path, session_home: Path) -> Path:
    """The home of this test, with its own copy of the bundled datasets in it."""
    shutil.copytree(session_home / "datasets", home / "datasets")
    return home


def _opened(session_home: Path, name: str) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(session_home))
        return open_dataset(name)


@pytest.fixture(scope="session")
def themes16(session_home: Path) -> Dataset:
    """The bundled clip art, shared by all tests: do not change it."""
    return _opened(session_home, "themes16")


@pytest.fixture(scope="session")
def digits(session_home: Path) -> Dataset:
    """The bundled digits, shared by all tests: do not change them."""
    return _opened(session_home, "digits")


@pytest.fixture(scope="session")
def real_base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real weights of the base: those of this checkout, else fetched once for the session."""
    found = weights.status_of(WEIGHTS)
    if found.available and found.path.name == WEIGHTS.file_name:
        return found.path
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(tmp_path_factory.mktemp("weights")))
        try:
            return weights.fetch(WEIGHTS).path
        except HeadstartError as error:
            pytest.skip(f"the real weights cannot be had here: {error}")


@pytest.fixture(scope="session")
def random_base():
    """Arrays with the names and shapes of the VGG16 base, He-scaled normal."""
    published = json.loads((BUNDLED_DATA / "vgg16_notop_digests.json").read_text())["arrays"]
    generator = np.random.default_rng(3)
    arrays = {}
    for name, entry in published.items():
        shape = tuple(entry["shape"])
        scale = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) == 4 else 0.0
        arrays[name] = generator.normal(0, 1, shape).astype(np.float32) * np.float32(scale)
    return arrays


@pytest.fixture
def random_weights(random_base, monkeypatch):
    """``load_weights`` gives random arrays; fc1 and fc2 let a few units through."""

    def load_full():
        full = dict(random_base)
        for name, rows in (("fc1", 25_088), ("fc2", 4_096)):
            full[f"{name}/kernel"] = np.zeros((rows, 4_096), np.float32)
            full[f"{name}/kernel"][:64, :64] = np.eye(64, dtype=np.float32)
            full[f"{name}/bias"] = np.zeros(4_096, np.float32)
        return full

    monkeypatch.setattr(
        weights,
        "load_weights",
        lambda weight_set: load_full() if weight_set.include_top else random_base,
    )

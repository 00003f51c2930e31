"""Fixtures that all rooms share: a home of one's own, datasets to work on, the real weights."""

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.backbones.vgg16 import WEIGHTS
from core.backbones.weights import access as weights
from core.backbones.weights.digests import WeightSet
from core.datasets.add import add_dataset
from core.datasets.bundled import ensure_bundled_datasets
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.strategies.registry import STRATEGIES

# With several workers (``pytest -n 2``) a library that takes a thread for each core would take
# more than there are. Children inherit this.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(_variable, "1")

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from core.errors import HeadstartError
from core.experiments import train_job
from core.jobs import database
from core.jobs.database import upgrade_schema
from tests.browser import running_browser
from tests.new_databases import upgrade_schema_once
from tests.postgres import database_url, postgres_server, postgres_url  # noqa: F401 - fixtures
from tests.strategies.stand_in import STAND_IN_STRATEGIES

# A test that forgets to ask for a home of its own must not write into that of the person who runs
# it. The object deletes the folder when the session ends.
_nobodys_home = tempfile.TemporaryDirectory(prefix="headstart-tests-")
os.environ["HEADSTART_HOME"] = _nobodys_home.name


_main = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def main_of_the_tests() -> None:
    """Streamlit's test runner leaves the last page as ``__main__``, and a process that is spawned
    by a later test would draw it, in the home of that test."""
    sys.modules["__main__"] = _main


def pytest_unconfigure() -> None:
    """Delete that home in time: at the interpreter's exit it would be a warning."""
    _nobodys_home.cleanup()


# What a shell starts in the background ignores Ctrl-C, and all that it starts with it: tests that
# stop a process so would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-words",
        action="store_true",
        help="write the sentences of tests/analysis/words/*.txt anew instead of comparing them",
    )


TINY_CLASSES = ("blue", "green", "red")
TINY_IMAGES_PER_CLASS = 20


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where tests with TensorFlow are left out, a file that holds nothing else is not imported, as
    importing it loads TensorFlow."""
    if "not tensorflow" in config.getoption("markexpr") and collection_path.suffix == ".py":
        lines = collection_path.read_text(encoding="utf-8").splitlines()
        if "pytestmark = pytest.mark.tensorflow" in lines:
            return True
    return None


def _leave_out_of_collections() -> None:
    """What is loaded by now stays, and is not looked at any more. Streamlit collects garbage after
    each run of a page, which takes longer than to draw it where TensorFlow is loaded."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _little_to_collect() -> None:
    _leave_out_of_collections()


@pytest.fixture(scope="session", autouse=True)
def _new_databases_are_made_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "upgrade_schema", upgrade_schema_once)
        yield


@pytest.fixture
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases of this test are made by the migrations themselves."""
    monkeypatch.setattr(database, "upgrade_schema", upgrade_schema)


@pytest.fixture(autouse=True)
def _only_marked_tests_load_tensorflow(request: pytest.FixtureRequest) -> Iterator[None]:
    """``make test-fast`` leaves the marked tests out, so the marks have to be right."""
    loaded_before = "tensorflow" in sys.modules
    yield
    if "tensorflow" in sys.modules and not loaded_before:
        _leave_out_of_collections()
        assert request.node.get_closest_marker("tensorflow"), (
            "this test loads TensorFlow: mark it with pytest.mark.tensorflow"
        )


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name``, filled by ``make`` once for all workers of this session; read only."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with FileLock(base / f"{name}.lock"):
        if not folder.exists():
            half = base / f"{name}.half"
            half.mkdir()
            make(half)
            half.rename(folder)
    return folder


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

    def store_bundled(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HEADSTART_HOME", str(folder))
            ensure_bundled_datasets()

    return made_once(tmp_path_factory, "bundled", store_bundled)


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
def real_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[WeightSet], Path]:
    """The real weights of a set: those of this checkout, else fetched once for the session."""

    def find(weight_set: WeightSet) -> Path:
        found = weights.status_of(weight_set)
        if found.path is not None and found.path.name == weight_set.file_name:
            return found.path

        def fetch(folder: Path) -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("HEADSTART_HOME", str(folder))
                try:
                    weights.fetch(weight_set)
                except HeadstartError as error:
                    (folder / "refused.txt").write_text(str(error), encoding="utf-8")

        folder = made_once(tmp_path_factory, f"weights-{weight_set.name}", fetch)
        if (refused := folder / "refused.txt").exists():
            reason = refused.read_text(encoding="utf-8")
            pytest.skip(f"the real weights cannot be had here: {reason}")
        (found_file,) = folder.rglob(weight_set.file_name)
        return found_file

    return find


@pytest.fixture(scope="session")
def real_base_file(real_file: Callable[[WeightSet], Path]) -> Path:
    """The real weights of VGG16's base."""
    return real_file(WEIGHTS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for the tests of one module."""
    with running_browser() as found:
        yield found


def random_arrays(weight_set: WeightSet) -> dict[str, np.ndarray]:
    """Arrays with the names and shapes of ``weight_set``: kernels He-scaled normal, batch
    normalisation that changes nothing, biases 0."""
    generator = np.random.default_rng(3)
    arrays = {}
    for name, entry in weight_set.arrays.items():
        scale = np.sqrt(2 / np.prod(entry.shape[:-1])) if len(entry.shape) == 4 else 0.0
        arrays[name] = generator.normal(0, 1, entry.shape).astype(np.float32) * np.float32(scale)
        if name.endswith(("/gamma", "/moving_variance")):
            arrays[name] += 1
    return arrays


@pytest.fixture(scope="session")
def random_base() -> dict[str, np.ndarray]:
    """Random arrays of the VGG16 base."""
    return random_arrays(WEIGHTS)


@pytest.fixture
def random_weights(random_base: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """``load_weights`` gives random arrays; fc1 and fc2 of VGG16 let a few units through."""

    def load(weight_set: WeightSet) -> dict[str, np.ndarray]:
        if weight_set.backbone != WEIGHTS.backbone:
            return random_arrays(weight_set)
        return load_full() if weight_set.include_top else random_base

    def load_full() -> dict[str, np.ndarray]:
        full = dict(random_base)
        for name, rows in (("fc1", 25_088), ("fc2", 4_096)):
            full[f"{name}/kernel"] = np.zeros((rows, 4_096), np.float32)
            full[f"{name}/kernel"][:64, :64] = np.eye(64, dtype=np.float32)
            full[f"{name}/bias"] = np.zeros(4_096, np.float32)
        return full

    monkeypatch.setattr(weights, "load_weights", load)


@pytest.fixture
def not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a trained network costs where it is used stays unknown: a process of five seconds."""
    monkeypatch.setattr(train_job, "_measure_deployment", lambda *_arguments: (None, ()))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strategies on a small backbone are registered, for this test alone."""
    for entry in STAND_IN_STRATEGIES:
        monkeypatch.setitem(STRATEGIES, entry.name, entry)

"""Homes for page tests, and ways to open a page: cold, or through the router."""

import io
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from unittest.mock import Mock

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button, Element

from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.experiments import imports, recorded
from core.experiments.records import RecordedRun
from core.experiments.store import Store, open_store
from core.settings import PROJECT_ROOT
from core.ui import benchmark
from core.ui.frame import reads
from tests import made_up, stored_home
from tests.datasets.pictures import noise_png, two_classes, write_zip
from tests.pages.compared import store_compared
from tests.stored_home import do_next

RECORDED_ID = "aaaa1111"
MOMENT = "2026-11-20T10:00:00.000000+00:00"
TIMEOUT_SECONDS = 60

# Each run of an AppTest looks through all installed packages for Streamlit components, which takes
# four times as long as to draw the page. They stay the same.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
# After each run Streamlit clears the session of Keras where that is loaded, as it is here once a
# test before has loaded it: four times as long as to draw a page. The web process never loads it.
script_runner._clean_problem_modules = lambda: None


def open_cold(page: str, /, **query: str) -> AppTest:
    """Run the page's file by itself, as a deep link into a fresh session does."""
    return _run(AppTest.from_file(str(PROJECT_ROOT / "pages" / f"{page}.py")), query)


def open_routed(page: str, /, **query: str) -> AppTest:
    """Run ``app.py`` and go to the page."""
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=TIMEOUT_SECONDS)
    # Before its first run the app knows no registered pages, and a switch would go there cold.
    app.run().switch_page(f"pages/{page}.py")
    return _run(app, query)


def _run(app: AppTest, query: dict[str, str]) -> AppTest:
    app.default_timeout = TIMEOUT_SECONDS
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    """All prose on the page, for looking a sentence up."""
    kinds = (
        *(app.title, app.header, app.subheader, app.markdown, app.caption),
        *(app.info, app.warning, app.error),
    )
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.fixture
def empty_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One small dataset and no results, not even those recorded with the project; no worker."""
    monkeypatch.setattr(recorded, "import_recorded", Mock())
    monkeypatch.setattr(reads, "ensure_worker", Mock(return_value=False))
    monkeypatch.setattr(benchmark, "ensure_worker", Mock(return_value=False))
    stored_home.leave_out_bundled_datasets(home)
    stored_home.add_arrows()
    return home


@pytest.fixture
def results_store(empty_home: Path) -> Store:  # noqa: ARG001 - sets the home
    """A store with one recorded experiment of three strategies and two seeds."""
    store = open_store()
    results = [
        ("majority", {"result": made_up.result(0.60, steady_epoch_seconds=None)}),
        ("cnn", {"result": made_up.result(0.70)}),
        (
            "vgg16_probe",
            {"result": made_up.result(0.88, feature_seconds=30.0, feature_cache="miss")},
        ),
    ]
    recorded_runs = [
        RecordedRun(
            strategy=strategy,
            seed=seed,
            settings={"epochs": 2},
            result=values["result"],
            epochs=() if strategy == "majority" else (made_up.epoch(1), made_up.epoch(2)),
            created_at=MOMENT,
            started_at=MOMENT,
            finished_at=MOMENT,
        )
        for seed in (0, 1)
        for strategy, values in results
    ]
    origin = made_up.origin("a *test* bench", MOMENT)
    store.add_recorded(RECORDED_ID, made_up.spec(), MOMENT, origin, recorded_runs)
    return store


def everything(app: AppTest) -> str:
    """All prose, and the labels of all buttons and choices."""
    buttons = [one.label for kind in ("button", "download_button") for one in _shown(app, kind)]
    charts = [one.proto.alt for one in _shown(app, "plotly_chart")]
    return "\n".join([words(app), *buttons, *charts])


def is_whole(app: AppTest, where: object = None) -> AppTest:
    assert not app.exception, where
    assert [element.value for element in app.error] == [], where
    return app


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Drop files: names with their bytes."""
    given = [(name, data, "application/octet-stream") for name, data in files]
    return app.file_uploader[0].set_value(given).run()


def button(app: AppTest, label: str) -> Button:
    return next(entry for entry in app.button if entry.label == label)


def press(app: AppTest, label: str) -> AppTest:
    return button(app, label).click().run()


def links(app: AppTest) -> dict[str, tuple[str, str]]:
    return {entry.label: (entry.page, entry.query_string) for entry in _shown(app, "page_link")}


def _shown(app: AppTest, kind: str) -> list[Element]:
    return [one for one in app.get(kind) if isinstance(one, Element)]


@pytest.fixture
def at_once(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - sets the home
    """Imports are done at once, in this process."""
    monkeypatch.setattr(imports, "ensure_worker", do_next)


@pytest.fixture
def never(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - sets the home
    """Imports stay in the queue, as if their process had not begun yet."""
    monkeypatch.setattr(imports, "ensure_worker", lambda queue: False)  # noqa: ARG005


@pytest.fixture
def pets(empty_home: Path, tmp_path: Path) -> Dataset:  # noqa: ARG001 - sets the home
    """40 pictures in two classes; one twice, one under both classes, one file broken."""
    members = two_classes(20) | {"cats/broken.png": b"\x89PNG\r\n\x1a\n nothing"}
    members["cats/again.png"] = members["cats/3.png"]
    members["dogs/both.png"] = members["cats/5.png"]
    return add_dataset(write_zip(tmp_path / "pets.zip", members), "pets")


@pytest.fixture
def divided(empty_home: Path, tmp_path: Path) -> Dataset:  # noqa: ARG001 - sets the home
    """A dataset with a predefined split; one image is in both subsets."""
    members = {
        f"{subset}/{name}/{number}.png": noise_png(1000 * place + 100 * number + len(subset))
        for subset, count in (("train", 12), ("test", 6))
        for place, name in enumerate(("cats", "dogs"))
        for number in range(count)
    }
    members["train/cats/leak.png"] = members["test/cats/0.png"]
    return add_dataset(write_zip(tmp_path / "divided.zip", members), "divided")


def arrows() -> Dataset:
    return open_dataset("arrows")


@pytest.fixture(name="arrows")
def _arrows(empty_home: Path) -> Dataset:  # noqa: ARG001 - sets the home
    return arrows()


@pytest.fixture
def store(empty_home: Path) -> Store:  # noqa: ARG001 - sets the home
    return open_store()


@pytest.fixture
def compared(empty_home: Path) -> Store:  # noqa: ARG001 - sets the home
    store = open_store()
    store_compared(store, arrows())
    return store

"""Homes for page tests, and ways to open a page: cold, or through the router."""

import gc
from functools import cache
from pathlib import Path
from unittest.mock import Mock

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core.experiments import recorded
from core.experiments.records import RecordedRun
from core.experiments.store import Store, open_store
from core.settings import PROJECT_ROOT
from core.ui import benchmark
from core.ui.frame import reads
from tests import made_up, stored_home

RECORDED_ID = "aaaa1111"
MOMENT = "2026-11-20T10:00:00.000000+00:00"
TIMEOUT_SECONDS = 60

# Each run of an AppTest looks through all installed packages for Streamlit components, which takes
# four times as long as to draw the page. They stay the same.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


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


@pytest.fixture(scope="session", autouse=True)
def _little_to_collect() -> None:
    """Streamlit collects garbage after each run of a page, which takes a second where TensorFlow is
    loaded: what is loaded by now is left out of it."""
    gc.collect()
    gc.freeze()


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

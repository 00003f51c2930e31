"""Parts of pages that are drawn once for all visitors: each sees what would be drawn for them now,
whoever came before, and nothing older than the last change."""

import json
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.datasets.storage import rename_dataset
from core.experiments.planning import plan_experiment
from core.experiments.run_files import write_predictions
from core.experiments.store import Store, open_store
from core.training.events import Predictions
from core.ui.frame import drawing, reads
from tests import made_up
from tests.pages.compared import EXPERIMENT
from tests.pages.conftest import arrows, is_whole, open_cold, words
from tests.pages.test_access import EDITOR, VIEWER, opened

pytestmark = pytest.mark.slow

PLACES = [
    ("start", {"experiment": EXPERIMENT}),
    ("start", {"experiment": EXPERIMENT, "scene": "3"}),
    ("start", {"experiment": EXPERIMENT, "scene": "3", "present": "1"}),
    ("compare", {"experiment": EXPERIMENT}),
    ("compare", {"experiment": EXPERIMENT, "metric": "macro_f1", "curve": "train_loss"}),
    ("compare", {"experiment": EXPERIMENT, "view": "differences"}),
    ("compare", {"experiment": EXPERIMENT, "view": "differences", "first": "majority"}),
    ("compare", {"experiment": EXPERIMENT, "view": "time"}),
    ("compare", {"experiment": EXPERIMENT, "view": "pictures"}),
    ("watch", {"experiment": EXPERIMENT}),
    ("watch", {"experiment": EXPERIMENT, "at": "50", "seed": "1"}),
    ("datasets", {}),
    ("datasets", {"dataset": "arrows"}),
]


def seen(app: AppTest) -> list[tuple[Any, ...]]:
    """Every block and element in its place, as the browser gets it."""

    def under(node: Any, path: tuple[int, ...]) -> list[tuple[Any, ...]]:
        if node.type == "download_button":
            node.proto.ClearField("deferred_file_id")  # another one each time
        found = [(path, node.type, node.proto.SerializeToString() if node.proto else b"")]
        for place, child in getattr(node, "children", {}).items():
            found += under(child, (*path, place))
        return found

    return under(is_whole(app).main, ())


def drawn_for_them_alone(monkeypatch: pytest.MonkeyPatch, page: str, query: dict[str, str]) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(drawing, "_drawn", lambda digest, draw: draw())  # noqa: ARG005
        return seen(open_cold(page, **query))


@pytest.mark.usefixtures("compared")
def test_everybody_sees_what_would_be_drawn_for_them_alone(monkeypatch):
    st.cache_resource.clear()
    for page, query in PLACES:
        first, second = seen(open_cold(page, **query)), seen(open_cold(page, **query))
        assert first == second, (page, query)
        assert first == drawn_for_them_alone(monkeypatch, page, query), (page, query)


@pytest.fixture
def growing(empty_home) -> tuple[Store, str]:  # noqa: ARG001 - sets the home
    """An experiment of two strategies that waits."""
    store = open_store()
    return store, store.create_experiment(plan_experiment("arrows", ["majority", "mlp"]))


def finish_next(store: Store, experiment_id: str, accuracy: float) -> None:
    run_id = store.claim_next("worker", experiment_id).id
    dataset, spec = arrows(), store.experiment(experiment_id).spec
    test = spec.split.of(dataset).test
    labels = dataset.labels[test].astype(np.int32)
    probabilities = np.full((len(test), 3), 0.2, np.float32)
    right = np.arange(len(test)) < accuracy * len(test)
    probabilities[np.arange(len(test)), np.where(right, labels, (labels + 1) % 3)] = 0.6
    write_predictions(run_id, Predictions(test, labels, probabilities))
    store.add_epoch(run_id, made_up.epoch(1, epochs=1, validation_accuracy=accuracy))
    store.finish_run(run_id, made_up.result(accuracy))


def test_no_page_is_older_than_the_last_finished_run(growing, monkeypatch):
    store, experiment_id = growing
    views = [
        ("compare", {"experiment": experiment_id}),
        ("compare", {"experiment": experiment_id, "view": "differences"}),
        ("compare", {"experiment": experiment_id, "view": "time"}),
        ("watch", {"experiment": experiment_id}),
        ("start", {"experiment": experiment_id}),
    ]
    before: list[Any] = [None] * len(views)
    for accuracy in (0.5, 0.75):
        finish_next(store, experiment_id, accuracy)
        now = [seen(open_cold(page, **query)) for page, query in views]
        fresh = [drawn_for_them_alone(monkeypatch, page, query) for page, query in views]
        assert now == fresh
        assert all(new != old for new, old in zip(now, before, strict=True))
        before = now


def test_curves_follow_each_epoch_and_a_run_that_begins_again(growing):
    store, experiment_id = growing
    finish_next(store, experiment_id, 0.5)
    run_id = store.claim_next("worker", experiment_id).id

    def drawn_accuracies() -> list[float]:
        """Those of the line of the MLP, in percent."""
        (chart,) = open_cold("watch", experiment=experiment_id).get("plotly_chart")
        lines = {line["name"]: line["y"] for line in json.loads(chart.proto.spec)["data"]}
        return lines.get("MLP", [])

    for number in (1, 2):
        store.add_epoch(run_id, made_up.epoch(number, validation_accuracy=0.25 * number))
        assert drawn_accuracies() == [25.0, 50.0][:number]
    store.restart_run(run_id, "Half of the batch.")
    assert drawn_accuracies() == []
    for number in (1, 2):
        store.add_epoch(run_id, made_up.epoch(number, validation_accuracy=0.125 * number))
    assert drawn_accuracies() == [12.5, 25.0]


@pytest.mark.usefixtures("empty_home")
def test_a_renamed_dataset_has_its_new_name_on_its_card():
    assert "arrows" in words(open_cold("datasets")).split()
    rename_dataset("arrows", "darts")
    reads.forget_datasets()
    assert "darts" in words(open_cold("datasets")).split()


@pytest.mark.usefixtures("results_store")
def test_a_viewer_sees_the_same_whether_an_editor_was_there_before(monkeypatch):
    monkeypatch.setenv("HEADSTART_EDITORS", "ed@example.org")
    monkeypatch.setenv("HEADSTART_VIEWERS", "*@example.org")
    for page in ("start", "compare", "watch", "datasets"):
        st.cache_resource.clear()
        alone = seen(opened(page, VIEWER))
        st.cache_resource.clear()
        opened(page, EDITOR)
        assert seen(opened(page, VIEWER)) == alone

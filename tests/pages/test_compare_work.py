"""Compare: learning curves, heat maps and maps of features, which are made when asked for."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from core.analysis.evidence import load_evidence
from core.analysis.feature_map import FeatureMap
from core.experiments.heat_maps import HeatMaps
from core.experiments.records import RecordedRun
from core.experiments.store import open_store
from core.jobs.cached import CachedWork
from core.text import escape_markdown
from core.ui.compare import image as compare_image
from core.ui.compare import learning as compare_learning
from core.ui.frame import actions, job_status, reads
from tests import made_up
from tests.pages.compared import EXPERIMENT, MOMENT, store_compared
from tests.pages.conftest import arrows, everything, is_whole, open_cold, open_routed, words


@pytest.mark.usefixtures("compared")
def test_a_learning_curve_is_planned_started_and_followed(monkeypatch):
    woken = Mock(return_value=True)
    monkeypatch.setattr(compare_learning, "ensure_worker", woken)
    app = open_routed("compare", experiment=EXPERIMENT, view="data")
    app = app.multiselect(key=f"learning.strategies.{EXPERIMENT}").set_value(["majority"]).run()
    app = is_whole(app.multiselect(key="learning.fractions").set_value([0.5, 1.0]).run())
    assert "2 sizes" in words(app)
    press = next(button for button in app.button if button.label == "Start the learning curve")
    app = is_whole(press.click().run())
    members = [entry for entry in open_store().experiments() if entry.spec.series]
    assert sorted(entry.spec.train_share for entry in members) == [0.5, 1.0]
    assert app.query_params["series"] == members[0].spec.series
    woken.assert_called_once_with(reads.store())
    assert "No run of this learning curve has finished yet" in words(app)
    assert len(app.get("page_link")) == 3  # the active one, and both in the list


@pytest.mark.usefixtures("compared")
def test_a_learning_curve_that_cannot_be_is_said_and_not_started():
    app = open_cold("compare", experiment=EXPERIMENT, view="data")
    app = app.multiselect(key="learning.fractions").set_value([1.0]).run()
    assert not app.exception
    assert "needs at least two fractions" in app.error[0].value
    press = next(button for button in app.button if button.label == "Start the learning curve")
    assert press.disabled


@pytest.mark.usefixtures("empty_home")
def test_a_finished_learning_curve_is_drawn_and_said():
    store, dataset = open_store(), arrows()
    for fraction in (0.1, 1.0):
        name = f"made{fraction}"
        spec = store_compared(store, dataset, ("cnn", "vgg16_probe"), (0,), name)
        images = spec.images | {"train": round(fraction * spec.images["train"])}
        changes = {"train_share": fraction, "series": "cafe0001", "images": images}
        runs = [
            RecordedRun(run.strategy, run.seed, {}, run.result, (), MOMENT, MOMENT, MOMENT)
            for run in store.runs(name)
        ]
        member = spec.model_copy(update=changes)
        store.add_recorded(f"share{fraction}", member, MOMENT, made_up.origin(), runs)
    app = is_whole(open_cold("compare", experiment="share1.0", view="data"))
    text = everything(app)
    assert "Where one overtakes the other" in text
    assert "Test accuracy with 95 % intervals on 36 test images" in text
    assert "fewer images a network takes fewer steps" in text
    assert app.selectbox(key="address.series").value == "cafe0001"


WORKS = {
    "working": (CachedWork(Path("x"), "working", "Loading · 3 of 12", 0.25), ["Cancel"]),
    "failed": (CachedWork(Path("x"), "failed", error="There was *no* memory."), ["Try again"]),
    "cancelled": (CachedWork(Path("x"), "cancelled", error="It was cancelled."), ["Try again"]),
}


@pytest.mark.usefixtures("compared")
@pytest.mark.parametrize("state", WORKS)
def test_work_beside_the_page_is_followed_or_its_failure_said(monkeypatch, state):
    work, buttons = WORKS[state]
    monkeypatch.setattr(compare_image, "why_no_heat_maps", Mock(return_value=None))
    monkeypatch.setattr(compare_image, "heat_maps", Mock(return_value=work))
    again = Mock()
    monkeypatch.setattr(job_status, "make_again", again)
    cancelled = Mock()
    monkeypatch.setattr(actions, "cancel_work", cancelled)
    app = looking()
    labels = [button.label for button in app.button if button.label in ("Try again", "Cancel")]
    assert labels == buttons * 2
    if state == "failed":
        assert [element.value for element in app.error] == ["There was \\*no\\* memory\\."] * 2
        next(button for button in app.button if button.label == "Try again").click().run()
        again.assert_called_once_with(reads.store(), work)
    elif state == "cancelled":
        assert words(app).count("It was cancelled") == 2
    else:
        assert [element.proto.text for element in app.get("progress")] == ["Loading · 3 of 12"] * 2
        next(button for button in app.button if button.label == "Cancel").click().run()
        cancelled.assert_called_once_with("")


@pytest.mark.usefixtures("compared")
def test_heat_maps_that_are_ready_are_laid_over_the_picture(monkeypatch):
    maps = HeatMaps(
        positions=np.array([0]),
        predicted=np.array([1], np.int32),
        labels=np.array([0], np.int32),
        probabilities=np.array([[0.25, 0.75, 0.0]], np.float32),
        for_predicted=np.array([[[1.0, 0.0], [0.0, 0.0]]], np.float32),
        for_label=np.zeros((1, 2, 2), np.float32),
    )
    ready = CachedWork(Path("x"), "ready")
    monkeypatch.setattr(compare_image, "why_no_heat_maps", Mock(return_value=None))
    monkeypatch.setattr(compare_image, "heat_maps", Mock(return_value=ready))
    monkeypatch.setattr(compare_image, "read_heat_maps", Mock(return_value=maps))
    text = words(is_whole(looking()))
    assert text.count("No place of the picture supports down") == 2


@pytest.mark.usefixtures("compared")
def test_the_map_is_made_when_asked_for_and_shows_the_chosen_picture(monkeypatch):
    found = load_evidence(open_store(), EXPERIMENT)
    layout = FeatureMap(
        positions=np.sort(found.test_indices),
        xy=np.random.default_rng(0).normal(size=(found.images, 2)).astype(np.float32),
        how="Made up for a test.",
    )
    asked = Mock(return_value=CachedWork(Path("x"), "ready"))
    monkeypatch.setattr(compare_image, "feature_map", asked)
    monkeypatch.setattr(compare_image, "read_map", Mock(return_value=layout))
    image = int(found.test_indices[0])
    query = {"view": "pictures", "show": "map", "point": str(image), "colour": "cnn"}
    app = open_cold("compare", experiment=EXPERIMENT, **query)
    asked.assert_not_called()
    button = next(button for button in app.button if button.label == "Make the map")
    app = is_whole(button.click().run())
    assert "Made up for a test" in words(app)
    assert f"File: **{escape_markdown(arrows().file_names[image])}**" in words(app)
    next(button for button in app.button if button.label == "Open it").click().run()
    assert app.query_params["image"] == str(image)


def looking():
    """One picture large, with the wish to see where the CNN and the probe looked."""
    image = str(int(load_evidence(open_store(), EXPERIMENT).test_indices[0]))
    query = {"view": "pictures", "image": image, "first": "cnn", "second": "vgg16_probe"}
    app = open_cold("compare", experiment=EXPERIMENT, **query)
    app.toggle(key="looked").set_value(True).run()
    assert not app.exception
    return app

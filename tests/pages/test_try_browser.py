"""Try it in a real browser: a picture is uploaded and really kept networks answer about it; a
round of the game by keyboard alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.storage import open_dataset
from core.experiments.planning import plan_experiment
from core.experiments.run_files import write_predictions, write_weights
from core.experiments.store import open_store
from core.training.events import Predictions
from tests import made_up, stored_home
from tests.browser import (
    MARKS,
    MILLISECONDS,
    keep_screenshot,
    press,
    running_app,
    running_browser,
    settle,
)
from tests.experiments.test_heat_maps import random_weights

pytestmark = MARKS
LOADING = 150 * MILLISECONDS


@pytest.fixture
def experiment_id(home: Path) -> str:
    """A majority class and a CNN with kept weights (random ones) on the arrows."""
    stored_home.leave_out_bundled_datasets(home)
    dataset = stored_home.add_arrows()
    store = open_store()
    spec = plan_experiment("arrows", ["majority", "cnn"], image_size=64, precision="float32")
    experiment_id = store.create_experiment(spec)
    test = spec.split.of(dataset).test
    answers = np.tile(np.array([[0.5, 0.25, 0.25]], np.float32), (len(test), 1))
    for run in store.runs(experiment_id):
        store.claim_next("worker")
        write_predictions(run.id, Predictions(test, dataset.labels[test], answers))
        if run.strategy == "cnn":
            write_weights(run.id, random_weights())
        store.finish_run(run.id, made_up.result())
    return experiment_id


@pytest.fixture
def page(home: Path, tmp_path: Path, experiment_id: str):
    with running_app(home, tmp_path / "server.log") as address, running_browser() as browser:
        tab = browser.new_page(base_url=address, viewport={"width": 1280, "height": 1000})
        tab.set_default_timeout(60 * MILLISECONDS)
        tab.goto(f"/try_it?experiment={experiment_id}&source=upload")
        yield tab


def test_an_upload_is_answered_and_a_round_is_played_by_keyboard(page, tmp_path):
    from playwright.sync_api import expect

    dataset = open_dataset("arrows")
    # The whole picture is brighter: another one than any of the dataset.
    brighter = Image.fromarray(np.full((300, 200, 3), 180, np.uint8))
    brighter.save(tmp_path / "mine.jpg")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.jpg")
    expect(page.get_by_text("mine.jpg, 200 × 300 pixels")).to_be_visible(timeout=LOADING)
    expect(page.get_by_text("Its label is not known here.")).to_be_visible(timeout=LOADING)
    expect(page.get_by_text("Bright places support the prediction.")).to_be_visible()
    expect(page.get_by_role("img", name="Where CNN, three blocks looked")).to_be_visible()
    settle(page)
    keep_screenshot(page, "try-upload")

    page.get_by_role("radio", name="Guess yourself").click()
    for place in range(10):
        expect(page.get_by_text(f"Round 1 · picture {place + 1} of 10")).to_be_visible()
        expect(page.get_by_role("heading", name="What does it show?")).to_be_visible()
        press(page, dataset.classes[0][0])  # "down" has the key D
        expect(page.get_by_text("None of them was trained on this picture.")).to_be_visible()
        press(page, "n")
    expect(page.get_by_role("heading", name="of 10 right")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    settle(page)
    keep_screenshot(page, "try-score")

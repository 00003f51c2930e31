"""Every page: cold and through the router with results; cold when empty or at a stale address."""

import pytest

from core.experiments.store import open_store
from core.ui.frame import reads
from core.ui.frame.page import PAGES, PAGES_FOLDER
from tests.made_up import spec
from tests.pages.conftest import RECORDED_ID, open_cold, open_routed, words

OPENERS = {"cold": open_cold, "routed": open_routed}
EMPTY_PAGES = {
    "start": ("How much of a head start", "No results yet. Open Benchmark and press Start"),
    "try_it": ("Try it", "There is nothing to try yet. Start a benchmark"),
    "datasets": ("Datasets", "120 images in 3 classes, grey"),
    "advice": ("Advice", "before anything is trained"),
    "benchmark": ("Benchmark", "Majority class: down, 33.3 % of the images"),
    "watch": ("Watch it learn", "Nothing has been trained yet. Start a benchmark"),
    "experiments": ("Experiments", "There is no experiment yet. Start a benchmark"),
    "compare": ("Compare", "There is nothing to compare yet. Start a benchmark"),
    "ladder": ("The ladder", "9 strategies, from the cheapest to the most costly"),
    "measured": ("How it is measured", "No results yet, so the rules stand here"),
    "workers": ("Workers", "No worker is here. Headstart starts one when a run"),
}
PAGES_WITH_RESULTS = {
    "start": "Recorded on a \\*test\\* bench, 2026\\-11\\-20",
    "try_it": "The dataset shapes is no longer here",
    "datasets": "120 images in 3 classes, grey",
    "advice": "before anything is trained",
    "benchmark": "Majority class: down",
    "watch": "The dataset of this experiment was removed",
    "experiments": "1 experiment",
    "compare": "Recorded on a \\*test\\* bench, 2026\\-11\\-20",
    "ladder": "Tutorial: Case 1",
    "measured": "Who chooses the best epoch",
    "workers": "No worker is here. Headstart starts one when a run",
}


def test_every_page_is_in_both_tables():
    paths = {page.path for page in PAGES}
    assert set(EMPTY_PAGES) == paths
    assert set(PAGES_WITH_RESULTS) == paths
    assert {file.stem for file in PAGES_FOLDER.glob("*.py")} == paths


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("page", EMPTY_PAGES)
def test_a_page_without_results_says_what_to_do(page):
    title, sentence = EMPTY_PAGES[page]
    app = open_cold(page)
    assert not app.exception
    assert not app.error
    assert [element.value.startswith(title) for element in app.title] == [True]
    assert sentence in words(app)


@pytest.mark.usefixtures("results_store")
@pytest.mark.parametrize("page", PAGES_WITH_RESULTS)
@pytest.mark.parametrize("opener", OPENERS)
def test_a_page_with_results_shows_them(opener, page):
    app = OPENERS[opener](page)
    assert not app.exception
    assert not app.error
    assert PAGES_WITH_RESULTS[page] in words(app)


@pytest.mark.usefixtures("results_store")
def test_compare_shows_what_the_numbers_rest_on():
    app = open_cold("compare", experiment=RECORDED_ID)
    text = words(app)
    assert "2 classes, 200 training, 20 validation and **n = 100 test images**" in text
    assert "(test 30 %, validation 7 %, split seed 0)" in text
    assert "64 × 64 pixels, stretch, preset quick, seeds 0, 1" in text
    assert "Device two test cores, precision float32, backend tensorflow" in text
    assert "Always predicting *round*, the commonest class, is correct for 60.0 %" in text
    assert app.query_params["experiment"] == RECORDED_ID
    means, table = (entry.value for entry in app.dataframe[:2])
    assert means["mean (%)"].tolist() == pytest.approx([60.0, 70.0, 88.0])
    assert table["strategy"].tolist() == ["Majority class", "CNN, three blocks", "VGG16 probe"]
    assert table["test accuracy (%)"].tolist() == pytest.approx([60.0, 70.0, 88.0])
    assert [element.value for element in app.header] == [
        "Test accuracy",
        "All results",
        "Training curves",
    ]


@pytest.mark.usefixtures("results_store")
def test_compare_says_that_a_link_is_stale_and_shows_the_newest():
    app = open_cold("compare", experiment="gone")
    assert app.warning[0].value == (
        "The link names the experiment gone, which is not here (any more). Shown instead: "
        "shapes · 64 px · quick · 3 strategies · 2026\\-11\\-20 10\\:00 · recorded · aaaa1111."
    )
    assert app.query_params["experiment"] == RECORDED_ID


def test_choosing_another_experiment_changes_page_and_address(results_store):
    newest = results_store.create_experiment(spec(dataset_name="newer"))
    app = open_routed("compare")
    assert app.query_params["experiment"] == newest
    assert "No run of this experiment has finished" in words(app)
    app.selectbox[0].set_value(RECORDED_ID).run()
    assert app.query_params["experiment"] == RECORDED_ID
    assert "n = 100 test images" in words(app)


@pytest.mark.usefixtures("empty_home")
def test_names_from_users_are_shown_literally():
    store = open_store()
    store.create_experiment(
        spec(dataset_name="**bold** <script>", majority_class="[link](http://x)")
    )
    app = open_cold("compare")
    assert "\\*\\*bold\\*\\* \\<script\\>" in words(app)
    assert "\\[link\\]\\(http\N{WORD JOINER}\\:\\/\\/x\\)" in words(app)


@pytest.mark.usefixtures("empty_home")
def test_a_broken_page_shows_a_box_with_an_id_and_no_traceback(monkeypatch, caplog):
    def broken():
        raise RuntimeError("secret detail")

    monkeypatch.setattr(reads, "store", broken)
    app = open_cold("compare")
    (box,) = app.error
    error_id = box.value.split("`")[1]
    assert "secret detail" not in words(app)
    assert f"error {error_id} on a page" in caplog.text
    assert "secret detail" in caplog.text

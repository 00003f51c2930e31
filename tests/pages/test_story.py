"""The story on the page: every scene by its link, next and back, presented, and stale links."""

from urllib.parse import parse_qs

import pytest

from core.datasets.storage import open_dataset
from core.experiments.store import open_store
from tests.pages.compared import EXPERIMENT, add_hostile, store_compared
from tests.pages.conftest import RECORDED_ID, open_cold, open_routed, words

TITLES = (
    "The pictures",
    "The line to beat",
    "Raw pixels",
    "Its own filters",
    "A head start",
    "What it costs",
    "Other pictures",
)


@pytest.fixture
def compared(results_store):
    """Arrows with predictions, beside the recorded shapes that have none."""
    store_compared(results_store, open_dataset("arrows"))
    return results_store


def button(app, label):
    (found,) = [entry for entry in app.button if entry.label == label]
    return found


@pytest.mark.usefixtures("compared")
def test_a_link_leads_to_each_scene():
    for number, title in enumerate(TITLES, 1):
        app = open_cold("start", experiment=EXPERIMENT, scene=str(number))
        assert (len(app.exception), len(app.error), len(app.warning)) == (0, 0, 0), title
        assert f"{number} of 7 · {title}" in words(app)
        assert len(app.title) == 1
        assert button(app, "Back").disabled == (number == 1)
        assert button(app, "Next").disabled == (number == 7)


@pytest.mark.usefixtures("compared")
def test_next_and_back_keep_experiment_and_scene_in_the_address():
    app = open_routed("start", experiment=EXPERIMENT)
    assert app.title[0].value.startswith("These are 120 pictures of 3 kinds\\:")
    button(app, "Next").click().run()
    assert app.query_params == {"experiment": EXPERIMENT, "scene": "2"}
    assert app.title[0].value.startswith("Always predicting “")
    button(app, "5").click().run()
    assert app.title[0].value.startswith("A network that has seen a million other pictures gets")
    button(app, "Back").click().run()
    assert app.query_params["scene"] == "4"
    assert app.title[0].value.startswith("A network that learns its own filters gets")


@pytest.mark.usefixtures("compared")
def test_presenter_mode_stays_while_stepping_and_is_left_again():
    app = open_routed("start", experiment=EXPERIMENT)
    button(app, "Present").click().run()
    assert app.query_params["present"] == "1"
    assert not app.selectbox
    button(app, "Next").click().run()
    assert app.query_params["present"] == "1"
    assert app.query_params["scene"] == "2"
    button(app, "Leave presenter mode").click().run()
    assert "present" not in app.query_params
    assert [box.label for box in app.selectbox] == ["Experiment of this story"]


@pytest.mark.usefixtures("compared")
def test_the_end_leads_on_and_names_the_link():
    app = open_cold("start", experiment=EXPERIMENT, scene="7")
    links = {link.label: link for link in app.get("page_link")}
    assert set(links) >= {"Try it yourself", "Guess against the models", "Compare in full"}
    guess = parse_qs(links["Guess against the models"].proto.query_string)
    assert guess == {"experiment": [EXPERIMENT], "view": ["guess"]}
    assert [entry.label for entry in app.get("download_button")] == ["Download the report"]
    assert app.code[0].value.endswith(f"/?experiment={EXPERIMENT}")


@pytest.mark.usefixtures("compared")
def test_the_end_says_whether_it_depends_on_the_pictures():
    app = open_cold("start", experiment=EXPERIMENT, scene="7")
    assert app.header[1].value == "Where does it help?"
    assert "No slice differs\\: " in words(app)
    (link,) = [link for link in app.get("page_link") if link.label == "All slices"]
    query = parse_qs(link.proto.query_string)
    assert query == {"experiment": [EXPERIMENT], "view": ["slices"]}
    # Without predictions nothing is claimed.
    assert "All slices" not in [
        link.label
        for link in open_cold("start", experiment=RECORDED_ID, scene="7").get("page_link")
    ]


@pytest.mark.usefixtures("compared")
def test_a_stale_scene_and_a_stale_experiment_are_said():
    app = open_cold("start", experiment="gone", scene="99")
    assert [entry.value.split(",")[0] for entry in app.warning] == [
        "The link names the experiment gone",
        "The link names the scene 99",
    ]
    assert "1 of " in words(app)


def test_the_other_pictures_are_those_whose_gain_can_be_tested(results_store):
    """The recorded shapes have the smallest gain, and no predictions."""
    climbing = ("majority", "mlp", "vgg16_probe")
    store_compared(results_store, add_hostile(), climbing)
    store_compared(results_store, open_dataset("arrows"), climbing, experiment_id="dddd4444")
    app = open_cold("start", experiment=EXPERIMENT, scene="6")
    assert "6 of 6 · Other pictures" in words(app)
    assert "“arrows”" in app.title[0].value


@pytest.mark.usefixtures("results_store")
def test_results_without_predictions_or_pictures_are_told_without_claims():
    app = open_cold("start", experiment=RECORDED_ID, scene="4")
    assert not app.error
    assert app.title[0].value == (
        "A network that has seen a million other pictures gets 88\\.0\N{NO-BREAK SPACE}% right; "
        "the best that started from nothing gets 70\\.0\N{NO-BREAK SPACE}%\\."
    )
    first = open_cold("start", experiment=RECORDED_ID)
    assert "The dataset shapes is no longer here" in words(first)


@pytest.mark.usefixtures("empty_home")
def test_what_was_not_run_is_named_at_the_end():
    store_compared(open_store(), open_dataset("arrows"), names=("majority", "cnn"))
    app = open_cold("start", scene="3")
    assert "3 of 3 · Its own filters" in words(app)
    assert (
        "Left out, because there is no result on these pictures yet\\: MLP and a pre\\-trained "
        "one, such as the VGG16 probe\\." in words(app)
    )


@pytest.mark.usefixtures("empty_home")
def test_without_results_one_link_leads_to_the_benchmark():
    app = open_cold("start")
    assert [link.label for link in app.get("page_link")] == ["Benchmark a dataset"]
    assert not app.button

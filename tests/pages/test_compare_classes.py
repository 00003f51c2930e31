"""Compare, Classes: every class, one against the rest, and a threshold between two."""

import numpy as np
import pytest

from core.analysis.evidence import load_evidence
from core.analysis.ranking import area, area_test
from core.analysis.threshold import THRESHOLDS, threshold_costs
from core.analysis.words.ranking import describe_area_pair, describe_costs
from core.datasets.add import add_pixels
from core.experiments.store import open_store
from core.text import escape_markdown
from tests.pages.compared import EXPERIMENT, HOSTILE, store_compared
from tests.pages.conftest import everything, is_whole, open_cold, open_routed, words


def open_classes(**query: str):
    return is_whole(open_cold("compare", experiment=EXPERIMENT, view="classes", **query))


@pytest.fixture
def two_classes(empty_home):  # noqa: ARG001 - sets the home
    """Forty images of one class, twenty of the other; their names want to be Markdown and HTML."""
    random = np.random.default_rng(3)
    pixels = random.integers(0, 255, size=(90, 8, 8)).astype(np.uint8)
    labels = np.repeat([0, 1], [60, 30])
    store = open_store()
    store_compared(store, add_pixels(pixels, labels, list(HOSTILE[:2]), "two", "a test"))
    return store


@pytest.mark.usefixtures("compared")
def test_every_metric_of_the_classes_is_drawn_and_kept_in_the_address():
    app = open_routed("compare", experiment=EXPERIMENT, view="classes")
    metric = app.segmented_control(key="address.of_classes")
    app = is_whole(metric.set_value("roc_auc").run())
    assert app.query_params["of_classes"] == "roc_auc"
    assert "ROC AUC of each class on the test images." in everything(app)
    headings = app.dataframe[0].value.columns.tolist()
    for heading in ("recall", "specificity", "precision", "average precision", "ROC AUC"):
        assert f"{heading} (%)" in headings
    # Three classes have no threshold between two.
    assert "A threshold" not in words(app)


def test_two_strategies_are_tested_and_several_share_a_chart(compared):
    app = open_classes(drawn="mlp,cnn", **{"class": "left"})
    evidence = load_evidence(compared, EXPERIMENT)
    test = area_test(area(evidence, "mlp", 1), area(evidence, "cnn", 1))
    titles = evidence.of("mlp").title, evidence.of("cnn").title
    sentence = describe_area_pair(*titles, test, evidence.classes[1])
    assert escape_markdown(sentence) in words(app)
    drawn = app.multiselect[0]
    app = is_whole(drawn.set_value(["mlp", "cnn", "vgg16_probe"]).run())
    assert app.query_params["drawn"] == "mlp,cnn,vgg16_probe"
    roc = next(chart for chart in app.get("plotly_chart") if "false-alarm rate" in chart.proto.alt)
    assert all(title in roc.proto.alt for title in ("MLP", "CNN, three blocks", "VGG16 probe"))
    assert "Always giving the same answer: ROC AUC 50 %" in roc.proto.alt


@pytest.mark.usefixtures("compared")
def test_the_pair_of_the_differences_is_drawn_first():
    app = open_classes(first="mlp", second="cnn")
    assert app.multiselect[0].value == ["mlp", "cnn"]
    app = is_whole(app.multiselect[0].set_value([]).run())
    assert app.multiselect[0].value == ["mlp", "cnn"]


@pytest.mark.usefixtures("compared")
def test_strategies_and_classes_of_a_stale_link_are_warned_of():
    app = open_classes(drawn="gone,cnn", **{"class": "renamed"})
    said = [element.value for element in app.warning]
    assert any("The link names strategies that are not here" in text for text in said)
    assert any("The link names the class renamed" in text for text in said)
    assert app.multiselect[0].value == ["cnn"]


def test_a_threshold_and_its_costs_are_in_the_address(two_classes):
    app = open_classes(strategy="cnn", threshold="30", alarm_cost="2.5", miss_cost="7")
    assert app.slider[0].value == 30.0
    # The rarer class is looked for.
    evidence = load_evidence(two_classes, EXPERIMENT)
    costs = threshold_costs(evidence, "cnn", None, 1, 2.5, 7.0)
    for sentence in describe_costs(costs, 0.3, evidence.majority_name):
        assert escape_markdown(sentence) in words(app)
    assert "At a threshold of 30 %" in words(app)
    app = is_whole(app.slider[0].set_value(12.5).run())
    assert app.query_params["threshold"] == "12.5"
    app = is_whole(app.number_input(key="address.miss_cost").set_value(1.0).run())
    assert "miss_cost" not in app.query_params
    app = is_whole(app.number_input(key="address.alarm_cost").set_value(12.0).run())
    assert app.query_params["alarm_cost"] == "12"
    best = float(THRESHOLDS[threshold_costs(evidence, "cnn", None, 1, 12.0, 1.0).best])
    (button,) = (each for each in app.button if each.label.startswith("Take the threshold"))
    app = is_whole(button.click().run())
    assert app.slider[0].value == pytest.approx(100 * best)


@pytest.mark.usefixtures("two_classes")
def test_either_class_can_be_looked_for_and_hostile_names_stay_text():
    app = open_classes(**{"class": HOSTILE[0]})
    assert "finds" in words(app)
    for harmful in ("[x](http://x)", "<script>", "<b>"):
        assert harmful not in words(app)
        assert harmful not in app.slider[0].label
    for chart in app.get("plotly_chart"):
        assert "<script>" not in chart.proto.spec


@pytest.mark.usefixtures("two_classes")
@pytest.mark.parametrize("value", ["-1", "101", "x", "12.55"])
def test_an_amount_that_is_none_is_warned_of(value):
    app = open_classes(threshold=value)
    assert "The link names the threshold" in app.warning[0].value
    assert app.slider[0].value == 50.0

import json

import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core.charts.exhibit import Exhibit
from core.ui.widgets.slides import MOST_ROWS, Slide, _show_window
from tests.pages.compared import EXPERIMENT
from tests.pages.conftest import open_cold, press


def offered(app):
    return next(one for one in app.selectbox if one.label == "Chart or table")


@pytest.mark.usefixtures("compared")
def test_every_chart_and_table_of_a_page_is_offered_to_each_visitor():
    app = press(open_cold("compare", experiment=EXPERIMENT), "For slides")
    assert not app.exception
    options = offered(app).options
    kinds = [title.partition(": ")[0].partition(". ")[2] for title in options]
    shown = {"Chart": len(app.get("plotly_chart")) - 1, "Table": 2}
    assert {kind: kinds.count(kind) for kind in set(kinds)} == shown
    assert options[0] == "1. Chart: Test accuracy on the test images"
    (table,) = app.code
    assert table.value.startswith("| strategy | seeds | mean (%) | ")
    assert "| CNN, three blocks | 2 seeds | 91.7 | " in table.value
    # What was drawn for another visitor is noted too.
    again = press(open_cold("compare", experiment=EXPERIMENT), "For slides")
    assert offered(again).options == options


def window():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]), layout={"height": 300})
    long = pd.DataFrame({"class": [f"class {place}" for place in range(MOST_ROWS + 1)]})
    few = pd.DataFrame({"class": ["a"], "images": [7]})
    slides = [Slide.of(Exhibit(figure, "A line. It rises.", few), "line.ab12")]
    _show_window((*slides, Slide("The classes, one line each.", "classes.ab12", long)))


def window_page():
    from tests.pages import test_slides

    test_slides.window()


def test_the_window_shows_the_chosen_one_as_it_is_saved():
    app = AppTest.from_function(window_page, default_timeout=60).run()
    assert not app.exception
    assert offered(app).options == ["1. Chart: A line", "2. Table: The classes, one line each"]
    for name, scale in (("png", 2), ("svg", 1)):
        app.segmented_control[0].set_value(name).run()
        (chart,) = app.get("plotly_chart")
        config = json.loads(chart.proto.config)
        assert config["modeBarButtons"] == [["toImage"]]
        assert config["toImageButtonOptions"] == {
            "format": name,
            "filename": "headstart-line-ab12",
            "width": 960,
            "height": 300,
            "scale": scale,
        }
        drawn = json.loads(chart.proto.spec)
        assert drawn["layout"]["paper_bgcolor"] == "#FFFFFF"
        assert (chart.proto.theme, drawn["data"][0]["x"]) == ("", [1, 2])
        assert f"headstart-line-ab12.{name}" in app.caption[0].value
    assert app.code[0].value == "| class | images |\n| --- | ---: |\n| a | 7 |"
    offered(app).set_value(1).run()
    assert app.get("plotly_chart") == []
    assert app.code[0].value.count("\n") == MOST_ROWS + 1
    assert app.caption[0].value == f"The first {MOST_ROWS} of {MOST_ROWS + 1} lines."


@pytest.mark.usefixtures("compared")
def test_a_page_that_shows_none_or_is_presented_has_no_button():
    for page, query in (("workers", {}), ("compare", {"present": "1", "experiment": EXPERIMENT})):
        app = open_cold(page, **query)
        assert "For slides" not in [button.label for button in app.button], page


def test_a_file_is_named_after_what_it_shows():
    slide = Slide("Recall of each class. CNN: 1 %", "classes.ab12.ROC auc", pd.DataFrame())
    assert slide.title == "Table: Recall of each class"
    assert slide.file_name == "headstart-classes-ab12-roc-auc"
    counts = Slide("Images of each class.", f"counts.{'0123456789ab' + 52 * 'f'}", pd.DataFrame())
    assert counts.file_name == "headstart-counts-0123456789ab"

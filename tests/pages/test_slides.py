import pandas as pd
import pytest

from core.ui.widgets.slides import Slide
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
    assert "| CNN, three blocks | 2 | " in table.value
    # What was drawn for another visitor is noted too.
    again = press(open_cold("compare", experiment=EXPERIMENT), "For slides")
    assert offered(again).options == options


@pytest.mark.usefixtures("compared")
def test_another_one_is_chosen_in_the_window():
    app = press(open_cold("compare", experiment=EXPERIMENT), "For slides")
    charts = len(app.get("plotly_chart"))
    last = len(offered(app).options) - 1
    offered(app).set_value(last).run()
    assert not app.exception
    (table,) = app.code
    assert table.value.startswith("| run | ")
    assert len(app.get("plotly_chart")) < charts


@pytest.mark.usefixtures("compared")
def test_a_page_that_shows_none_or_is_presented_has_no_button():
    for page, query in (("workers", {}), ("compare", {"present": "1", "experiment": EXPERIMENT})):
        app = open_cold(page, **query)
        assert "For slides" not in [button.label for button in app.button], page


def test_a_file_is_named_after_what_it_shows():
    slide = Slide("Recall of each class. CNN: 1 %", "classes.ab12.ROC auc", None, pd.DataFrame())
    assert slide.title == "Table: Recall of each class"
    assert slide.file_name == "headstart-classes-ab12-roc-auc"

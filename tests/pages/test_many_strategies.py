"""Eighteen strategies on three backbones: what is shown at first, filters, and which family Holm's
correction is over."""

import json

import pytest

from core.experiments.store import open_store
from core.text import escape_markdown
from core.ui.frame import evidence_reads
from tests.made_families import IMAGES, NAMES, RIGHT
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import arrows, everything, is_whole, open_cold

MAIN = (
    "9 of 18 strategies are shown: of each backbone its probe and the mode that trains most of "
    "it, and those without a backbone."
)


@pytest.fixture
def many(empty_home, monkeypatch):  # noqa: ARG001 - sets the home
    skills = {name: None if name == "majority" else RIGHT[name] / IMAGES for name in NAMES}
    monkeypatch.setattr("tests.pages.compared.SKILL", skills)
    store_compared(open_store(), arrows(), NAMES, seeds=(0,))
    evidence_reads._cached.clear()


def opened(**query):
    return is_whole(open_cold("compare", experiment=EXPERIMENT, **query), query)


def labels_of(app, place=0):
    """The labels of the rows of a chart."""
    figure = json.loads(app.get("plotly_chart")[place].proto.spec)
    return figure["layout"]["yaxis"]["ticktext"]


@pytest.mark.usefixtures("many")
def test_the_overview_shows_the_main_ones_and_finds_among_all():
    app = opened()
    assert app.selectbox(key="address.group").value == "main"
    assert escape_markdown(MAIN) in everything(app)
    assert len(labels_of(app)) == 9
    # Also of those that are not shown.
    assert "VGG16 from random weights" in app.markdown[0].value
    assert len([line for line in app.markdown[0].value.splitlines() if line]) == 5


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("view", ["overview", "differences", "time", "pictures"])
def test_a_group_is_in_the_address_of_each_view_that_has_rows(view):
    app = opened(view=view, group="squeezenet")
    assert app.selectbox(key="address.group").value == "squeezenet"
    words = everything(app)
    sentence = "8 of 18 strategies are shown: every mode of SqueezeNet"
    assert escape_markdown(sentence) in words
    # The findings and the pairs that matter are those of all, whichever are shown.
    of_all = view in ("overview", "differences")
    assert ("EfficientNet" in words) == of_all


@pytest.mark.usefixtures("many")
def test_a_link_to_a_strategy_that_is_not_among_the_main_ones_shows_all():
    app = opened(view="pictures", strategy="squeezenet_scratch")
    assert app.selectbox(key="address.group").value == "all"
    assert app.selectbox(key="address.strategy").value == "squeezenet_scratch"
    assert [box.value for box in app.warning] == []


@pytest.mark.usefixtures("many")
def test_the_differences_begin_with_the_pairs_that_matter_and_say_each_family():
    app = opened(view="differences")
    headers = [header.value for header in app.header]
    assert headers[0] == "The pairs that matter"
    words = everything(app)
    shown = len(app.selectbox(key="address.first").options)
    pairs = shown * (shown - 1) // 2
    key = len(labels_of(app)) - sum(not label for label in labels_of(app))
    for sentence in (
        f"Holm's correction is over {key} pairs: those of this chart.",
        f"Holm's correction is over {pairs} pairs: all those of the {shown} strategies shown.",
    ):
        assert escape_markdown(sentence) in words or sentence in words

"""Compare, Backbones: the answer, the matrix, and how to add what was not run."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from core.backbones.registry import BACKBONES
from core.experiments.store import open_store
from core.strategies.registry import STRATEGIES
from core.text import escape_markdown
from core.ui.frame import evidence_reads
from tests import made_up
from tests.made_backbones import add_backbones
from tests.pages.compared import EXPERIMENT, SKILL, store_compared
from tests.pages.conftest import everything, is_whole, open_cold
from tests.stored_home import add_arrows, leave_out_bundled_datasets


@pytest.fixture
def three_backbones(home, monkeypatch) -> Iterator[None]:
    add_backbones(monkeypatch)
    leave_out_bundled_datasets(home)
    names = ("majority", "vgg16_probe", "vgg16_finetune", "small_probe", "tiny_probe")
    skills = dict(zip(names, (None, 0.9, 0.92, 0.88, 0.4), strict=True))
    monkeypatch.setattr("tests.pages.compared.SKILL", SKILL | skills)
    store_compared(open_store(), add_arrows(), names)
    evidence_reads._cached.clear()
    yield
    evidence_reads._cached.clear()


@pytest.mark.usefixtures("three_backbones")
def test_the_view_answers_and_says_what_it_tests():
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="backbones"))
    shown = everything(app)
    assert "Which pre-trained model?" in shown
    assert escape_markdown("cannot be told apart from VGG16") in shown or (
        escape_markdown("cannot be told apart from Small") in shown
    )
    assert escape_markdown("over 3 pairs: those of two backbones trained in the same mode") in shown
    assert app.segmented_control(key="address.cost").value == "run"


@pytest.mark.usefixtures("three_backbones")
def test_each_cost_has_its_link_and_says_what_was_not_measured():
    for cost in ("run", "image", "parameters"):
        query = {"experiment": EXPERIMENT, "view": "backbones", "cost": cost}
        app = is_whole(open_cold("compare", **query), cost)
        assert app.segmented_control(key="address.cost").value == cost
        charts = len(app.get("plotly_chart"))
        assert charts == (2 if cost == "image" else 3), cost
        assert ("Not measured for" in everything(app)) == (cost == "image"), cost


@pytest.mark.usefixtures("home")
def test_the_times_of_one_image_say_where_and_beside_what_they_were_measured(monkeypatch):
    monkeypatch.setattr("tests.pages.compared.SKILL", {"vgg16_probe": 0.9})
    busy = made_up.deployment(other_load=0.43)
    monkeypatch.setattr(made_up, "result", partial(made_up.result, deployment=busy))
    store_compared(open_store(), add_arrows(), ("vgg16_probe",))
    query = {"experiment": EXPERIMENT, "view": "backbones", "cost": "image"}
    shown = everything(is_whole(open_cold("compare", **query)))
    assert "Measured on two test cores, one image at a time" in shown
    assert escape_markdown("so the time may be too long: VGG16 probe (43 %).") in shown


@pytest.mark.usefixtures("compared")
def test_one_backbone_alone_has_a_matrix_and_no_answer():
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="backbones"))
    shown = everything(app)
    assert "Backbone and mode" in shown
    assert "Which pre-trained model?" not in shown
    assert "Holm" not in shown


@pytest.mark.usefixtures("three_backbones")
def test_what_is_missing_is_offered_in_the_form_and_as_a_command(monkeypatch):
    small = STRATEGIES["small_probe"].backbone
    monkeypatch.setitem(BACKBONES, "large", replace(small, name="large", title="Large"))
    large = replace(STRATEGIES["small_probe"], name="large_probe", backbone=BACKBONES["large"])
    monkeypatch.setitem(STRATEGIES, "large_probe", large)
    is_here = {"large"}
    monkeypatch.setattr(
        "core.ui.compare.backbones.is_available", lambda weights: weights.backbone in is_here
    )
    monkeypatch.setitem(
        BACKBONES,
        "large",
        replace(BACKBONES["large"], weights=replace(small.weights, backbone="large")),
    )
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="backbones"))
    assert "Add other backbones" in everything(app)
    assert "Not on this machine yet: " in everything(app)
    assert "SqueezeNet" in everything(app)
    (command,) = [box.value for box in app.code]
    assert "tiny_probe,large_probe --preset quick --seeds 0,1 --image-size 64" in command


@pytest.mark.usefixtures("home")
def test_a_link_to_the_form_chooses_strategies_and_tells_those_that_are_gone():
    add_arrows()
    app = open_cold("benchmark", dataset="arrows", strategies="mlp,gone_probe")
    assert [box.value for box in app.warning] == [
        "The link names strategies that are not here (any more): \\'gone\\_probe\\'."
    ]
    assert app.checkbox(key="choose.mlp").value
    assert not app.checkbox(key="choose.cnn").value

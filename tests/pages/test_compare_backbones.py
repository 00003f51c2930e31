"""Compare, Backbones: the answer, the matrix, and how to add what was not run."""

from collections.abc import Iterator

import pytest

from core.experiments.store import open_store
from core.text import escape_markdown
from core.ui.frame import evidence_reads
from tests import stored_home
from tests.made_backbones import add_backbones
from tests.pages.compared import EXPERIMENT, SKILL, store_compared
from tests.pages.conftest import everything, is_whole, open_cold


@pytest.fixture
def three_backbones(home, monkeypatch) -> Iterator[None]:  # noqa: ARG001 - sets the home
    add_backbones(monkeypatch)
    stored_home.leave_out_bundled_datasets(home)
    names = ("majority", "vgg16_probe", "vgg16_finetune", "small_probe", "tiny_probe")
    skills = dict(zip(names, (None, 0.9, 0.92, 0.88, 0.4), strict=True))
    monkeypatch.setattr("tests.pages.compared.SKILL", SKILL | skills)
    store_compared(open_store(), stored_home.add_arrows(), names)
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
    assert escape_markdown("This view tests 3 pairs of backbones trained in the same mode") in shown
    assert app.segmented_control(key="address.cost").value == "run"


@pytest.mark.usefixtures("three_backbones")
def test_each_cost_has_its_link_and_says_what_was_not_measured():
    for cost in ("run", "image", "parameters"):
        query = {"experiment": EXPERIMENT, "view": "backbones", "cost": cost}
        app = is_whole(open_cold("compare", **query), cost)
        assert app.segmented_control(key="address.cost").value == cost
        charts = len(app.get("plotly_chart"))
        assert charts == (1 if cost == "image" else 2), cost
        assert ("Not measured for" in everything(app)) == (cost == "image"), cost


@pytest.mark.usefixtures("compared")
def test_one_backbone_alone_has_a_matrix_and_no_answer():
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="backbones"))
    shown = everything(app)
    assert "Backbone and mode" in shown
    assert "Which pre-trained model?" not in shown
    assert "This view tests" not in shown

"""The backbones of an experiment in the report and in the exported tables."""

import json

import pytest

from core.experiments.store import Store, open_store
from core.reports.report import report_html
from core.reports.tables import export_tables
from tests.made_backbones import add_backbones
from tests.pages import compared
from tests.stored_home import add_arrows, leave_out_bundled_datasets


@pytest.fixture
def three_backbones(home, monkeypatch) -> Store:
    add_backbones(monkeypatch)
    leave_out_bundled_datasets(home)
    skills = {"vgg16_probe": 0.9, "vgg16_scratch": 0.4, "small_probe": 0.88, "tiny_probe": 0.4}
    monkeypatch.setattr(compared, "SKILL", skills)
    store = open_store()
    compared.store_compared(store, add_arrows(), tuple(skills))
    return store


def test_the_report_says_which_pre_trained_model(three_backbones: Store) -> None:
    page = report_html(three_backbones, compared.EXPERIMENT).decode()
    body = page[page.index('<section id="backbones"') : page.index('<section id="time"')]
    assert "Which pre-trained model" in body
    assert "As a probe, " in body
    assert "over 3 pairs: those of two backbones trained in the same mode." in body
    assert body.count("<figure>") == 4  # matrix, whole runs, parameters, pairs: no image was timed
    assert "not run" in body


def test_the_tables_have_every_cell_and_every_pair(three_backbones: Store) -> None:
    tables = export_tables(three_backbones, compared.EXPERIMENT)
    cells = json.loads(tables["backbones"][1])
    assert [(cell["backbone"], cell["mode"]) for cell in cells] == [
        ("vgg16", "scratch"),
        ("vgg16", "probe"),
        ("small", "probe"),
        ("tiny", "probe"),
    ]
    assert {cell["whole_run_seconds"] for cell in cells} == {10.0}
    assert {cell["file_bytes"] for cell in cells} == {None}
    pairs = json.loads(tables["backbone-pairs"][1])
    assert [(pair["first"], pair["second"], pair["pairs"]) for pair in pairs] == [
        ("vgg16_probe", "small_probe", 3),
        ("vgg16_probe", "tiny_probe", 3),
        ("small_probe", "tiny_probe", 3),
    ]
    assert all(pair["words"] for pair in pairs)

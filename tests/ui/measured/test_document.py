"""The texts of How it is measured: what becomes of a block, and that no place stays empty."""

import re
from pathlib import Path

import pytest

from core.ui.measured import background, clocks, split, statistics, strategies, tutorial
from core.ui.measured.document import TEXTS, blocks, fill
from core.ui.widgets.glossary import GLOSSARY

SECTIONS = {
    "clocks": (clocks, clocks._Clocks),
    "device": (background, background._Device),
    "scenarios": (background, object),
    "split": (split, split._Split),
    "statistics": (statistics, statistics._Statistics),
    "strategies": (strategies, strategies._Strategies),
    "tutorial": (tutorial, tutorial._Tutorial),
}


def test_a_line_is_left_out_where_one_of_its_values_is_unknown():
    block = "- The first is {{first}} here.\n- {{second}} and {{first}}\n- Last{{if first}}"
    assert fill(block, {"first": "*a*"}) == "- The first is \\*a\\* here.\n- Last"
    assert fill(block, {}) is None
    assert fill("{{average}} {{number}} images", {"average": "", "number": 0}) == "0 images"


def test_wrapped_lines_are_joined_and_items_and_rows_are_not():
    found = list(blocks("split"))
    assert found[0].startswith(
        "A network can memorise its training images. What counts is how well"
    )
    assert "\n" not in found[0]
    rules = next(block for block in found if "Near duplicates stay together" in block)
    assert all(line.startswith("- ") for line in rules.split("\n"))
    table = next(block for block in blocks("clocks") if "first epoch" in block)
    assert len(table.split("\n")) == 7


def test_every_text_belongs_to_a_section():
    assert {path.stem for path in TEXTS.glob("*.md")} == set(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_figure_value_and_term_of_a_text_exists(name):
    module, section = SECTIONS[name]
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    code = Path(module.__file__).read_text(encoding="utf-8")
    for figure in re.findall(r"\{\{figure (\w+)\}\}", text):
        assert callable(getattr(section, figure)), figure
    for value in re.findall(r"\{\{(?:if )?(\w+)\}\}", text):
        assert f'"{value}"' in code, value
    for terms in re.findall(r"\{\{help ([^}]+)\}\}", text):
        assert set(terms.split(", ")) <= set(GLOSSARY)
    assert text.count("{{") == len(
        re.findall(r"\{\{(?:(?:if|figure) )?\w+\}\}|\{\{help [^}]+\}\}", text)
    )

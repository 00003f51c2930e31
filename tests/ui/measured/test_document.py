"""The texts of How it is measured: what becomes of a block, and that no place stays empty."""

import math
import re
from pathlib import Path

import pytest

from core.backbones.registry import find_backbone
from core.strategies.registry import find_strategy
from core.text import percent_text
from core.ui.measured import clocks, split, statistics, strategies, tutorial
from core.ui.measured.document import TEXTS, Text, blocks, fill
from core.ui.widgets.glossary import glossary

SECTIONS = {
    "clocks": clocks,
    "device": clocks,
    "practice": strategies,
    "scenarios": tutorial,
    "split": split,
    "statistics": statistics,
    "strategies": strategies,
    "tutorial": tutorial,
}


def test_a_line_is_left_out_where_one_of_its_values_is_unknown():
    block = "- The first is {{first}} here.\n- {{second}} and {{first}}\n- Last{{if first}}"
    assert fill(block, {"first": "*a*"}) == "- The first is \\*a\\* here.\n- Last"
    assert fill(block, {}) is None
    assert fill("Only here{{if it}}", {"it": False}) is None
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
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    code = Path(SECTIONS[name].__file__).read_text(encoding="utf-8")
    figures = re.findall(r"\{\{figure (\w+)\}\}", text)
    drawn = set(re.findall(r'text\.until\(\s*"(\w+)"', code))
    assert set(figures) <= drawn
    for value in re.findall(r"\{\{(?:if )?(\w+)\}\}", text):
        assert re.search(rf'"{value}"|\b{value}=', code), value
    for terms in re.findall(r"\{\{help ([^}]+)\}\}", text):
        assert set(terms.split(", ")) <= set(glossary())
    assert text.count("{{") == len(
        re.findall(r"\{\{(?:(?:if|figure) )?\w+\}\}|\{\{help [^}]+\}\}", text)
    )


def test_every_figure_of_the_code_is_in_a_text():
    texts = "".join(path.read_text(encoding="utf-8") for path in TEXTS.glob("*.md"))
    for module in SECTIONS.values():
        code = Path(module.__file__).read_text(encoding="utf-8")
        for figure in re.findall(r'text\.until\(\s*"(\w+)"', code):
            assert f"{{{{figure {figure}}}}}" in texts
    with pytest.raises(KeyError, match="chart"):
        Text("scenarios").until("chart")


def test_the_numbers_of_the_tutorial_text_are_those_of_its_networks():
    text = " ".join(blocks("tutorial"))
    cnn = find_strategy("cnn")
    for padding in ("same", "valid"):
        layers = cnn.layers(cnn.resolve("article", {"padding": padding}), 224, 16)
        flattened = next(layer for layer in layers if layer.kind == "Flatten")
        assert f"{flattened.output[0]} with “{padding}” padding" in text
    shape = find_backbone("vgg16").layers(224, False)[-1].output
    assert f"{shape[0]}×{shape[1]}×{shape[2]} = {math.prod(shape):,}" in text
    assert f"guessing at random gives {percent_text(1 / 16)}" in text

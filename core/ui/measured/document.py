"""The texts of How it is measured: Markdown files with places for figures and numbers.

A file in ``texts/`` consists of blocks: headings (``##``), paragraphs, quotes (``>``, shown small),
lists and tables. A block ``{{figure NAME}}`` is drawn by the method of that name of the section. In
any other block ``{{NAME}}`` stands for a value and ``{{if NAME}}`` for nothing; a line that needs
an unknown value is left out. ``{{help TERM, TERM}}`` adds what the glossary says. The text below a
heading of the third level (``###``) is folded.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.text import escape_markdown
from core.ui.widgets.glossary import explain, explain_all

TEXTS = Path(__file__).parent / "texts"
_FIGURE = re.compile(r"\{\{figure (\w+)\}\}")
_HELP = re.compile(r" *\{\{help ([^}]+)\}\}")
_VALUE = re.compile(r"\{\{(if )?(\w+)\}\} ?")
_CONTINUED = re.compile(r"\n(?![-|] ?)(?:> |  )?")

Values = Mapping[str, object]


def show_text(name: str, section: object = None, values: Values | None = None) -> None:
    """Draw the text ``name``; a figure may return values for the blocks below it."""
    known = dict(values or {})
    place: Any = st
    for block in blocks(name):
        figure = _FIGURE.fullmatch(block)
        if figure:
            known |= getattr(section, figure[1])() or {}
            continue
        text, meaning = _without_help(block)
        filled = fill(text, known)
        if filled is None:
            continue
        if filled.startswith("### "):
            title = filled.removeprefix("### ")
            formula = title == "Formula and source"
            place = st.expander(title, icon=":material/function:" if formula else None)
        elif filled.startswith("## "):
            place = st
            st.subheader(filled.removeprefix("## "), help=meaning)
        elif filled.startswith("> "):
            place.caption(filled.removeprefix("> "), help=meaning)
        elif filled.startswith("|"):
            place.table(table_of(filled))
        else:
            place.markdown(filled, help=meaning)


def blocks(name: str) -> Iterator[str]:
    """The blocks of a text, each paragraph, list item and table row on one line."""
    for block in (TEXTS / f"{name}.md").read_text(encoding="utf-8").strip().split("\n\n"):
        yield _CONTINUED.sub(" ", block)


def fill(block: str, values: Values) -> str | None:
    """``block`` with its values, shown as they are; None where nothing of it can be said."""
    lines = [
        _VALUE.sub(lambda found: _value(found, values), line)
        for line in block.split("\n")
        if all(values.get(name) is not None for _, name in _VALUE.findall(line))
    ]
    return "\n".join(lines) or None


def table_of(block: str) -> pd.DataFrame:
    """A Markdown table; its first column names the rows."""
    head, _, *rows = (
        [cell.strip() for cell in line.strip("| ").split("|")] for line in block.split("\n")
    )
    return pd.DataFrame(rows, columns=head).set_index(head[0])


def _value(found: re.Match[str], values: Values) -> str:
    if found[1]:
        return ""
    text = escape_markdown(values[found[2]])
    return text + " " if text and found[0].endswith(" ") else text


def _without_help(block: str) -> tuple[str, str | None]:
    found = _HELP.search(block)
    if not found:
        return block, None
    terms = found[1].split(", ")
    return _HELP.sub("", block), explain(terms[0]) if len(terms) == 1 else explain_all(*terms)

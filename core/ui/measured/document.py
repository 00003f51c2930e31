"""The texts of How it is measured: Markdown files with places for figures and numbers.

A file in ``texts/`` consists of blocks: headings (``##``), paragraphs, quotes (``>``, shown small),
lists and tables. A block ``{{figure NAME}}`` is where the section draws a figure. In any other
block ``{{NAME}}`` stands for a value and ``{{if NAME}}`` for nothing; a line that needs an unknown
value is left out. ``{{help TERM, TERM}}`` adds the glossary's explanation. The text below a heading
of the third level (``###``) is folded.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.text import escape_markdown
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.glossary import explain, explain_all, glossary

TEXTS = Path(__file__).parent / "texts"
_FIGURE = re.compile(r"\{\{figure (\w+)\}\}")
_HELP = re.compile(r" *\{\{help ([^}]+)\}\}")
_VALUE = re.compile(r"\{\{(if )?(\w+)\}\} ?")
_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h)\b|%)")
_CONTINUED = re.compile(r"\n(?![-|] ?)(?:> |  )?")


class Text:
    """One text, drawn piece by piece: ``until`` a figure, then the figure, then on.

    Values that are None or False are unknown.
    """

    def __init__(self, name: str, /, **values: object) -> None:
        self._blocks = blocks(name)
        self._values = values
        self._place: Any = st

    def until(self, figure: str, /, **values: object) -> None:
        """Draw what stands above ``figure``, which the caller draws; ``values`` hold from here on.

        Figures before it are left out. ``KeyError`` for a programmer's typing error.
        """
        self._values |= values
        for block in self._blocks:
            found = _FIGURE.fullmatch(block)
            if found is None:
                self._draw(block)
            elif found[1] == figure:
                return
        raise KeyError(figure)

    def rest(self, **values: object) -> None:
        """Draw what is left of the text, without its figures."""
        self._values |= values
        for block in self._blocks:
            if not _FIGURE.fullmatch(block):
                self._draw(block)

    def _draw(self, block: str) -> None:
        text, meaning = _without_help(block)
        filled = fill(text, self._values)
        if filled is None:
            return
        if filled.startswith("### "):
            title = filled.removeprefix("### ")
            formula = title == "Formula and source"
            self._place = st.expander(title, icon=":material/function:" if formula else None)
        elif filled.startswith("## "):
            self._place = st
            st.subheader(filled.removeprefix("## "), help=meaning)
        elif filled.startswith("> "):
            self._place.caption(filled.removeprefix("> "), help=meaning)
        elif filled.startswith("|"):
            self._place.table(table_of(filled))
        else:
            self._place.markdown(filled, help=meaning)


def blocks(name: str) -> Iterator[str]:
    """The blocks of a text, each paragraph, list item and table row on one line."""
    for block in (TEXTS / f"{name}.md").read_text(encoding="utf-8").strip().split("\n\n"):
        yield _CONTINUED.sub(" ", block)


def fill(block: str, values: Mapping[str, object]) -> str | None:
    """``block`` with its values, shown as they are; None where no line of it is left."""
    known = {
        name: value for name, value in values.items() if value is not None and value is not False
    }
    lines = [
        _VALUE.sub(lambda found: _value(found, known), line)
        for line in block.split("\n")
        if all(name in known for _, name in _VALUE.findall(line))
    ]
    return "\n".join(lines) or None


def table_of(block: str) -> pd.DataFrame:
    """A Markdown table; its first column names the rows."""
    head, _, *rows = (
        [cell.strip() for cell in line.strip("| ").split("|")] for line in block.split("\n")
    )
    return pd.DataFrame(rows, columns=head).set_index(head[0])


def show_pairs(pairs: Mapping[str, str], first: str, second: str) -> None:
    """A plain table of two columns, ``first`` and ``second``, whose texts wrap."""
    rows = [(escape_markdown(name), escape_markdown(text)) for name, text in pairs.items()]
    st.table(pd.DataFrame(rows, columns=[first, second]).set_index(first))


def show_glossary(_subject: Subject | None) -> None:
    show_pairs(glossary(), "word", "what it means")


def _value(found: re.Match[str], values: Mapping[str, object]) -> str:
    if found[1]:
        return ""
    # In a narrow column a number and its unit stay on one line.
    text = _UNIT.sub("\N{NO-BREAK SPACE}", escape_markdown(values[found[2]]))
    return text + " " if text and found[0].endswith(" ") else text


def _without_help(block: str) -> tuple[str, str | None]:
    found = _HELP.search(block)
    if not found:
        return block, None
    terms = found[1].split(", ")
    return _HELP.sub("", block), explain(terms[0]) if len(terms) == 1 else explain_all(*terms)

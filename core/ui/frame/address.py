"""Choices that live in the address bar, so that what is seen can be shared as a link.

The address decides: before a widget is drawn its state is set from there, and a change writes it
back. Where a link names something that is not here (any more), a warning says so, the name is taken
out of the address, and the default is shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.text import escape_markdown, shorten

FIELD_WIDTH = 420
_AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9])?")


@dataclass(frozen=True)
class Choice:
    """One choice: ``name`` in the address, ``label`` of the widget, ``kind`` for the sentence.

    ``options`` maps what stands in the address to what is shown; ``default`` is one of its keys.
    A change also takes the names in ``clears`` out of the address: they belong to the old choice.
    """

    name: str
    label: str
    kind: str
    options: Mapping[str, str]
    default: str
    help: str | None = None
    clears: tuple[str, ...] = ("page",)

    @property
    def key(self) -> str:
        return f"address.{self.name}"


def wanted(choice: Choice) -> str:
    """What the address names, else the default; a stale name gets a warning and is dropped."""
    named = st.query_params.get(choice.name)
    if named is None:
        return choice.default
    if named in choice.options:
        return named
    st.warning(
        f"The link names the {escape_markdown(choice.kind)} {escape_markdown(shorten(named))}, "
        "which is not here (any more). Shown instead: "
        f"{escape_markdown(choice.options[choice.default])}."
    )
    del st.query_params[choice.name]
    return choice.default


def in_text_colour(label: str) -> str:
    """``label``, itself Markdown, in the theme's grey for text, also where a widget takes another.

    Streamlit writes the chosen one of several buttons in the accent colour, which on a dark page
    cannot keep 4.5:1 together with the white text of primary buttons.
    """
    return f":gray[{label}]"


def choose_in_list(choice: Choice, width: int | Literal["stretch"] = FIELD_WIDTH) -> str:
    """A select box; options are shown as they are."""
    st.session_state[choice.key] = wanted(choice)
    return st.selectbox(
        choice.label,
        list(choice.options),
        format_func=lambda value: choice.options[value],
        key=choice.key,
        help=choice.help,
        on_change=_remember,
        args=(choice,),
        width=width,
    )


def choose_in_row(choice: Choice, label_visible: bool = True) -> str:
    """Buttons side by side, one of which is chosen; its options read Markdown."""
    st.session_state[choice.key] = wanted(choice)
    chosen = st.segmented_control(
        choice.label,
        list(choice.options),
        format_func=lambda value: in_text_colour(choice.options[value]),
        required=True,
        key=choice.key,
        help=choice.help if label_visible else None,
        on_change=_remember,
        args=(choice,),
        label_visibility="visible" if label_visible else "collapsed",
    )
    return chosen or choice.default


def wanted_number(name: str, limit: int) -> int | None:
    """The number from 0 to ``limit - 1`` that the address names; any other gets a warning."""
    named = st.query_params.get(name)
    if named is None:
        return None
    if named.isascii() and named.isdecimal() and len(named) < 10 and int(named) < limit:
        return int(named)
    st.warning(
        f"The link names the picture {escape_markdown(shorten(named))}, which is not in this "
        f"dataset: its pictures are numbered 0 to {limit - 1:,}."
    )
    del st.query_params[name]
    return None


def wanted_amount(name: str, most: float, default: float, kind: str) -> float:
    """What the address names, from 0 to ``most`` with one decimal; any other gets a warning."""
    named = st.query_params.get(name)
    if named is None:
        return default
    if _AMOUNT.fullmatch(named) and float(named) <= most:
        return float(named)
    st.warning(
        f"The link names the {kind} {escape_markdown(shorten(named))}, which is not a number from "
        f"0 to {most:,g} with one decimal. Shown instead: {default:g}."
    )
    del st.query_params[name]
    return default


def remember(**values: str | int | None) -> None:
    """Write choices into the address; None and an empty text take one out."""
    for name, value in values.items():
        if value in (None, ""):
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)


def _remember(choice: Choice) -> None:
    remember(**dict.fromkeys(choice.clears))
    remember(**{choice.name: st.session_state[choice.key]})

"""Parts of a page that are the same for everybody, drawn once for all visitors.

Streamlit keeps what a cached function drew, and sends it again without running it: no chart is
built and written as JSON again, no table made, no image resized.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

P = ParamSpec("P")
T = TypeVar("T")

# A chart with its table takes some tens of kilobytes, a row of images a hundred.
MOST_KEPT = 256

_is_shared: ContextVar[bool] = ContextVar("is_shared", default=False)
_noted: ContextVar[list[Any] | None] = ContextVar("noted", default=None)


def draw_once(
    key: str,
    function: Callable[Concatenate[T, P], None],
    subject: T,
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Draw ``function(subject, *args, **kwargs)``, or again what it drew with the same arguments.

    ``key`` stands for ``subject`` and changes whenever something about it does; the other
    arguments are plain values. The function is one of a module, draws no widgets (Streamlit would
    warn on the page), and depends on nothing else: neither on who looks nor on the address.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    if "<" in name or name.startswith("__main__."):
        raise TypeError(f"{name} is not named once for all, or may hold values of its own")
    named = tuple(sorted(kwargs.items()))

    def draw() -> list[Any]:
        with noting() as noted:
            function(subject, *args, **kwargs)
        return noted

    for shown in _drawn(digest_of(key, name, args, named), draw):
        note_shown(shown)


@contextmanager
def noting() -> Iterator[list[Any]]:
    """What is noted inside the block as shown, also by parts that are drawn again from memory."""
    noted: list[Any] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def note_shown(shown: object) -> None:
    """Remember what a page shows for whoever asked with ``noting``."""
    noted = _noted.get()
    if noted is not None:
        noted.append(shown)


def digest_of(*parts: object) -> str:
    """The same for the same texts, numbers, truth values, None, and tuples of these.

    Raises ``TypeError`` for anything else: an array, for one, is written like others that begin
    and end with the same numbers.
    """
    _check_plain(parts)
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def refuse_in_shared(what: str) -> None:
    """Raise ``RuntimeError`` inside what is drawn once for all visitors."""
    if _is_shared.get():
        raise RuntimeError(f"{what} is not the same for all visitors")


@st.cache_resource(max_entries=MOST_KEPT, ttl=3600, show_spinner=False)
def _drawn(digest: str, _draw: Callable[[], list[Any]]) -> list[Any]:
    """What was noted as shown."""
    token = _is_shared.set(True)
    try:
        return _draw()
    finally:
        _is_shared.reset(token)


def _check_plain(value: object) -> None:
    """An array, for one, looks like another with the same first and last numbers."""
    if isinstance(value, tuple):
        for part in value:
            _check_plain(part)
    elif value is not None and not isinstance(value, str | int | float):
        raise TypeError(f"{value!r} cannot be part of a key")

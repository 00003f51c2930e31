"""Numbers, times, sizes, lists and names as people read them, and text made safe for its reader."""

import re
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import Any

UNKNOWN = "—"
"""Shown where a number is not known."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins with one of these."""
LONGEST_QUOTED_NAME = 60
MOST_QUOTED_NAMES = 5

_STREAMLIT_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=@/'\"])")
_GITHUB_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#!|~$&@])")
_INSIDE_ADDRESS = re.compile(r"(?i)(?<=[a-z])(?=://)|(?<=www)(?=\.)|(?<=@)(?=\S)")
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
_RIGHT_TO_LEFT_WORDS = re.compile(
    f"{_RIGHT_TO_LEFT}(?:(?:{_RIGHT_TO_LEFT}|[ \u200c\u200d]"
    f"|(?<={_RIGHT_TO_LEFT})[-_](?={_RIGHT_TO_LEFT}))*{_RIGHT_TO_LEFT})?"
)
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
_LINE_START = re.compile(r"^(\d*)([-+=.)])(?=\s|$|[-=])")


def count_text(count: int, one: str, many: str | None = None) -> str:
    """``1 image``, ``1,347 images``, ``3 classes``; ``many`` where no rule gives the plural."""
    return f"{count:,} {one if count == 1 else many or plural_of(one)}"


def plural_of(noun: str) -> str:
    """``images``, ``classes``, ``strategies``, ``days``."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def large_count_text(count: int) -> str:
    """``640,000``, ``7.1 million``, ``407 million``, ``15.5 billion``."""
    if count < 1_000_000:
        return f"{count:,}"
    amount, word = (count / 1e6, "million") if count < 999.5e6 else (count / 1e9, "billion")
    return f"{amount:,.{1 if amount < 99.95 else 0}f} {word}"


def number_text(count: float) -> str:
    """Whole counts whole, means over seeds with one digit."""
    rounded = round(float(count), 6)  # thirds that add up to a whole number count as whole
    return f"{rounded:,.0f}" if rounded.is_integer() else f"{rounded:,.1f}"


def percent_text(fraction: float | None, digits: int = 1) -> str:
    """A fraction 0 to 1 as ``66.3 %``."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.{digits}f} %"


def exact_percent_text(fraction: float) -> str:
    """A fraction 0 to 1 that a person chose, without needless digits: ``10 %``, ``12.5 %``."""
    return f"{100 * fraction:g} %"


def rough_percent_text(fraction: float) -> str:
    """A fraction 0 to 1 as ``62 %``; never 0 % or 100 % for nearly none or nearly all."""
    whole = round(100 * fraction)
    if whole == 0 and fraction > 0:
        return "under 1 %"
    if whole == 100 and fraction < 1:
        return "over 99 %"
    return f"{whole} %"


def seconds_text(seconds: float | None, is_disturbed: bool = False) -> str:
    """A duration as people say it: ``40 ms``, ``0.40 s``, ``12.3 s``, ``4 min 05 s``.

    One that other work on the machine spoilt says so: ``12.3 s (disturbed)``.
    """
    if seconds is None:
        return UNKNOWN
    if is_disturbed:
        return f"{seconds_text(seconds)} (disturbed)"
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms" if seconds >= 0.0005 else "under 1 ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def milliseconds_text(seconds: float | None) -> str:
    """A short time with two digits where it has no more: ``0.85 ms``, ``1.4 ms``, ``95 ms``."""
    if seconds is None:
        return UNKNOWN
    milliseconds = 1000 * seconds
    for digits, limit in ((2, 0.995), (1, 9.95)):
        if milliseconds < limit:
            return f"{milliseconds:.{digits}f} ms"
    return f"{milliseconds:,.0f} ms"


def rough_seconds_text(seconds: float) -> str:
    """An estimate without digits that it cannot keep: ``40 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def size_text(size_bytes: float) -> str:
    """``0.3 MB``, ``59 MB``, ``2.4 GB``, ``200 GB``, in powers of ten; never 0 MB for something."""
    megabytes = size_bytes / 1e6
    if megabytes >= 999.5:
        gigabytes = round(megabytes / 1000, 1)
        return f"{gigabytes:,.{0 if gigabytes.is_integer() else 1}f} GB"
    if megabytes >= 9.95:
        return f"{megabytes:.0f} MB"
    return f"{max(0.1, megabytes):.1f} MB" if size_bytes else "0 MB"


def dimensions_text(sizes: Sequence[int]) -> str:
    """``500 × 375``: width, then height, of an image; or all sizes of an array."""
    return " × ".join(f"{size:,}" for size in sizes)


def list_text(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``, for a sentence; "" for none."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def some_text(words: Sequence[str], most: int) -> str:
    """``a, b, c``, for brackets or behind a colon; of more than ``most`` ``a, b and 7 more``."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more:,} more" if more > 0 else "")


def quoted_list_text(names: Sequence[str]) -> str:
    """``'cats', 'dogs' and 7 more``: quoted, to tell any name from the sentence around it."""
    quoted = [repr(shorten(name)) for name in names]
    if len(quoted) <= MOST_QUOTED_NAMES:
        return list_text(quoted)
    return some_text(quoted, MOST_QUOTED_NAMES)


def shorten(text: str, most: int = LONGEST_QUOTED_NAME) -> str:
    """At most ``most`` characters; where the end is cut off, the last of them is ``…``."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shorten_start(text: str, most: int) -> str:
    """Like ``shorten``, but the start is cut off: file names differ at their ends."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


def fold_accents(text: str) -> str:
    """``Café`` as ``Cafe``: letters without their marks, ligatures and wide forms taken apart."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def printable_text(text: object) -> str:
    """For the terminal: a line break or an escape code in a name becomes ``?``."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def escape_markdown(text: object) -> str:
    """``text`` as Streamlit's Markdown shows it literally: no emphasis, links, HTML, math, icons.

    Line breaks and tabs become spaces, because they would end a heading or a table cell.
    """
    return _STREAMLIT_MARKDOWN.sub(r"\\\1", isolated(_unlinked(text)))


def isolated(text: str) -> str:
    """``text`` with Arabic and Hebrew words kept to themselves, by marks that nobody sees.

    Without them a browser draws the number and the sign behind such a word before it: a class with
    its count, ``NAME (12)``, would become ``12) NAME)``.
    """
    if text.isascii():
        return text
    return _RIGHT_TO_LEFT_WORDS.sub(rf"{_ISOLATE}\g<0>{_END_OF_ISOLATE}", text)


def code_markdown(text: str) -> str:
    """``text`` as code in Markdown, whatever backticks it holds."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if len(fence) > 1 else f"{fence}{text}{fence}"


def escape_markdown_file(text: object) -> str:
    """``text`` for a Markdown file: shown literally on GitHub, and readable as plain text too."""
    escaped = _GITHUB_MARKDOWN.sub(r"\\\1", _unlinked(text))
    # At the start of a line these make a list, a rule, or a heading of the line before.
    return _LINE_START.sub(r"\1\\\2", escaped)


def _unlinked(text: object) -> str:
    """On one line, with an invisible word joiner inside whatever looks like an address.

    Markdown makes links of bare addresses after it has read the backslashes, so none helps there.
    """
    return _INSIDE_ADDRESS.sub("\N{WORD JOINER}", " ".join(str(text).split()))


def escape_plotly(text: str) -> str:
    """``text`` for a Plotly figure, whose labels read a subset of HTML: shown literally."""
    return escape(text, quote=False)


def csv_cell(value: Any) -> str:
    """One value as a cell: text is defused against formulas, numbers are left alone."""
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return " ".join(str(part) for part in value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return str(value)

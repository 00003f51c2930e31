"""Names that came from users, shown literally in Streamlit's Markdown."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=@/'\"])")


def literal(text: object) -> str:
    """``text`` so that Markdown shows it as it is: no emphasis, links, HTML, math or icons.

    Line breaks and tabs become spaces, because they would end a heading or a table cell.
    """
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def in_text_colour(label: str) -> str:
    """``label``, itself Markdown, in the theme's grey for text, also where a widget takes another.

    Streamlit writes the chosen one of several buttons in the accent colour, which on a dark page
    cannot keep 4.5:1 together with the white text of primary buttons.
    """
    return f":gray[{label}]"


def plural(count: int, noun: str) -> str:
    """``1 image``, ``2 images``, ``3 classes``, ``9 strategies``."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"

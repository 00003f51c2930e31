"""The marker and the colour of a strategy beside its name, and bars in its colour.

Drawn as small SVG pictures, because Markdown has no colours of our own.
"""

import math
from typing import Literal

import streamlit as st

from core.charts.style import OUTLINE, appearance_of, solid_marker
from core.text import escape_markdown

MARK_WIDTH = 16
GAP = 10  # a little more than Streamlit's "xsmall"
# Half grey: the empty part of a bar, visible on white and on the dark page.
TRACK = "#80889059"
_RADIUS = 10.0


def mark_svg(strategy: str) -> str:
    """The marker of a strategy as on every chart, in its colour, as an SVG picture."""
    look = appearance_of(strategy)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 24 24">'
        f'<path d="{_outline(solid_marker(look.marker))}" fill="{look.colour}" '
        f'stroke="{OUTLINE["color"]}" stroke-linejoin="round"/></svg>'
    )


def bar_svg(strategy: str, fraction: float) -> str:
    """A bar of ``fraction`` (0 to 1) of its width in the strategy's colour, as an SVG picture."""
    width = 240 * min(1.0, max(0.0, fraction))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 10">'
        f'<rect width="240" height="10" rx="2" fill="{TRACK}"/>'
        f'<rect width="{width:.1f}" height="10" rx="2" fill="{appearance_of(strategy).colour}"/>'
        "</svg>"
    )


def show_strategy_name(
    strategy: str, title: str, more: str = "", width: int | Literal["stretch"] = "stretch"
) -> None:
    """Mark and title side by side; ``more`` is Markdown behind the title.

    ``width`` in pixels is that of both: where it is given, a long title breaks beside its mark.
    """
    text_width = width if width == "stretch" else width - MARK_WIDTH - GAP
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width=width):
        # The title stands beside it: to those who do not see it the mark says nothing more.
        st.image(mark_svg(strategy), width=MARK_WIDTH, alt="")
        st.markdown(f"**{escape_markdown(title)}**{more}", width=text_width)


def _outline(marker: str) -> str:
    """Path of a Plotly marker around 0, 0; a circle for one that is not known here."""
    if marker in _POLYGONS:
        return _path(_POLYGONS[marker])
    return f"M-{_RADIUS} 0a{_RADIUS} {_RADIUS} 0 1 0 20 0a{_RADIUS} {_RADIUS} 0 1 0 -20 0Z"


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + "Z"


def _regular(corners: int, turn: float = 0.0) -> list[tuple[float, float]]:
    """Corners of a regular polygon; the first is on top, turned by ``turn`` degrees."""
    angles = [math.radians(turn + 360 * corner / corners - 90) for corner in range(corners)]
    return [(_RADIUS * math.cos(angle), _RADIUS * math.sin(angle)) for angle in angles]


def _star() -> list[tuple[float, float]]:
    outer, inner = _regular(5), _regular(5, 36)
    return [
        point
        for tip, notch in zip(outer, inner, strict=True)
        for point in (tip, (0.42 * notch[0], 0.42 * notch[1]))
    ]


def _cross(turn: float) -> list[tuple[float, float]]:
    """A cross with thick arms, turned by ``turn`` degrees."""
    arm, thick = _RADIUS, 3.4
    corners = [
        (-thick, -arm), (thick, -arm), (thick, -thick), (arm, -thick), (arm, thick),
        (thick, thick), (thick, arm), (-thick, arm), (-thick, thick), (-arm, thick),
        (-arm, -thick), (-thick, -thick),
    ]  # fmt: skip
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return [(cosine * x - sine * y, sine * x + cosine * y) for x, y in corners]


_POLYGONS = {
    "square": _regular(4, 45),
    "diamond": _regular(4),
    "diamond-tall": [(0.0, -_RADIUS), (5.0, 0.0), (0.0, _RADIUS), (-5.0, 0.0)],
    "triangle-up": _regular(3),
    "triangle-down": _regular(3, 180),
    "pentagon": _regular(5),
    "hexagon": _regular(6, 30),
    "star": _star(),
    "x": _cross(45),
    "cross": _cross(0),
    "bowtie": [(-_RADIUS, -7.0), (_RADIUS, 7.0), (_RADIUS, -7.0), (-_RADIUS, 7.0)],
}

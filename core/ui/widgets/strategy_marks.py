"""The marker and the colour of a strategy beside its name, and bars in its colour.

Drawn as small SVG images, because Markdown has no colours of our own.
"""

import streamlit as st

from core.charts.style import OUTLINE, appearance_of, solid_marker
from core.text import escape_markdown

MARK_WIDTH = 16
GAP = 10  # a little more than Streamlit's "xsmall"
# Half grey: the empty part of a bar, visible on white and on the dark page.
TRACK = "#80889059"
# Plotly's markers as SVG paths around 0, 0, about 10 from there to the outside.
_PATHS = {
    "square": "M-7-7H7V7H-7Z",
    "diamond": "M0-10L10 0L0 10L-10 0Z",
    "diamond-tall": "M0-10L5 0L0 10L-5 0Z",
    "triangle-up": "M0-10L8.66 5H-8.66Z",
    "triangle-down": "M0 10L8.66-5H-8.66Z",
    "pentagon": "M0-10L9.51-3.09L5.88 8.09H-5.88L-9.51-3.09Z",
    "hexagon": "M5-8.66L10 0L5 8.66H-5L-10 0L-5-8.66Z",
    "star": "M0-10L2.47-3.4L9.51-3.09L3.99 1.3L5.88 8.09L0 4.2L-5.88 8.09L-3.99 1.3L-9.51-3.09"
    "L-2.47-3.4Z",
    "cross": "M-3.4-10H3.4V-3.4H10V3.4H3.4V10H-3.4V3.4H-10V-3.4H-3.4Z",
    "x": "M4.67-9.48L9.48-4.67L4.81 0L9.48 4.67L4.67 9.48L0 4.81L-4.67 9.48L-9.48 4.67L-4.81 0"
    "L-9.48-4.67L-4.67-9.48L0-4.81Z",
    "bowtie": "M-10-7L10 7V-7L-10 7Z",
}
_CIRCLE = "M-10 0a10 10 0 1 0 20 0a10 10 0 1 0 -20 0Z"


def mark_svg(strategy: str) -> str:
    """The marker of a strategy as on every chart, in its colour, as an SVG image."""
    look = appearance_of(strategy)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 24 24">'
        f'<path d="{_PATHS.get(solid_marker(look.marker), _CIRCLE)}" fill="{look.colour}" '
        f'stroke="{OUTLINE["color"]}" stroke-linejoin="round"/></svg>'
    )


def bar_svg(strategy: str, fraction: float) -> str:
    """A bar of ``fraction`` (0 to 1) of its width in the strategy's colour, as an SVG image."""
    width = 240 * min(1.0, max(0.0, fraction))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 10">'
        f'<rect width="240" height="10" rx="2" fill="{TRACK}"/>'
        f'<rect width="{width:.1f}" height="10" rx="2" fill="{appearance_of(strategy).colour}"/>'
        "</svg>"
    )


def show_strategy_name(strategy: str, title: str, width: int, more: str = "") -> None:
    """Mark and title side by side; ``more`` is Markdown behind the title.

    ``width`` in pixels is that of both: a long title breaks beside its mark.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width=width):
        # The title stands beside it: to those who do not see it the mark says nothing more.
        st.image(mark_svg(strategy), width=MARK_WIDTH, alt="")
        st.markdown(f"**{escape_markdown(title)}**{more}", width=width - MARK_WIDTH - GAP)

"""Charts and tables of a page for slides: each chart as PNG or SVG in light colours, each table as
Markdown.

A page notes what it shows (``show_exhibit`` and ``show_table`` do); the window is drawn only for
whoever opens it. The image is made by the browser: the server has no program that draws.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import plotly.io
import streamlit as st

from core.charts.exhibit import Exhibit
from core.charts.style import on_paper
from core.reports.texts import markdown_table
from core.text import count_text, shorten
from core.ui.frame.address import in_text_colour

FORMATS = {"png": "PNG", "svg": "SVG"}
USUAL_FORMAT = "png"
# Pixels of a chart, which a PNG has twice: as wide as a slide of 1920.
WIDTH, USUAL_HEIGHT, PNG_SCALE = 960, 450, 2
# Pixels: readable where the chart fills a slide.
LETTERS = 14
MOST_ROWS = 500
# Seen well on white, and in no image.
CAMERA = {"color": "#1A2530", "activecolor": "#00677F"}
_FIRST_CLAUSE = re.compile(r"[.;:](\s|$)")
# Twelve digits of one are enough to find a dataset.
_FINGERPRINT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b")
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, eq=False)
class Slide:
    """A chart with its table, or a table alone; ``words`` say what it shows, ``key`` names it."""

    words: str
    key: str
    frame: pd.DataFrame
    # As compressed JSON: what is drawn once for all visitors is kept in memory.
    packed: bytes | None = None

    @classmethod
    def of(cls, exhibit: Exhibit, key: str) -> "Slide":
        drawn = exhibit.figure.to_json().encode()
        return cls(exhibit.words, key, exhibit.frame, zlib.compress(drawn, level=1))

    @property
    def figure(self) -> go.Figure | None:
        """None for a table alone."""
        return None if self.packed is None else plotly.io.from_json(zlib.decompress(self.packed))

    @property
    def title(self) -> str:
        kind = "Table" if self.packed is None else "Chart"
        return f"{kind}: {shorten(_FIRST_CLAUSE.split(self.words, maxsplit=1)[0])}"

    @property
    def file_name(self) -> str:
        """Without its suffix, which the browser adds."""
        short = _FINGERPRINT.sub(r"\1", self.key)
        return "headstart-" + _NOT_IN_A_FILE_NAME.sub("-", short).strip("-").lower()


def offer_slides(shown: Sequence[Slide]) -> None:
    """A button that opens the window with all that the page shows."""
    if st.button(
        "For slides",
        key="frame.slides",
        type="tertiary",
        icon=":material/slideshow:",
        help="Each chart of this page as PNG or SVG in light colours, each table as Markdown.",
    ):
        _show_window(tuple(shown))


@st.dialog("For slides", width="large")
def _show_window(shown: tuple[Slide, ...]) -> None:
    place = st.selectbox(
        "Chart or table",
        range(len(shown)),
        format_func=lambda number: f"{number + 1}. {shown[number].title}",
    )
    slide = shown[place]
    figure = slide.figure
    if figure is not None:
        _show_chart(slide, figure)
    _show_markdown(slide.frame)


def _show_chart(slide: Slide, figure: go.Figure) -> None:
    name = st.segmented_control(
        "Save as",
        list(FORMATS),
        format_func=lambda name: in_text_colour(FORMATS[name]),
        default=USUAL_FORMAT,
        required=True,
    )
    st.caption(f"The camera above the chart saves {slide.file_name}.{name}.")
    image = {
        "format": name,
        "filename": slide.file_name,
        "width": WIDTH,
        "height": int(figure.layout.height or USUAL_HEIGHT),
        "scale": PNG_SCALE if name == "png" else 1,
    }
    st.plotly_chart(
        on_paper(figure, LETTERS).update_layout(modebar=CAMERA),
        key=f"slides.{slide.key}.{name}",
        theme=None,
        alt=slide.words,
        config={
            "displayModeBar": True,
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": image,
        },
    )


def _show_markdown(frame: pd.DataFrame) -> None:
    st.markdown("**The table as Markdown**")
    if len(frame) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS} of {count_text(len(frame), 'line')}.")
    st.code(markdown_table(frame.head(MOST_ROWS)), language=None, wrap_lines=True)

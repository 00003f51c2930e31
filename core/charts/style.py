"""The colour and marker of each strategy, the same on every chart and in both themes.

Found by ``benchmarks/palette.py``: every colour keeps 3:1 against the light and the dark page
(WCAG 1.4.11), and the closest pair is as far apart as could be had for usual vision, protanopia,
deuteranopia and tritanopia together; a test holds the numbers. Marker and dash repeat the
distinction (WCAG 1.4.1).
"""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Appearance:
    """How one strategy looks; ``marker`` and ``dash`` are Plotly names."""

    colour: str
    marker: str
    dash: str = "solid"


MAJORITY_COLOUR = "#8C8C8C"

KNOWN_LOOKS = {
    "majority": Appearance(MAJORITY_COLOUR, "line-ns", "dot"),
    "mlp": Appearance("#D26E14", "square"),
    "cnn": Appearance("#5A82FA", "triangle-up"),
    "vgg16_scratch": Appearance("#C81432", "x", "dash"),
    "vgg16_probe": Appearance("#007864", "circle"),
    "vgg16_features": Appearance("#643CFA", "diamond"),
    "vgg16_softmax": Appearance("#B4288C", "pentagon", "dashdot"),
    "vgg16_freeze": Appearance("#64A064", "star", "longdash"),
    "vgg16_finetune": Appearance("#B482B4", "hexagon", "longdashdot"),
}
# For a strategy that is not among them: a colour again, with a marker and a dash of its own.
_SPARE = (Appearance("#C81432", "cross", "dot"), Appearance("#643CFA", "bowtie", "dot"))


def appearance_of(strategy: str) -> Appearance:
    """The look of a strategy; one that is new here gets a spare look, stable for its name."""
    return KNOWN_LOOKS.get(strategy) or _SPARE[sum(strategy.encode()) % len(_SPARE)]


def plain(text: str) -> str:
    """Text for a Plotly figure, whose labels read a subset of HTML: shown literally."""
    return escape(text, quote=False)


def seconds_text(seconds: float | None) -> str:
    """A duration as people say it: ``40 ms``, ``0.40 s``, ``12.3 s``, ``4 min 05 s``."""
    if seconds is None:
        return "—"
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


def rough_seconds_text(seconds: float) -> str:
    """An estimate without digits that it cannot keep: ``40 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def percent_text(fraction: float | None) -> str:
    """A fraction 0 to 1 as ``66.3 %``."""
    return "—" if fraction is None else f"{100 * fraction:.1f} %"

"""The colour and marker of each strategy, the same on every chart.

Seven colours of Okabe and Ito, chosen to be told apart with any colour vision. Its yellow is too
pale for lines on white and its black vanishes on a dark page, so grey, a brown and a violet with
at least 3.9:1 against both backgrounds take their places. Marker and dash repeat the distinction
(WCAG 1.4.1).
"""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Appearance:
    """How one strategy looks; ``marker`` and ``dash`` are Plotly names."""

    colour: str
    marker: str
    dash: str = "solid"


MAJORITY_COLOUR = "#7F7F7F"

_KNOWN = {
    "majority": Appearance(MAJORITY_COLOUR, "line-ns", "dot"),
    "mlp": Appearance("#E69F00", "square"),
    "cnn": Appearance("#56B4E9", "triangle-up"),
    "vgg16_scratch": Appearance("#D55E00", "x", "dash"),
    "vgg16_probe": Appearance("#009E73", "circle"),
    "vgg16_features": Appearance("#0072B2", "diamond"),
    "vgg16_softmax": Appearance("#CC79A7", "pentagon", "dashdot"),
    "vgg16_freeze": Appearance("#A6761D", "star", "longdash"),
    "vgg16_finetune": Appearance("#8F6FD1", "hexagon", "longdashdot"),
}
_SPARE = (Appearance("#D55E00", "cross", "dot"), Appearance("#0072B2", "bowtie", "dot"))


def appearance_of(strategy: str) -> Appearance:
    """The look of a strategy; one that is new here gets a spare look, stable for its name."""
    return _KNOWN.get(strategy) or _SPARE[sum(strategy.encode()) % len(_SPARE)]


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

"""The story of one experiment: a few scenes, each one sentence and one picture.

``scene_keys`` is cheap; a scene is computed when it is shown. Scenes whose strategies have no
result are left out. Every number comes from the experiment.
"""

from dataclasses import dataclass

from core.analysis.comparison import Comparison
from core.analysis.story_cast import FILTERS, PIXELS, Bar, Told, bar_of
from core.analysis.words.story import (
    commonest_sentence,
    commonest_small_print,
    elsewhere_sentence,
    elsewhere_small_print,
    pictures_sentence,
    pictures_small_print,
    rung_sentence,
    rung_small_print,
    time_sentence,
    time_small_print,
    timed_rows,
)

PICTURES, COMMONEST, HEAD_START = "pictures", "commonest", "head_start"
TIME, ELSEWHERE = "time", "elsewhere"
# In the order in which they are told; the words stand above the sentence.
TITLES = {
    PICTURES: "The pictures",
    COMMONEST: "The line to beat",
    PIXELS: "Raw pixels",
    FILTERS: "Its own filters",
    HEAD_START: "A head start",
    TIME: "What it costs",
    ELSEWHERE: "Other pictures",
}


@dataclass(frozen=True)
class Montage:
    """Real pictures of every class; whoever shows it has the dataset."""

    dataset_id: str


@dataclass(frozen=True)
class Squares:
    """A hundred squares, of which ``share`` (0 to 1) is marked; ``label`` says what they are."""

    share: float
    label: str


@dataclass(frozen=True)
class Bars:
    """Bars from the top of a chart with room for ``places``, so that later ones find theirs.

    ``dataset`` says of which pictures.
    """

    dataset: str
    bars: tuple[Bar, ...]
    places: int


@dataclass(frozen=True)
class Times:
    """Accuracy against the time of a whole run, of all strategies of ``comparison``."""

    comparison: Comparison


Picture = Montage | Squares | Bars | Times


@dataclass(frozen=True)
class Scene:
    """``key`` and ``title`` say which it is; ``small_print`` holds n, seeds, interval and test."""

    key: str
    title: str
    sentence: str
    small_print: str
    picture: Picture


def scene_keys(told: Told, other: Told | None) -> tuple[str, ...]:
    """The scenes that this experiment has results for, in their order.

    ``other`` is the experiment of the last scene: see ``story_cast.other_experiment``.
    """
    there = {
        PICTURES: True,
        COMMONEST: told.has_baseline,
        PIXELS: PIXELS in told.rows,
        FILTERS: FILTERS in told.rows,
        HEAD_START: told.best_pretrained is not None,
        TIME: len(timed_rows(told)) > 1,
        ELSEWHERE: other is not None
        and other.rival is not None
        and other.best_pretrained is not None,
    }
    return tuple(key for key in TITLES if there[key])


def scene_of(key: str, told: Told, other: Told | None) -> Scene:
    """One of ``scene_keys``; ``KeyError`` for any other, a programmer's error."""
    sentence, small_print, picture = _MAKERS[key](told, other)
    return Scene(key, TITLES[key], sentence, small_print, picture)


Made = tuple[str, str, Picture]


def _pictures(told: Told, other: Told | None) -> Made:
    del other
    montage = Montage(told.comparison.dataset_id)
    return pictures_sentence(told), pictures_small_print(told), montage


def _commonest(told: Told, other: Told | None) -> Made:
    del other
    (bar,) = told.baseline_bars
    return commonest_sentence(told), commonest_small_print(told), Squares(bar.accuracy, bar.label)


def _pixels(told: Told, other: Told | None) -> Made:
    del other
    return _rung(told, PIXELS)


def _filters(told: Told, other: Told | None) -> Made:
    del other
    return _rung(told, FILTERS)


def _head_start(told: Told, other: Told | None) -> Made:
    del other
    if told.lead is None:
        raise KeyError(HEAD_START)
    return _rung(told, told.lead.strategy)


def _rung(told: Told, strategy: str) -> Made:
    bars = told.bars
    last = [bar.strategy for bar in bars].index(strategy) + 1
    picture = Bars(told.name, bars[:last], len(bars))
    return rung_sentence(told, strategy), rung_small_print(told, strategy), picture


def _time(told: Told, other: Told | None) -> Made:
    del other
    return time_sentence(told), time_small_print(told), Times(told.comparison)


def _elsewhere(told: Told, other: Told | None) -> Made:
    if other is None or other.lead is None or other.rival is None:
        raise KeyError(ELSEWHERE)
    bars = (*other.baseline_bars, bar_of(other.rival), bar_of(other.lead))
    places = max(len(bars), len(told.bars))
    picture = Bars(other.name, bars, places)
    return elsewhere_sentence(told, other), elsewhere_small_print(other), picture


_MAKERS = {
    PICTURES: _pictures,
    COMMONEST: _commonest,
    PIXELS: _pixels,
    FILTERS: _filters,
    HEAD_START: _head_start,
    TIME: _time,
    ELSEWHERE: _elsewhere,
}

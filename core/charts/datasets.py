"""Charts over many experiments: where pre-training pays, and how the results of a dataset grew."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from core.analysis.datasets import DatasetGain, DatasetResult, Winners
from core.analysis.verdicts import Outcome
from core.analysis.words.datasets import HELPED, NO_GAINS, NO_RESULTS
from core.analysis.words.verdicts import TIED, points_text, signed_points
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    FLAT_MARGIN,
    LEGEND_ABOVE,
    MAJORITY_COLOUR,
    PALETTE,
    UPRIGHT,
    count_axis,
    empty_chart,
    whiskers,
)
from core.text import count_text, escape_plotly, percent_text, shorten

HEIGHT, LEGEND_LINE = 420, 19
# With more points their names would cover each other.
MOST_NAMED, NAME_LETTERS = 12, 18
_SCRATCH_COLOUR, _AHEAD_COLOUR = PALETTE[2], PALETTE[3]
# Name in the legend, colour, marker: what the test finds is never said by the colour alone.
_LOOKS = {
    Outcome.AHEAD: ("pre-training helps", _AHEAD_COLOUR, "triangle-up"),
    Outcome.BEHIND: ("from scratch is ahead", _SCRATCH_COLOUR, "triangle-down"),
    Outcome.TIED: (f"the two {TIED}", MAJORITY_COLOUR, "circle-open"),
}
_VERSION_MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
_ROOM = 4.0


def gains_chart(gains: Sequence[DatasetGain]) -> Exhibit:
    """How many points pre-training gained on each dataset, against its training images.

    Whiskers are 95 % intervals; the marker says what the test finds. The dotted line is no gain.
    """
    ends = [100 * end for one in gains for end in (one.gain.low, one.gain.high)]
    figure = empty_chart(
        HEIGHT + LEGEND_LINE * len(_LOOKS),
        count_axis("training images (log scale)", [max(1, one.training_images) for one in gains]),
        {
            "title": "points ahead",
            "range": [min([0.0, *ends]) - _ROOM, max([0.0, *ends]) + 2 * _ROOM],
        },
        margin=FLAT_MARGIN | {"t": FLAT_MARGIN["t"] + LEGEND_LINE * len(_LOOKS)},
        legend=LEGEND_ABOVE | UPRIGHT,
    )
    figure.add_hline(y=0, line=DOTTED)
    for outcome, (name, colour, marker) in _LOOKS.items():
        of = [one for one in gains if one.gain.outcome is outcome]
        if not of:
            continue
        points = [100 * one.gain.difference for one in of]
        lows = [100 * one.gain.low for one in of]
        highs = [100 * one.gain.high for one in of]
        figure.add_scatter(
            name=name,
            x=[max(1, one.training_images) for one in of],
            y=points,
            mode="markers+text" if len(gains) <= MOST_NAMED else "markers",
            text=[escape_plotly(shorten(one.dataset, NAME_LETTERS)) for one in of],
            textposition="top right",
            cliponaxis=False,
            marker={
                "symbol": marker,
                "size": 13,
                "color": colour,
                "line": {"width": 2, "color": colour},
            },
            error_y=whiskers(points, lows, highs) | {"color": colour},
            customdata=[escape_plotly(_gain_words(one)) for one in of],
            hovertemplate="%{customdata}<extra></extra>",
        )
    words = f"Gain of pre-training on each dataset. {'; '.join(map(_gain_words, gains))}."
    return Exhibit(figure, words if gains else NO_GAINS, gains_frame(gains))


def gains_frame(gains: Sequence[DatasetGain]) -> pd.DataFrame:
    """One line a dataset, the one with the fewest training images first."""
    return pd.DataFrame(
        {
            "dataset": one.dataset,
            "training images": one.training_images,
            "gain (points)": 100 * one.gain.difference,
            "low (points)": 100 * one.gain.low,
            "high (points)": 100 * one.gain.high,
            "pre-training helps": HELPED[one.gain.outcome],
            "pre-trained": one.gain.pretrained,
            "from scratch": one.gain.scratch,
            "classes": one.classes,
            "test images": one.test_images,
            "image size (px)": one.image_size,
            "seeds": one.seeds,
            "experiment": one.experiment,
            "of experiments": one.experiments,
        }
        for one in gains
    )


def results_chart(results: Sequence[DatasetResult]) -> Exhibit:
    """The best test accuracy of each experiment over time, and the best so far as a line.

    A colour and a marker for each version of the dataset; whiskers are 95 % Wilson intervals.
    """
    names = dict.fromkeys(one.dataset_id for one in results)
    figure = empty_chart(
        HEIGHT + LEGEND_LINE * len(names),
        {"title": "date of the experiment", "type": "date", "range": _days_around(results)},
        {"title": "test accuracy of the best (%)"},
        margin=FLAT_MARGIN | {"t": FLAT_MARGIN["t"] + LEGEND_LINE * len(names)},
        legend=LEGEND_ABOVE | UPRIGHT,
    )
    for number, dataset_id in enumerate(names):
        own = [one for one in results if one.dataset_id == dataset_id]
        colour = PALETTE[number % len(PALETTE)]
        bests = [one for one in own if one.is_best_so_far]
        # From each best result to the next, and on to the last experiment.
        dates = [_date(one) for one in [*bests, own[-1]]]
        figure.add_scatter(
            x=dates,
            y=[100 * one.accuracy for one in bests] + [100 * bests[-1].accuracy],
            mode="lines",
            line={"shape": "hv", "color": colour, "width": 2},
            showlegend=False,
            hoverinfo="skip",
        )
        accuracies = [100 * one.accuracy for one in own]
        lows, highs = [100 * one.low for one in own], [100 * one.high for one in own]
        marker = _VERSION_MARKERS[number % len(_VERSION_MARKERS)]
        figure.add_scatter(
            name=escape_plotly(own[-1].dataset),
            x=[_date(one) for one in own],
            y=accuracies,
            mode="markers",
            cliponaxis=False,
            marker={
                "symbol": [marker if one.is_best_so_far else f"{marker}-open" for one in own],
                "size": 11,
                "color": colour,
                "line": {"width": 2, "color": colour},
            },
            error_y=whiskers(accuracies, lows, highs) | {"color": colour},
            customdata=[escape_plotly(_result_words(one)) for one in own],
            hovertemplate="%{customdata}<extra></extra>",
        )
    words = f"Best test accuracy of each experiment. {'; '.join(map(_result_words, results))}."
    return Exhibit(figure, words if results else NO_RESULTS, results_frame(results))


def results_frame(results: Sequence[DatasetResult]) -> pd.DataFrame:
    """One line an experiment, the oldest first."""
    return pd.DataFrame(
        {
            "date": one.created_at[:16].replace("T", " "),
            "dataset": one.dataset,
            "best strategy": one.best,
            "test accuracy (%)": 100 * one.accuracy,
            "low (%)": 100 * one.low,
            "high (%)": 100 * one.high,
            "best so far": "yes" if one.is_best_so_far else "no",
            "test images": one.images,
            "experiment": one.experiment,
        }
        for one in results
    )


def winners_frame(winners: Sequence[Winners]) -> pd.DataFrame:
    """One line for each version and strategy that was best in an experiment on it."""
    return pd.DataFrame(
        {
            "version": version.dataset,
            "strategy": title,
            "best in (experiments)": count,
            "of (experiments)": version.experiments,
        }
        for version in winners
        for title, count in version.wins
    )


def _date(one: DatasetResult) -> str:
    """To the second, as Plotly reads it; all are in UTC."""
    return one.created_at[:19]


def _days_around(results: Sequence[DatasetResult]) -> list[str] | None:
    """From a day before the first to a day after the last: the axis then has days, and not the
    fractions of a second around a single one."""
    if not results:
        return None
    moments = [datetime.fromisoformat(one.created_at) for one in results]
    day = timedelta(days=1)
    return [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (min(moments) - day, max(moments) + day)]


def _gain_words(one: DatasetGain) -> str:
    gain = one.gain
    return (
        f"{one.dataset}, {count_text(one.training_images, 'training image')}: {gain.pretrained} "
        f"{signed_points(gain.difference)} points over {gain.scratch} ({points_text(gain.low)} to "
        f"{points_text(gain.high)}), {_LOOKS[gain.outcome][0]}"
    )


def _result_words(one: DatasetResult) -> str:
    return (
        f"{one.created_at[:10]}, {one.dataset}: {one.best} {percent_text(one.accuracy)} "
        f"({percent_text(one.low)} to {percent_text(one.high)})"
    )

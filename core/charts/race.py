"""A race as a chart: what each strategy gets right so far, and what it may still reach at best."""

import pandas as pd
import plotly.graph_objects as go

from core.analysis.advice.race.request import Race, Verdict
from core.analysis.advice.race.rule import Racer
from core.analysis.comparison import title_of
from core.analysis.words.race import scored_words, verdict_words
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    appearance_of,
    chart_of_rows,
    hundredfold,
    marker_of,
    percent_axis,
    row_label,
    whiskers,
)
from core.text import count_text, escape_plotly, percent_text

FADED = 0.45
LARGE, SMALL = 12, 7


def race_chart(race: Race) -> Exhibit:
    """A row for each strategy, the highest at the top: its last point with the interval, earlier
    ones small, and dotted what it may reach at best. A vertical line stands at the lower end of the
    leader's interval; who was dropped, or could not be trained further, is faint and below."""
    trained = [one for one in race.status.racers if one.points]
    shown = sorted(trained, key=lambda one: (not _is_out(race, one), one.points[-1].accuracy))
    figure = chart_of_rows(
        [_label(race, one) for one in shown], percent_axis("validation images correct (%)", 103)
    )
    for place, one in enumerate(shown):
        _add_row(figure, race, one, place)
    leader = race.status.leader
    if leader is not None and leader.last is not None:
        figure.add_vline(x=100 * leader.last.low, line=DOTTED)
        figure.add_annotation(
            x=100 * leader.last.low,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="right" if leader.last.low >= 0.5 else "left",
            showarrow=False,
            text=f"leader at least {percent_text(leader.last.low)}",
        )
    words = "; ".join(
        f"{title_of(one.strategy)} {_scores(one)}, {verdict_words(race, one)}" for one in trained
    )
    frame = pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "training images": point.images,
            "correct (%)": 100 * point.accuracy,
            "low (%)": 100 * point.low,
            "high (%)": 100 * point.high,
            "time (s)": point.seconds,
        }
        for one in trained
        for point in one.scored
    )
    described = f"Accuracy on validation images after so many training images: {words}."
    return Exhibit(figure, described if trained else "No training is done yet.", frame)


def race_frame(race: Race) -> pd.DataFrame:
    """One line a strategy: its last point, where its optimistic line ends, and what follows."""
    frame = pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "training images": one.last.images if one.last else None,
            "correct (%)": hundredfold(one.last.accuracy if one.last else None),
            "low (%)": hundredfold(one.last.low if one.last else None),
            "high (%)": hundredfold(one.last.high if one.last else None),
            "at best, on all images (%)": hundredfold(one.line),
            "verdict": verdict_words(race, one),
        }
        for one in race.status.racers
    )
    # A count that is missing must not make fractions of the others.
    return frame.astype({"training images": "Int64"})


def _scores(one: Racer) -> str:
    scores = [f"{percent_text(point.accuracy)} after {point.images:,}" for point in one.scored]
    return ", ".join(scores)


def _is_out(race: Race, one: Racer) -> bool:
    return race.verdict(one) in (Verdict.DROPPED, Verdict.FAILED)


def _label(race: Race, one: Racer) -> str:
    point = one.points[-1]
    out = ", out" if _is_out(race, one) else ""
    return row_label(
        title_of(one.strategy), percent_text(point.accuracy), f" after {point.train_images:,}{out}"
    )


def _add_row(figure: go.Figure, race: Race, one: Racer, place: int) -> None:
    scored, look = one.scored, appearance_of(one.strategy)
    opacity = FADED if _is_out(race, one) else 1.0
    title, verdict = escape_plotly(title_of(one.strategy)), escape_plotly(verdict_words(race, one))
    best = _best_end(one)
    if best is not None:
        start, end = best
        figure.add_scatter(
            name="",
            x=[100 * start, 100 * end],
            y=[place, place],
            mode="lines+markers",
            cliponaxis=False,
            opacity=opacity,
            line={"color": look.colour, "dash": "dot", "width": 2},
            marker={"symbol": ["line-ns-open"] * 2, "size": [0, LARGE], "color": look.colour},
            hoverinfo="skip",
        )
    last = scored[-1]
    bar = whiskers([100 * last.accuracy], [100 * last.low], [100 * last.high])
    for points, marker, error_x in (
        (scored[:-1], marker_of(one.strategy, SMALL, is_open=True), None),
        ([last], marker_of(one.strategy, LARGE), bar | {"color": look.colour}),
    ):
        if not points:
            continue
        figure.add_scatter(
            name=title,
            x=[100 * point.accuracy for point in points],
            y=[place] * len(points),
            mode="markers",
            cliponaxis=False,
            opacity=opacity,
            marker=marker,
            error_x=error_x,
            hovertext=[
                f"{title}, {count_text(point.images, 'training image')}: "
                f"{escape_plotly(scored_words(point))}<br>{verdict}"
                for point in points
            ],
            hoverinfo="text",
        )


def _best_end(one: Racer) -> tuple[float, float] | None:
    """From the upper end of the interval that its line starts at to where the line ends: of one
    that was dropped as it was then."""
    if one.dropped is not None:
        images, line = one.dropped.images, one.dropped.line
    elif one.line is not None:
        images, line = one.points[-1].train_images, one.line
    else:
        return None
    return next(point.high for point in one.scored if point.images == images), line

"""The chart of what each trained network costs where it is used."""

from collections.abc import Sequence

import pandas as pd

from core.analysis.comparison import MEGABYTE, Row
from core.analysis.words.deployment import describe_deployment, describe_deployments
from core.charts.accuracy import NOTHING_YET
from core.charts.exhibit import Exhibit
from core.charts.style import (
    FLAT_MARGIN,
    SMALLEST_SECONDS,
    chart_of_rows,
    marker_of,
    row_label,
    seconds_axis,
    whisker,
)
from core.text import escape_plotly, milliseconds_text, size_text


def deployment_chart(rows: Sequence[Row]) -> Exhibit:
    """Time of one image by strategy on a log axis, with the middle half of the predictions.

    The table also has the size of the file, memory and multiply-adds. Rows without a measurement
    are in the words alone.
    """
    measured = [(row, row.deployment) for row in rows if row.deployment is not None]
    shown = measured[::-1]
    labels = [
        row_label(
            row.title, milliseconds_text(found.image_seconds), f", {size_text(found.file_bytes)}"
        )
        for row, found in shown
    ]
    times = [
        seconds
        for _, found in shown
        for seconds in (found.image_seconds_low, found.image_seconds, found.image_seconds_high)
    ]
    figure = chart_of_rows(labels, seconds_axis("one image (log scale)", times), margin=FLAT_MARGIN)
    for place, (row, found) in enumerate(shown):
        median, low, high = (
            max(seconds, SMALLEST_SECONDS)
            for seconds in (found.image_seconds, found.image_seconds_low, found.image_seconds_high)
        )
        title = escape_plotly(row.title)
        figure.add_scatter(
            x=[median],
            y=[place],
            mode="markers",
            cliponaxis=False,
            error_x=whisker(median, low, high),
            marker=marker_of(row.strategy),
            hovertemplate=f"{title}<br>{escape_plotly(describe_deployment(found))}<extra></extra>",
        )
    frame = pd.DataFrame(
        {
            "strategy": row.title,
            "one image (ms)": 1000 * found.image_seconds,
            "a quarter under (ms)": 1000 * found.image_seconds_low,
            "a quarter over (ms)": 1000 * found.image_seconds_high,
            "images timed": found.timed_images,
            "other programs meanwhile (%)": 100 * found.other_load,
            "model file (MB)": found.file_bytes / MEGABYTE,
            "peak memory (MB)": found.memory_bytes / MEGABYTE,
            "multiply-adds (million)": found.multiply_adds / 1e6,
            "parameters": row.parameters,
            "processor": found.processor,
        }
        for row, found in measured
    )
    return Exhibit(figure, describe_deployments(rows) if measured else NOTHING_YET, frame)

"""What charts with one line for each strategy or class have in common."""

import plotly.graph_objects as go

from core.charts.result_charts import MARGIN, ROW_HEIGHT


def list_on_rows(figure: go.Figure, labels: list[str], row_height: int = ROW_HEIGHT) -> None:
    """Rows at whole positions from the bottom, each with its label."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=labels,
        range=[-0.7, len(labels) - 0.3],
        automargin=True,
        fixedrange=True,
        title=None,
    )
    figure.update_layout(
        height=MARGIN["t"] + MARGIN["b"] + row_height * max(2, len(labels)),
        margin=MARGIN,
        showlegend=False,
    )


def whisker(middle: float, low: float, high: float) -> dict[str, object]:
    """Plotly's error bar from ``low`` to ``high`` around ``middle``."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - middle)],
        "arrayminus": [max(0.0, middle - low)],
        "thickness": 2,
        "width": 6,
    }


def hundredfold(fraction: float | None) -> float | None:
    """A fraction in percent or points; None stays None."""
    return None if fraction is None else 100 * fraction

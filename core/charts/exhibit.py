"""What every chart function returns: a figure, the same in words, and its table."""

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One chart for everybody.

    ``figure`` has no font and no background: whoever shows it sets them (Streamlit's theme, the
    report, Plotly's own in a notebook). ``words`` is the text alternative, plain text that names
    every important number. ``frame`` is the table: a unit in each column name, None for unknown
    values.
    """

    figure: go.Figure
    words: str
    frame: pd.DataFrame

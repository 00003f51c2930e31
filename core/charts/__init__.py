"""Plotly figures of the results, each with its words and its table; one look a strategy."""

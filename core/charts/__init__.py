"""Charts: each function returns an ``Exhibit`` with figure, words and table."""

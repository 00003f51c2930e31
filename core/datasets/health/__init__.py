"""Findings about a stored dataset, with what can be done about them."""

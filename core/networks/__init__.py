"""A trained network used again: put together from its weights, explained, exported."""

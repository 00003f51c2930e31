"""Experiments and their runs: specs, store, predictions, and the handlers of train and import."""

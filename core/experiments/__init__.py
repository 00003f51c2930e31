"""Experiments and their runs: specs, store, predictions, checkpoints, recorded results."""

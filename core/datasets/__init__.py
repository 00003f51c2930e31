"""Labelled images: read, check, keep, split."""

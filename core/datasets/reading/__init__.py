"""Recognise the layout of a folder, zip or file, and read which label each image has."""

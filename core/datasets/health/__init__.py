"""What is worth knowing about a stored dataset, with what can be done."""

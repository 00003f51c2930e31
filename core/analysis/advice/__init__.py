"""What to run on a dataset: measured before anything is trained."""

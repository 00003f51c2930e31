"""What was asked for and what came out; the handlers of the jobs train and import."""

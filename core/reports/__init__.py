"""What leaves the app: the HTML report, tables as CSV and JSON, the command that repeats a run."""

"""What leaves the app: the HTML report, tables, and the job that packs a trained network."""

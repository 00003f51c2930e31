"""What leaves the app; the job that packs a trained network."""

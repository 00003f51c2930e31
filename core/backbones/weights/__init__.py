"""Pre-trained weights: what the published ones hold, where they are found, how they are fetched."""

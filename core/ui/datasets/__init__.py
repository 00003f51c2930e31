"""The page Datasets: upload, health, images, clean-up, versions."""

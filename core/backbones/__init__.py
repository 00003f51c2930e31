"""Pre-trained networks without their top: records, weights, preprocessing, features."""

"""A race with a budget: strategies on ever more training images, and who can no longer win."""

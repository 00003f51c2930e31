"""The ladder: one module for each family, one registry for all."""

"""The page Compare: one module for each of its views."""

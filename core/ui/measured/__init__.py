"""The page How it is measured: one module for each of its sections."""

"""The page Benchmark: starting an experiment and following it."""

"""The page Advice: facts of a dataset, and what they propose."""

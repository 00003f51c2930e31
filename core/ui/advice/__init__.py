"""The page Advice: facts of a dataset, what they propose, and a race."""

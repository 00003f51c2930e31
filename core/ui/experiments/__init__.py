"""The page Experiments: all of them in a table, and what can be done with the chosen rows."""

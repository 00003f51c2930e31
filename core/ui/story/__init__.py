"""The page Story: the scenes and what they read."""

"""The page Watch it learn: live, and as a replay."""

"""The page Try it: an image of one's own, the guessing game, the export of a network."""

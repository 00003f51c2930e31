"""Sentences made of the numbers of the analysis: each rule of wording stands in one place."""

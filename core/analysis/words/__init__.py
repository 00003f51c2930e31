"""Sentences made of the numbers of the analysis: each rule of wording is in one place."""

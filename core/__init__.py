"""Headstart: how much of a head start does a pre-trained model give, and at what cost?"""

__version__ = "0.1.0"

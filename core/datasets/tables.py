"""Tables that come with images: which encoding, separator and columns a text file has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """What the user said about a table: names of columns, None where it was left to us.

    ``file`` names the pictures, ``label`` the classes, ``split`` train, validation or test.
    """

    file: str | None = None
    label: str | None = None
    split: str | None = None

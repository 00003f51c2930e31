"""Columns of metadata: what came with the images beside their classes, such as age or site.

Results are cut by them. Nothing is trained on them, and the id of a dataset depends only on those
that say which images belong together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

# A column of words with more different ones has no slice with enough images of each.
MOST_WORDS = 12
LONGEST_WORD = 60
UNKNOWN = frozenset(("", "-", "?", "n/a", "na", "nan", "none", "null"))
# In the table of an export: a number for each set of images that belong together.
ORIGIN_COLUMN = "same origin"
_PREFIX = "metadata_"


@dataclass(frozen=True, eq=False)
class MetadataColumn:
    """One value for each image.

    values: float64 ``(N,)``, NaN where it is unknown. words: of a column of few different values
    their texts in order, ``values`` are positions in it; None for numbers.
    """

    name: str
    values: np.ndarray
    words: tuple[str, ...] | None = None

    def only(self, images: np.ndarray | Sequence[int]) -> "MetadataColumn":
        """The same of some images, by their positions."""
        return replace(self, values=self.values[images])


class SharedOrigin(NamedTuple):
    """A column that says which images belong together, such as those of one patient.

    values: how many different ones there are, on so many ``images``. in_several_subsets: how many
    of them have images in more than one subset of the split that came with the images; None
    without such a split.
    """

    column: str
    values: int
    images: int
    in_several_subsets: int | None


def column_of(name: str, cells: Sequence[str]) -> MetadataColumn | None:
    """The column of these cells, one an image, blank where nothing is known of it.

    None where results cannot be cut by it: it has one value alone, or many different texts, or
    some that cannot be shown.
    """
    texts = [cell.strip() for cell in cells]
    known = {text for text in texts if text.casefold() not in UNKNOWN}
    can_be_shown = all(len(text) <= LONGEST_WORD and text.isprintable() for text in known)
    if len(known) < 2 or not can_be_shown:
        return None
    numbers = {text: _number(text) for text in known}
    are_numbers = not any(map(math.isnan, numbers.values()))
    if are_numbers and len(set(numbers.values())) > MOST_WORDS:
        return MetadataColumn(name, np.array([numbers.get(text, np.nan) for text in texts]))
    if len(known) > MOST_WORDS:
        return None
    words = sorted(known, key=lambda text: (numbers[text] if are_numbers else 0.0, text))
    places = {word: float(place) for place, word in enumerate(words)}
    values = np.array([places.get(text, np.nan) for text in texts])
    return MetadataColumn(name, values, tuple(words))


def to_json(columns: Sequence[MetadataColumn]) -> list[dict[str, Any]]:
    """What the manifest of a dataset keeps of them."""
    return [{"name": column.name, "words": column.words} for column in columns]


def to_arrays(columns: Sequence[MetadataColumn]) -> dict[str, np.ndarray]:
    """What ``index.npz`` keeps of them."""
    return {f"{_PREFIX}{place}": column.values for place, column in enumerate(columns)}


def taken_out(
    document: Sequence[Mapping[str, Any]], arrays: dict[str, np.ndarray]
) -> tuple[MetadataColumn, ...]:
    """What ``to_json`` and ``to_arrays`` made; its arrays are taken out of ``arrays``.

    Raises ``KeyError`` and ``TypeError`` where they are damaged.
    """
    return tuple(
        MetadataColumn(
            entry["name"],
            arrays.pop(f"{_PREFIX}{place}"),
            None if entry["words"] is None else tuple(entry["words"]),
        )
        for place, entry in enumerate(document)
    )


def _number(text: str) -> float:
    """NaN where the text is no finite number; a decimal comma is one, as in tables of labels."""
    try:
        number = float(text.replace(",", ".").replace("_", "?"))
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan

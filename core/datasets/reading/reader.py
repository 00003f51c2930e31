"""Which class a file belongs to: one folder per class, a wrapping folder unwrapped."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.reading.raw_files import Listing, RawFile
from core.errors import BadInput

FEWEST_CLASSES = 2
NAMES_SHOWN = 3
EXPECTED = (
    "Expected one folder per class with its pictures inside: cats/1.jpg, cats/2.jpg, dogs/1.jpg"
)


@dataclass(frozen=True)
class LabelledFile:
    """A picture with its class; ``name`` is shown as its file name.

    ``subset`` is ``train``, ``validation`` or ``test`` where the source says so.
    """

    class_name: str
    name: str
    raw: RawFile
    subset: str | None = None


@dataclass(frozen=True)
class LabelledFiles:
    """Encoded pictures with their classes. ``read_as`` names the layout for people."""

    read_as: str
    files: list[LabelledFile]


@dataclass(frozen=True)
class PixelBatch:
    """Some images in order: ``pixels`` uint8 ``(n, H, W)`` or ``(n, H, W, 3)`` (RGB), 0 to 255.

    ``class_names`` and ``names`` (shown where a picture's file name is shown) have n entries;
    ``subset`` is ``train``, ``validation``, ``test`` or None for all of them.
    """

    pixels: np.ndarray
    class_names: list[str]
    names: list[str]
    subset: str | None = None


@dataclass(frozen=True)
class PixelImages:
    """All images of a source. ``read_as`` names the layout for people (``IDX files``).

    ``total`` is all the work, in images or in bytes to be read; ``expected_bytes`` is an upper
    bound of what the pixels take on disk. ``batches`` yields them with the work done so far, in
    the unit of ``total``; rows that cannot be used are refused in the listing on the way. It
    raises ``BadInput`` where the source as a whole cannot be used.
    """

    read_as: str
    total: int
    expected_bytes: int
    batches: Callable[[], Iterator[tuple[PixelBatch, int]]]


def first_reasons(left_out: Sequence[dict[str, str]]) -> str:
    """The first files that were left out, each with its reason: they may be all that was given."""
    return "".join(f" {entry['file']}: {entry['reason']}." for entry in left_out[:NAMES_SHOWN])


def check_classes(classes: list[str], left_out: Sequence[dict[str, str]] = ()) -> None:
    """At least two classes, or ``BadInput`` that says what was found, and what was ``left_out``."""
    if len(classes) >= FEWEST_CLASSES:
        return
    found = f"one class ({classes[0]!r})" if classes else "no class"
    raise BadInput(
        f"Found {found} with readable pictures; at least {FEWEST_CLASSES} are needed."
        f"{first_reasons(left_out)} {EXPECTED}.",
        "path",
    )


def note_alike_classes(classes: Iterable[str], listing: Listing) -> None:
    """Say which class names differ only in case or in blanks around them: often a slip."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(classes):
        alike[name.strip().casefold()].append(name)
    for names in alike.values():
        if len(names) > 1:
            listing.notes.append(
                f"The classes {' and '.join(map(repr, names))} differ only in capital letters or"
                " blanks. They were kept apart; merge them if they are one class."
            )

"""What the reader of a layout is, and what it gives: readings of labelled files, or of pixels."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

import numpy as np
from pydantic import BaseModel

from core.datasets.dataset import LeftOut
from core.datasets.decoding.levels import USUAL_LEVELS, Levels
from core.datasets.reading.raw_files import Listing, RawFile, bad_source
from core.datasets.reading_choice import Choice

FEWEST_CLASSES = 2
NAMES_SHOWN = 3
_NAME = attrgetter("name")
EXPECTED = (
    "Expected one folder per class with its images inside: cats/1.jpg, cats/2.jpg, dogs/1.jpg"
)


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image file with its class; ``name`` is shown as its file name.

    ``subset`` is ``train``, ``validation``, ``test``, or None where the source names none.
    """

    class_name: str
    name: str
    raw: RawFile
    subset: str | None = None


@dataclass(frozen=True)
class LabelledFiles:
    """Encoded images with their classes; ``read_as`` is the layout, for people.

    ``levels`` are those of the dataset, where the source says so; else its images settle them.
    """

    read_as: str
    files: list[LabelledFile]
    levels: Levels = USUAL_LEVELS

    @property
    def expected_bytes(self) -> int:
        return sum(file.raw.size_bytes for file in self.files)


def in_shown_order(files: Iterable[LabelledFile]) -> list[LabelledFile]:
    """The files in the order of images in a dataset: by class, then by name."""
    by_class: dict[str, list[LabelledFile]] = defaultdict(list)
    for file in files:
        by_class[file.class_name].append(file)
    ordered: list[LabelledFile] = []
    for class_name in sorted(by_class):
        # Most are in the order of their names already, which makes this fast.
        members = sorted(by_class[class_name], key=_NAME)
        if len(set(map(_NAME, members))) < len(members):
            members.sort(key=lambda file: (file.name, file.raw.path))
        ordered += members
    return ordered


@dataclass(frozen=True)
class PixelBatch:
    """Some images in order: ``pixels`` uint8 ``(n, H, W)`` or ``(n, H, W, 3)`` (RGB), 0 to 255.

    ``class_names`` and ``names`` (shown as file names) have n entries. All n images are in the
    same ``subset`` (``train``, ``validation``, ``test``), or in none.
    """

    pixels: np.ndarray
    class_names: list[str]
    names: list[str]
    subset: str | None = None


@dataclass(frozen=True)
class PixelImages:
    """Images that come as numbers, read batch by batch, never as a whole.

    read_as: the layout, for people.
    total: the work to do, in images or in bytes to read.
    expected_bytes: upper bound of the disk space for the pixels.
    batches: yields each batch with the work done so far, in the unit of ``total``. Rows that cannot
        be used are refused in the listing on the way. Raises ``BadInput`` where the source as a
        whole cannot be used.
    """

    read_as: str
    total: int
    expected_bytes: int
    batches: Callable[[], Iterator[tuple[PixelBatch, int]]]


class TableSample(BaseModel):
    """The first lines of a table whose columns somebody may name."""

    name: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Reading:
    """One way to read an upload.

    title: what the classes are, as a sentence without its full stop.
    found: the images with their classes.
    listing: what lies there, with the notes and refusals of this reading alone.
    choice: what a person would choose to get this reading and no other.
    sources: the files, columns and folders that said so.
    doubt: why it may be wrong, as a sentence; None where it is clearly right.
    tables: tables in which other columns can be chosen, where none of the readings is right.
    """

    title: str
    found: LabelledFiles | PixelImages
    listing: Listing
    choice: Choice
    sources: tuple[str, ...] = ()
    doubt: str | None = None
    tables: tuple[TableSample, ...] = ()


class Reader(Protocol):
    """One layout of uploads: a module with these two names and an entry in ``READERS``.

    ``READ_AS`` is what people call the layout.
    """

    READ_AS: str

    def readings(self, listing: Listing, choice: Choice, /) -> Sequence[Reading]:
        """The ways to read the listing in this layout; empty where it has another one.

        Nothing is decoded yet. One reading without doubt is taken; several, or one in doubt, are
        offered to the person who gave the files. Each reading notes in a listing of its own
        (``Listing.again``); the given one stays as it is, but for notes that hold whatever is read.
        With a ``choice``, only readings that agree with it are given, without doubt about what was
        chosen. Raises ``BadInput`` where the layout is this one and cannot be used, and
        ``ReadingUnclear`` where only a person can say what a column holds.
        """


def first_reasons(left_out: Sequence[LeftOut]) -> str:
    """The most frequent reasons, each once with a file, as text to append to a message."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for entry in left_out:
        by_reason[entry.reason].append(entry.file)
    most = sorted(by_reason.items(), key=lambda item: -len(item[1]))[:NAMES_SHOWN]
    return "".join(
        f" {files[0]}: {reason}."
        if len(files) == 1
        else f" {files[0]} and {len(files) - 1:,} more: {reason}."
        for reason, files in most
    )


def check_classes(classes: list[str], left_out: Sequence[LeftOut] = ()) -> None:
    """Raise ``BadInput``, naming what was found and ``left_out``, for fewer than two classes."""
    if len(classes) >= FEWEST_CLASSES:
        return
    found = f"one class ({classes[0]!r})" if classes else "no class"
    raise bad_source(
        f"Found {found} with readable images; at least {FEWEST_CLASSES} are needed."
        f"{first_reasons(left_out)} {EXPECTED}."
    )


def note_alike_classes(classes: Iterable[str], listing: Listing) -> None:
    """Note class names that look the same, or differ only in case or blanks: often a mistake."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(classes):
        alike[_as_seen(name)].append(name)
    for names in alike.values():
        if len(names) > 1:
            listing.notes.append(
                f"The classes {' and '.join(map(repr, names))} differ only in capital letters,"
                " blanks or invisible signs. They were kept apart; merge them if they are one"
                " class."
            )


def _as_seen(name: str) -> str:
    """A name without what nobody sees, and with one form of letters that have several: a cell that
    was copied from a web page may hold a joiner or a mark, and Japanese keyboards write wide
    letters."""
    text = unicodedata.normalize("NFKC", name)
    seen = (letter for letter in text if unicodedata.category(letter) != "Cf")
    return " ".join("".join(seen).casefold().split())

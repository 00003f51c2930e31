"""What an array of labels says: the class of each image, in numbers, words or one column a class.

Measured numbers and several labels for one image are told, never turned into classes.
"""

import math
from collections.abc import Sequence

import numpy as np

from core.datasets.reading.columns import why_no_label
from core.datasets.reading.raw_files import bad_source, shown_name
from core.datasets.reading.stored_arrays import StoredArray
from core.errors import BadInput
from core.text import count_text

FEWEST_ROWS_TO_JUDGE = 10
LOOKED_AT = 1000
FRACTION_OF_MISTAKES = 0.05
MOST_CLASSES = 10_000
# Above it floats skip whole numbers.
LARGEST_EXACT = 2**53
ONE_CLASS = "Headstart needs one class for each image"


def class_of_each(labels: StoredArray, names: Sequence[str] | None) -> list[str | None]:
    """The class of each image; None where the array gives none.

    ``names`` are those of the classes 0, 1, 2 ..., where they are known. Raises ``BadInput`` where
    the array holds something else than one class an image.
    """
    width = math.prod(labels.shape[1:])
    if width == 1:
        return _of_column(labels, labels.whole().reshape(-1), names)
    if len(labels.shape) != 2 or labels.dtype.kind not in "buif" or width > MOST_CLASSES:
        raise bad_source(
            f"{labels.path} holds {labels.size_text} numbers or words. {ONE_CLASS}: one number or"
            " one word."
        )
    return _of_marks(labels, names)


def measured(path: str, example: float) -> BadInput:
    """The error for labels with decimals."""
    return bad_source(
        f"{path} looks like a measured number, not like classes: it holds {example:.3g}."
        f" {ONE_CLASS}; make some of it, such as labels = (measured > 0.5).astype(int)."
    )


def check_repeated(path: str, different: int, count: int) -> None:
    """Raise ``BadInput`` where nearly every image has a label of its own."""
    if count >= FEWEST_ROWS_TO_JUDGE and 2 * different > count:
        raise bad_source(
            f"{path} looks like measured numbers or names of the images, not like classes:"
            f" {different:,} different values for {count_text(count, 'image')}. {ONE_CLASS}."
        )


def is_one_hot(array: StoredArray) -> bool:
    """Whether each of the first rows of a two-dimensional array has a single 1 among zeros."""
    if len(array.shape) != 2 or array.shape[1] < 2 or array.dtype.kind not in "buif":
        return False
    for piece in array.pieces(LOOKED_AT):
        if not np.isin(piece, (0, 1)).all() or (piece.sum(axis=1) != 1).any():
            return False
    return True


def _of_column(
    labels: StoredArray, found: np.ndarray, names: Sequence[str] | None
) -> list[str | None]:
    kind = found.dtype.kind
    if kind == "S":
        found = np.char.decode(found, "utf-8", "replace")
        kind = "U"
    if kind not in "buifU":
        raise bad_source(f"{labels.path} holds no numbers and no words. {ONE_CLASS}.")
    given = np.ones(len(found), bool)
    if kind == "f":
        given = ~np.isnan(found)
        decimals = found[given & ((found != np.rint(found)) | (np.abs(found) > LARGEST_EXACT))]
        if len(decimals):
            raise measured(labels.path, float(decimals[0]))
        found = np.where(given, found, 0).astype(np.int64)
    values, positions = np.unique(found, return_inverse=True)
    check_repeated(labels.path, len(values), len(found))
    if kind == "U":
        words = [str(value).strip() for value in values]
        for word in words:
            problem = why_no_label(word) if word else None
            if problem is not None:
                raise bad_source(f"{labels.path}: {problem}: {shown_name(word)!r}.")
        return [words[at] or None for at in positions.tolist()]
    texts = _names_of(values, names)
    return [
        texts[at] if is_given else None
        for at, is_given in zip(positions.tolist(), given.tolist(), strict=True)
    ]


def _names_of(values: np.ndarray, names: Sequence[str] | None) -> list[str]:
    """The names of the numbers 0, 1, 2 ... where there is one for each, else the numbers."""
    if names is not None and values.dtype.kind in "ui" and fits_names(values, names):
        return [names[int(value)] for value in values]
    return [str(value) for value in values.tolist()]


def fits_names(values: np.ndarray, names: Sequence[str]) -> bool:
    """Whether each of the numbers has a name, and few names would go without an image."""
    return int(values.min()) >= 0 and int(values.max()) < len(names) <= 2 * len(values)


def _of_marks(labels: StoredArray, names: Sequence[str] | None) -> list[str | None]:
    """One-hot rows; ``BadInput`` for several labels an image, and for measured numbers."""
    count, width = labels.shape
    texts = names if names is not None and len(names) == width else list(map(str, range(width)))
    found: list[str | None] = []
    several = none = 0
    for piece in labels.pieces():
        if not np.isin(piece, (0, 1)).all():
            raise bad_source(
                f"{labels.path} holds {width} numbers for each image that are not one 1 among"
                f" zeros: measured numbers, boxes, or several labels. {ONE_CLASS}; where one column"
                " is the class, save labels[:, 0]."
            )
        marks = piece.astype(bool)
        per_row = marks.sum(axis=1)
        several += int((per_row > 1).sum())
        none += int((per_row == 0).sum())
        found.extend(
            texts[at] if marked == 1 else None
            for at, marked in zip(marks.argmax(axis=1).tolist(), per_row.tolist(), strict=True)
        )
    if several:
        raise bad_source(
            f"{labels.path}: {several:,} of {count_text(count, 'image')} have several labels."
            f" {ONE_CLASS}. To keep the images with one label: one = labels.sum(axis=1) == 1;"
            " np.savez('one.npz', images=images[one], labels=labels[one].argmax(axis=1))."
        )
    if none > FRACTION_OF_MISTAKES * count:
        raise bad_source(
            f"{labels.path}: {none:,} of {count_text(count, 'image')} have no label, only zeros."
            f" {ONE_CLASS}. If only zeros mean a class of its own, give it a column."
        )
    return found

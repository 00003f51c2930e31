"""What people call the sides of a split, in folder names, in file names and in tables."""

import re
from collections.abc import Sequence

import numpy as np

from core.datasets.dataset import SIDES


def words(text: str) -> frozenset[str]:
    """The words of a text: sets of names are easier to read so."""
    return frozenset(text.split())


SIDE_OF_FOLDER = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}

# Words that stand beside the word of the side: "training set", "test_images", "val-data".
BESIDE_A_SIDE = words(
    "set data dataset images image imgs img pictures photos pics folder dir split public private"
)

_TO_PREDICT = words("pred predict prediction predictions unlabeled unlabelled")

_SIDE_WORD = re.compile(rf"({'|'.join(SIDE_OF_FOLDER)})(?:set|data|images)?\d*")


def plain_words(name: str) -> frozenset[str]:
    """The words of a name, in small letters, without numbers that stand alone."""
    # "trainLabels" and "PublicTest" are two words each.
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    found = re.findall(r"[^\W_]+", apart.casefold())
    return frozenset(word for word in found if not word.isdecimal())


def side_of(name: str) -> str | None:
    """``train``, ``validation`` or ``test`` where a name says that and nothing else, or None.

    ``Training Set``, ``test_images``, ``val2017`` do; ``cats_train`` does not.
    """
    return _side_of_words(plain_words(name))


def side_among(name: str) -> str | None:
    """The side that a file name mentions beside other words (``mnist_train.csv``), or None."""
    said = {side for word in plain_words(name) if (side := _side_of_word(word))}
    return said.pop() if len(said) == 1 else None


def side_of_file(parts: Sequence[str]) -> str | None:
    """The side that a file name mentions, or else the folder that it lies in, or None."""
    return side_among(parts[-1]) or side_of_folders(parts[:-1])


def side_of_folders(folders: Sequence[str]) -> str | None:
    """The side that the innermost of some nested folders says that has one, or None."""
    return next(filter(None, map(side_of, reversed(folders))), None)


def sides_of_folders(names: Sequence[str]) -> dict[str, str | None]:
    """The side of each of some folders that lie together, without the words that all have.

    ``seg_train`` and ``seg_test`` are sides of one data set; alone they could be anything.
    """
    given = {name: plain_words(name) for name in names}
    common = frozenset.intersection(*given.values()) if len(names) > 1 else frozenset()
    return {name: side_of(name) or _side_of_words(given[name] - common) for name in names}


def is_to_predict(name: str) -> bool:
    """Whether a folder says of itself that its pictures have no label (``seg_pred``)."""
    return bool(plain_words(name) & _TO_PREDICT)


def _side_of_word(word: str) -> str | None:
    found = _SIDE_WORD.fullmatch(word)
    return SIDE_OF_FOLDER[found.group(1)] if found else None


def _side_of_words(given: frozenset[str]) -> str | None:
    sides = [side for word in given if (side := _side_of_word(word))]
    rest = [word for word in given if not _side_of_word(word) and word not in BESIDE_A_SIDE]
    return sides[0] if len(sides) == 1 and not rest else None


def settle_sides(sides: list[str | None]) -> tuple[np.ndarray | None, str | None]:
    """Positions in ``SIDES``, int8 ``(N,)``, or None where there is no usable split; and a
    sentence about it, where there is something to say.

    A split needs pictures to train on and others to test on. With ``train`` and ``validation``
    alone, the second is what results are measured on, so it becomes the test side.
    """
    given = {side for side in sides if side is not None}
    if not given:
        return None, None
    if None in sides:
        return None, (
            "Some pictures are marked as train or test and others are not, so Headstart makes its"
            " own split."
        )
    if given == {"train", "validation"}:
        positions = [0 if side == "train" else 2 for side in sides]
        return np.array(positions, np.int8), (
            "The split that came with it has train and validation and no test: its validation"
            " pictures are the test pictures here, and validation is drawn from train."
        )
    if not {"train", "test"} <= given:
        return None, (
            f"It marks pictures as {' and '.join(sorted(given))} only, so Headstart makes its own"
            " split."
        )
    positions = [SIDES.index(side) for side in sides if side is not None]
    return np.array(positions, np.int8), None

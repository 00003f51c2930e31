"""Subsets (train, validation, test) in the names of folders and files, and in tables."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from core.datasets.choices import SUBSETS


def words(text: str) -> frozenset[str]:
    """The words of a text as a set: long lists of names are easier to read that way."""
    return frozenset(text.split())


SUBSET_OF_FOLDER = {
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
# Words that go with the name of a subset: "training set", "test_images", "val-data".
BESIDE_A_SUBSET = words(
    "set data dataset images image imgs img pictures photos pics folder dir split public private"
)
_TO_PREDICT = words("pred predict prediction predictions unlabeled unlabelled")
_NUMBER = re.compile(r"(?<![^\W_])\d+(?![^\W_])")
_SUBSET_WORD = re.compile(rf"({'|'.join(SUBSET_OF_FOLDER)})(?:set|data|images)?\d*")


@lru_cache(maxsize=65536)
def name_words(name: str) -> frozenset[str]:
    """The words of a name in small letters, without words that are numbers."""
    return _words_in(_NUMBER.sub("#", name))


@lru_cache(maxsize=65536)
def _words_in(name: str) -> frozenset[str]:
    """Those of a name without numbers, which thousands of numbered names share."""
    # "trainLabels" and "PublicTest" are two words each.
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return frozenset(re.findall(r"[^\W_]+", apart.casefold()))


@lru_cache(maxsize=4096)
def subset_of(name: str) -> str | None:
    """The subset where a name means that and nothing else, or None.

    ``Training Set``, ``test_images`` and ``val2017`` do; ``cats_train`` does not.
    """
    return _subset_of_words(name_words(name))


@lru_cache(maxsize=4096)
def subset_among(name: str) -> str | None:
    """The subset mentioned in a file name beside other words (``mnist_train.csv``), or None."""
    mentioned = {subset for word in name_words(name) if (subset := _subset_of_word(word))}
    return mentioned.pop() if len(mentioned) == 1 else None


def subset_of_file(parts: Sequence[str]) -> str | None:
    """The subset mentioned in the file name, else the one of its folders, or None."""
    return subset_among(parts[-1]) or subset_of_folders(parts[:-1])


def subset_of_folders(folders: Sequence[str]) -> str | None:
    """The subset of the innermost of these nested folders that has one, or None."""
    return next(filter(None, map(subset_of, reversed(folders))), None)


def subsets_of_folders(names: Sequence[str]) -> dict[str, str | None]:
    """The subset of each of several sibling folders, ignoring words common to all of them.

    ``seg_train`` and ``seg_test`` are subsets of one dataset; alone they could be anything.
    """
    given = {name: name_words(name) for name in names}
    common = frozenset.intersection(*given.values()) if len(names) > 1 else frozenset()
    return {name: subset_of(name) or _subset_of_words(given[name] - common) for name in names}


def is_to_predict(name: str) -> bool:
    """Whether the name of a folder says that its images have no labels (``seg_pred``)."""
    return bool(name_words(name) & _TO_PREDICT)


def _subset_of_word(word: str) -> str | None:
    found = _SUBSET_WORD.fullmatch(word)
    return SUBSET_OF_FOLDER[found.group(1)] if found else None


@lru_cache(maxsize=65536)
def _subset_of_words(given: frozenset[str]) -> str | None:
    subsets = [subset for word in given if (subset := _subset_of_word(word))]
    rest = [word for word in given if not _subset_of_word(word) and word not in BESIDE_A_SUBSET]
    return subsets[0] if len(subsets) == 1 and not rest else None


def settle_subsets(subsets: list[str | None]) -> tuple[np.ndarray | None, str | None]:
    """The predefined split: positions in ``SUBSETS``, int8 ``(N,)``, and a sentence about it.

    Each is None where there is none. A usable split has train and test. With train and validation
    alone, results are meant to be measured on validation, so it becomes the test subset.
    """
    given = {subset for subset in subsets if subset is not None}
    if not given:
        return None, None
    if None in subsets:
        return None, (
            "Some images are marked as train or test and others are not, so Headstart makes its"
            " own split."
        )
    if given == {"train", "validation"}:
        positions = [0 if subset == "train" else 2 for subset in subsets]
        return np.array(positions, np.int8), (
            "The predefined split has train and validation but no test: its validation images are"
            " used as test images, and validation is drawn from train."
        )
    if not {"train", "test"} <= given:
        return None, (
            f"The images are marked as {' and '.join(sorted(given))} only, so Headstart makes its"
            " own split."
        )
    positions = [SUBSETS.index(subset) for subset in subsets if subset is not None]
    return np.array(positions, np.int8), None

"""What people call the sides of a split, in folder names, in file names and in tables."""

import re
from collections.abc import Sequence

import numpy as np

from core.datasets.dataset import SUBSETS


def words(text: str) -> frozenset[str]:
    """The words of a text: sets of names are easier to read so."""
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

# Words that stand beside the word of the side: "training set", "test_images", "val-data".
BESIDE_A_SUBSET = words(
    "set data dataset images image imgs img pictures photos pics folder dir split public private"
)

_TO_PREDICT = words("pred predict prediction predictions unlabeled unlabelled")

_SUBSET_WORD = re.compile(rf"({'|'.join(SUBSET_OF_FOLDER)})(?:set|data|images)?\d*")


def name_words(name: str) -> frozenset[str]:
    """The words of a name, in small letters, without numbers that stand alone."""
    # "trainLabels" and "PublicTest" are two words each.
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    found = re.findall(r"[^\W_]+", apart.casefold())
    return frozenset(word for word in found if not word.isdecimal())


def subset_of(name: str) -> str | None:
    """``train``, ``validation`` or ``test`` where a name says that and nothing else, or None.

    ``Training Set``, ``test_images``, ``val2017`` do; ``cats_train`` does not.
    """
    return _subset_of_words(name_words(name))


def subset_among(name: str) -> str | None:
    """The side that a file name mentions beside other words (``mnist_train.csv``), or None."""
    said = {subset for word in name_words(name) if (subset := _subset_of_word(word))}
    return said.pop() if len(said) == 1 else None


def subset_of_file(parts: Sequence[str]) -> str | None:
    """The side that a file name mentions, or else the folder that it lies in, or None."""
    return subset_among(parts[-1]) or subset_of_folders(parts[:-1])


def subset_of_folders(folders: Sequence[str]) -> str | None:
    """The side that the innermost of some nested folders says that has one, or None."""
    return next(filter(None, map(subset_of, reversed(folders))), None)


def subsets_of_folders(names: Sequence[str]) -> dict[str, str | None]:
    """The side of each of some folders that lie together, without the words that all have.

    ``seg_train`` and ``seg_test`` are sides of one data set; alone they could be anything.
    """
    given = {name: name_words(name) for name in names}
    common = frozenset.intersection(*given.values()) if len(names) > 1 else frozenset()
    return {name: subset_of(name) or _subset_of_words(given[name] - common) for name in names}


def is_to_predict(name: str) -> bool:
    """Whether a folder says of itself that its pictures have no label (``seg_pred``)."""
    return bool(name_words(name) & _TO_PREDICT)


def _subset_of_word(word: str) -> str | None:
    found = _SUBSET_WORD.fullmatch(word)
    return SUBSET_OF_FOLDER[found.group(1)] if found else None


def _subset_of_words(given: frozenset[str]) -> str | None:
    subsets = [subset for word in given if (subset := _subset_of_word(word))]
    rest = [word for word in given if not _subset_of_word(word) and word not in BESIDE_A_SUBSET]
    return subsets[0] if len(subsets) == 1 and not rest else None


def settle_subsets(subsets: list[str | None]) -> tuple[np.ndarray | None, str | None]:
    """Positions in ``SUBSETS``, int8 ``(N,)``, or None where there is no usable split; and a
    sentence about it, where there is something to say.

    A split needs pictures to train on and others to test on. With ``train`` and ``validation``
    alone, the second is what results are measured on, so it becomes the test side.
    """
    given = {subset for subset in subsets if subset is not None}
    if not given:
        return None, None
    if None in subsets:
        return None, (
            "Some pictures are marked as train or test and others are not, so Headstart makes its"
            " own split."
        )
    if given == {"train", "validation"}:
        positions = [0 if subset == "train" else 2 for subset in subsets]
        return np.array(positions, np.int8), (
            "The split that came with it has train and validation and no test: its validation"
            " pictures are the test pictures here, and validation is drawn from train."
        )
    if not {"train", "test"} <= given:
        return None, (
            f"It marks pictures as {' and '.join(sorted(given))} only, so Headstart makes its own"
            " split."
        )
    positions = [SUBSETS.index(subset) for subset in subsets if subset is not None]
    return np.array(positions, np.int8), None

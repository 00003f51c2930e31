"""Folders that name a class and a subset at once: ``trainA`` and ``testA``, ``cats-train``."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from core.datasets.reading.subset_names import (
    BESIDE_A_SUBSET,
    SUBSET_OF_FOLDER,
    name_words,
    subset_of,
)

FEWEST_SHARED = 2
LONGEST_NAME = 100
FRACTION_SHARED = 0.8
_ANY = "|".join(sorted(SUBSET_OF_FOLDER, key=len, reverse=True))
_CAPITAL = "|".join(word.capitalize() for word in sorted(SUBSET_OF_FOLDER, key=len, reverse=True))
_WORD = re.compile(_ANY, re.IGNORECASE)
_AT_START = re.compile(
    rf"(?:(?i:({_ANY})(?:set|data)?)[\W_]+|({_ANY}|{_CAPITAL})(?=[A-Z]))(?P<rest>.*\w.*)"
)
_BESIDE_AT_START = re.compile(r"^(?:(?i:set|images?|data|photos|pics)[\W_]+)+(?=\w)")
_AT_END = re.compile(rf"(?P<rest>.*\w.*?)(?:[\W_]+(?i:({_ANY}))|(?<=[a-z])({_CAPITAL}))")


@dataclass(frozen=True)
class NamedSubsets:
    """Class and subset by folder; ``is_complete`` where all of them say both, in one way."""

    by_folder: dict[str, tuple[str, str]]
    is_complete: bool


def class_and_subset(folder: str) -> tuple[str, str] | None:
    """The class and the subset in the name of a folder, or None where it has not both."""
    if len(folder) > LONGEST_NAME or not _WORD.search(folder):
        return None
    found = _AT_START.fullmatch(folder) or _AT_END.fullmatch(folder)
    if found is None or subset_of(folder) is not None:
        return None
    rest = _BESIDE_AT_START.sub("", found["rest"].strip(" _-."))
    own = name_words(rest)
    if not own or own <= BESIDE_A_SUBSET or any(subset_of(word) for word in own):
        return None
    word = next(filter(None, (found[at] for at in range(1, 4) if found[at] != found["rest"])))
    return rest, SUBSET_OF_FOLDER[word.casefold()]


def named_subsets(folders: Collection[str]) -> NamedSubsets | None:
    """What folders beside one another say together; None where no class is in two subsets."""
    by_folder = {name: found for name in folders if (found := class_and_subset(name))}
    subsets: dict[str, set[str]] = defaultdict(set)
    for class_name, subset in by_folder.values():
        subsets[class_name].add(subset)
    shared = [name for name, of_class in subsets.items() if len(of_class) > 1]
    if not shared or len(folders) < 3:
        return None
    is_complete = (
        len(by_folder) == len(folders)
        and all("train" in of_class for of_class in subsets.values())
        and len(shared) >= max(FEWEST_SHARED, FRACTION_SHARED * len(subsets))
    )
    return NamedSubsets(by_folder, is_complete)

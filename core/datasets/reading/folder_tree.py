"""The folders of an upload as places, without the folders that only wrap others."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.datasets.reading.image_files import has_image_suffix, looks_like_an_image
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.subset_names import BESIDE_A_SUBSET, name_words

FILES_LOOKED_INTO = 5
# Of all folders together: each look opens a file.
MOST_FILES_LOOKED_INTO = 2000
FEWEST_SHARED_NAMES = 2
FRACTION_SHARED = 0.8


@dataclass(frozen=True, slots=True)
class Place:
    """One folder and the files directly in it.

    folders: the names above its files that may be classes, from the outside in.
    around: the names of subsets and sets above them, which are shown in the names of the files.
    subset: ``train``, ``validation``, ``test`` or None.
    """

    folders: tuple[str, ...]
    files: Sequence[RawFile]
    around: tuple[str, ...] = ()
    subset: str | None = None

    def without(self, level: int) -> "Place":
        """The place where the folder at ``level``, from 1, is no class; itself if less deep."""
        if len(self.folders) < level:
            return self
        return replace(self, folders=(*self.folders[: level - 1], *self.folders[level:]))

    def in_subset(self, level: int, subset: str | None) -> "Place":
        """The place where the folder at ``level`` is only shown, and stands for a subset."""
        around = (*self.around, self.folders[level - 1])
        return replace(self.without(level), around=around, subset=subset)


def places_of(files: Iterable[RawFile]) -> list[Place]:
    """The folders that hold images; all of them where none does."""
    by_folder: dict[tuple[str, ...], list[RawFile]] = defaultdict(list)
    for raw in files:
        by_folder[raw.parts[:-1]].append(raw)
    places = [Place(folders, members) for folders, members in by_folder.items()]
    looks = MOST_FILES_LOOKED_INTO
    with_images = []
    for place in places:
        is_place = any(has_image_suffix(raw.name) for raw in place.files)
        if not is_place and looks > 0:
            looks -= FILES_LOOKED_INTO
            is_place = any(map(looks_like_an_image, place.files[:FILES_LOOKED_INTO]))
        if is_place:
            with_images.append(place)
    return with_images or places


def below(places: Iterable[Place], level: int = 1) -> dict[str, list[Place]]:
    """The places below each folder of a level, by its name."""
    groups: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        if len(place.folders) >= level:
            groups[place.folders[level - 1]].append(place)
    return dict(groups)


def names_inside(places: Iterable[Place], level: int = 1) -> set[str]:
    """The names of the folders of a level."""
    return {place.folders[level - 1] for place in places if len(place.folders) >= level}


def count_files(places: Iterable[Place]) -> int:
    return sum(len(place.files) for place in places)


def unwrap(places: list[Place]) -> list[Place]:
    """Drop the top folder as long as it is the only one and contains folders."""
    while len(names_inside(places)) == 1 and any(len(place.folders) > 1 for place in places):
        # Files beside the wrapping folder are in no folder then, and so remain without a class.
        places = [place.without(1) for place in places]
    return places


def unwrap_inside(groups: Mapping[str, list[Place]]) -> dict[str, list[Place]]:
    """Drop folders between each of several folders and its classes: ``seg_train/seg_train/...``."""
    if all(len(place.folders) < 2 for members in groups.values() for place in members):
        return dict(groups)
    inside = {name: names_inside(members, 2) for name, members in groups.items()}
    everywhere = Counter(only for names in inside.values() for only in names)
    unwrapped = {}
    for name, members in groups.items():
        while len(inside[name]) == 1:
            (only,) = inside[name]
            goes_on = any(len(place.folders) > 2 for place in members)
            words = name_words(only)
            is_wrapper = only == name or (bool(words) and words <= BESIDE_A_SUBSET)
            if not (is_wrapper or (goes_on and everywhere[only] == 1)):
                break
            members = [place.without(2) for place in members]
            everywhere[only] -= 1
            inside[name] = names_inside(members, 2)
            everywhere.update(inside[name])
        unwrapped[name] = members
    return unwrapped


def shared_names(inside: Mapping[str, Collection[str]]) -> list[str]:
    """The names inside most of several folders, where nearly all their folders have such names.

    Empty where there are fewer than two, or where more than a fifth of the folders inside have
    names of their own.
    """
    opened = [names for names in inside.values() if names]
    if len(opened) < 2 or len(opened) < FRACTION_SHARED * len(inside):
        return []
    counts = Counter(name for names in opened for name in names)
    shared = sorted(name for name, count in counts.items() if count >= max(2, len(opened) / 2))
    together = sum(counts[name] for name in shared)
    if len(shared) < FEWEST_SHARED_NAMES or together < FRACTION_SHARED * counts.total():
        return []
    return shared

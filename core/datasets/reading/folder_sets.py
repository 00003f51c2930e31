"""Sets: folders beside one another with the same folders inside, and those that are copies."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.folder_tree import (
    FRACTION_SHARED,
    Place,
    below,
    names_inside,
    shared_names,
    unwrap,
    unwrap_inside,
)
from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.subset_names import subset_of, subsets_of_folders
from core.text import some_text

TOP = ""
"""The name given to the set of class folders that have no folder around them."""
PAIRS_COMPARED = 20
MOST_BYTES_COMPARED = 64 * 1024**2
FRACTION_COPIED = 0.5
_NAMES_SHOWN = 3

_Key = tuple[tuple[str, ...], str, int]


def unwrap_sets(places: list[Place]) -> list[Place]:
    """Drop folders between each set and its folders, so that those of all sets are level."""
    places = _with_top(unwrap(places))
    tops = below(places)
    if len(tops) < 2:
        return places
    level = [place for members in unwrap_inside(tops).values() for place in members]
    if not shared_names({name: names_inside(p, 2) for name, p in below(level).items()}):
        return places
    return [*(place for place in places if not place.folders), *level]


def _with_top(places: list[Place]) -> list[Place]:
    """``cats``, ``dogs`` and ``more/cats``, ``more/dogs``: two sets, one without a name."""
    tops = below(places)
    if len(tops) < 3:
        return places
    for name, members in tops.items():
        if all(len(place.folders) < 2 for place in members):
            continue
        (inside,) = unwrap_inside({name: members}).values()
        names = names_inside(inside, 2)
        shared = sum(other in tops and other != name for other in names)
        if shared >= 2 and shared >= FRACTION_SHARED * max(len(names), len(tops) - 1):
            beside = [place for place in places if place.folders and place.folders[0] != name]
            loose = [place for place in places if not place.folders]
            above = [replace(place, folders=(TOP, *place.folders)) for place in beside]
            return [*loose, *above, *inside]
    return places


def without_copies(places: list[Place], listing: Listing) -> list[Place]:
    """Leave out the files of a set that are in a set before it under the same name, with a note.

    Names and sizes are compared for all of them, and bytes for some.
    """
    tops = below(places)
    subsets = {subset for subset in subsets_of_folders(list(tops)).values() if subset}
    inside = {name: names_inside(members, 2) for name, members in tops.items()}
    if len(tops) < 2 or subsets - {"train"} or not shared_names(inside):
        return places
    order = sorted(tops, key=lambda name: (_depth(tops[name]), name))
    seen: dict[_Key, RawFile] = {}
    copies: set[int] = set()
    copied_sets, original_sets = [], []
    for name in order:
        own = dict(_keys(tops[name]))
        again = [key for key in own if key in seen]
        if len(again) >= FRACTION_COPIED * len(own) and _are_same(
            [own[k] for k in again], [seen[k] for k in again]
        ):
            copies.update(id(own[key]) for key in again)
            copied_sets.append(_shown_folder(own[again[0]], name))
        else:
            original_sets.append(name)
        for key, raw in own.items():
            seen.setdefault(key, raw)
    if not copies:
        return places
    where = some_text(sorted(copied_sets), _NAMES_SHOWN)
    other = some_text([name or "the folders beside it" for name in original_sets], _NAMES_SHOWN)
    listing.leave_out(len(copies), f"in {where} that are in {other} as well")
    kept = [
        replace(place, files=[raw for raw in place.files if id(raw) not in copies])
        for place in places
    ]
    return [place for place in kept if place.files]


def _keys(places: Iterable[Place]) -> Iterator[tuple[_Key, RawFile]]:
    """Each file by its folders inside the set (those of subsets do not count), name and size."""
    for place in places:
        folders = tuple(folder for folder in place.folders[1:] if subset_of(folder) is None)
        for raw in place.files:
            yield (folders, raw.name, raw.size_bytes), raw


def _depth(places: list[Place]) -> int:
    return min(len(place.files[0].parts) for place in places)


def _shown_folder(raw: RawFile, name: str) -> str:
    """The path of the folder of a set, below which the file is."""
    folders = raw.parts[:-1]
    inner = len(folders) - 1 - folders[::-1].index(name) if name in folders else 0
    return "/".join(folders[: inner + 1])


def _are_same(files: list[RawFile], others: list[RawFile]) -> bool:
    """Whether some pairs, spread over all, have the same bytes."""
    budget = MOST_BYTES_COMPARED
    step = max(1, len(files) // PAIRS_COMPARED)
    for one, other in list(zip(files, others, strict=True))[::step]:
        if one.size_bytes > budget:
            continue
        budget -= one.size_bytes
        try:
            if one.read() != other.read():
                return False
        except UnreadableImageError:
            return False
    return bool(files)

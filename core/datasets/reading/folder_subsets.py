"""Folders of a given split: ``train/CLASS`` and ``CLASS/train``, and those that a person names."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.datasets.reading.class_subsets import class_and_subset, named_subsets
from core.datasets.reading.folder_tree import (
    Place,
    below,
    count_files,
    names_inside,
    shared_names,
    unwrap,
    unwrap_inside,
)
from core.datasets.reading.raw_files import Listing, bad_source
from core.datasets.reading.subset_names import is_to_predict, subset_of, subsets_of_folders
from core.text import some_text

# cats/train/1.jpg, colour/cats/train/1.jpg
DEEPEST_SUBSETS = 3
FOLDERS_SHOWN = 8


@dataclass(frozen=True)
class Split:
    """The places without their folders of subsets.

    folders: the names of the folders that were taken as subsets.
    without_class: places of subsets that have no class folders, by the folder of the subset.
    """

    places: list[Place]
    folders: tuple[str, ...] = ()
    without_class: Mapping[str, list[Place]] = field(default_factory=dict)

    def note(self, listing: Listing) -> None:
        for name, places in sorted(self.without_class.items()):
            listing.leave_out(
                count_files(places), f"in {name}, in no class folder there and so without a label"
            )
        if self.folders:
            names = [name or "those at the top" for name in self.folders]
            folders = ", ".join(names) if len(names) <= FOLDERS_SHOWN else some_text(names, 4)
            what = "folder {} was" if len(names) == 1 else "folders {} were"
            listing.notes.append(f"The {what.format(folders)} used as the split.")


def split_of(places: list[Place], chosen: Mapping[str, str]) -> Split:
    """The split that folders give, as a person chose it or as their names say."""
    if chosen:
        return _chosen_split(places, chosen)
    places = unwrap(places)
    return (
        _subsets_outside(places)
        or _subsets_inside(places)
        or _subsets_in_names(places)
        or Split(places)
    )


def _chosen_split(places: list[Place], chosen: Mapping[str, str]) -> Split:
    """``chosen``: the subset by the name or the path of a folder; others by their names.

    Raises ``BadInput`` where a folder is not there.
    """
    found: dict[str, str] = {}
    levels = {id(place): _chosen_level(place, chosen) for place in places}
    # The classes in each folder that was chosen: what has them inside is a set like it.
    classes = {
        (at, place.folders[at])
        for place in places
        if (at := levels[id(place)][0]) and len(place.folders) > at
    }
    marked = []
    for place in places:
        at, name = levels[id(place)]
        if at:
            found[name] = place.folders[at - 1]
            place = _in_chosen(place, at, chosen[name])
        else:
            subsets = {level: subset_of(name) for level, name in enumerate(place.folders, start=1)}
            by_name = next((level for level, subset in subsets.items() if subset), None)
            beside = next((at for at, name in enumerate(place.folders) if (at, name) in classes), 0)
            if by_name is not None:
                place = place.in_subset(by_name, subsets[by_name])
            elif beside:
                place = place.in_subset(beside, None)
        marked.append(place)
    missing = [folder for folder in chosen if folder not in found]
    if missing:
        raise bad_source(f"There is no folder {missing[0]!r} with images to use as a subset.")
    if not any(place.subset == "train" for place in marked):
        marked = [replace(place, subset=place.subset or "train") for place in marked]
    return Split(unwrap(marked), tuple(sorted(set(found.values()))))


def _in_chosen(place: Place, level: int, subset: str) -> Place:
    """``train_cats`` with no folder inside is a class as well."""
    named = class_and_subset(place.folders[level - 1]) if level == len(place.folders) else None
    chosen = place.in_subset(level, subset)
    return replace(chosen, folders=(*chosen.folders, named[0])) if named else chosen


def _chosen_level(place: Place, chosen: Mapping[str, str]) -> tuple[int, str]:
    path = place.files[0].parts[:-1]
    around = len(path) - len(place.folders)
    for level in range(len(place.folders), 0, -1):
        for name in ("/".join(path[: around + level]), place.folders[level - 1]):
            if name in chosen:
                return level, name
    return 0, ""


def _subsets_outside(places: list[Place]) -> Split | None:
    """``train/CLASS``, ``test/CLASS`` and the like; None where there are none.

    A subset without labels, as in competitions, is left out.
    """
    tops = below(places)
    subsets = subsets_of_folders(list(tops))
    inside = unwrap_inside({name: tops[name] for name in tops if subsets[name]})
    others = [name for name in tops if name not in inside and not is_to_predict(name)]
    if len(others) == 1 and inside and "train" not in subsets.values():
        # rps beside rps-test-set: what is not for testing is for training.
        twin = unwrap_inside({others[0]: tops[others[0]]} | inside)
        names = {name: names_inside(members, 2) for name, members in twin.items()}
        if names[others[0]] and shared_names({name: n for name, n in names.items() if n}):
            inside, others = twin, []
            subsets = {name: subset or "train" for name, subset in subsets.items()}
    classes = {
        folder
        for name in inside
        if subsets[name] == "train"
        for folder in names_inside(inside[name], 2)
    }
    labelled = {
        name: members
        for name, members in inside.items()
        if names_inside(members, 2) and not _is_for_prediction(members, subsets[name], classes)
    }
    to_predict = {name: tops[name] for name in tops if is_to_predict(name)}
    without_class = to_predict | {n: m for n, m in inside.items() if n not in labelled}
    if not labelled:
        # Directly in train and test: the file names may contain the class.
        is_flat = len({subsets[name] for name in inside}) > 1 and not others
        if not is_flat:
            return None
        return Split([], (), _in_their_subsets(inside, subsets) | to_predict)
    given = {subsets[name] for name in labelled}
    if len(given) < 2 and (others or len(tops) < 2):
        return None
    marked = _in_their_subsets(labelled, subsets if len(given) > 1 else {})
    # Files beside the class folders of a subset have no class.
    kept = unwrap([place for members in marked.values() for place in members if place.folders])
    folders = tuple(sorted(labelled)) if len(given) > 1 else ()
    return Split(kept, folders, _in_their_subsets(without_class, subsets))


def _in_their_subsets(
    groups: Mapping[str, list[Place]], subsets: Mapping[str, str | None]
) -> dict[str, list[Place]]:
    return {
        name: [place.in_subset(1, subsets.get(name)) for place in members]
        for name, members in groups.items()
    }


def _is_for_prediction(places: list[Place], subset: str | None, classes: set[str]) -> bool:
    """``test/unknown/1.jpg``: a folder that exists only because a library requires one."""
    known = {name.strip().casefold() for name in classes}
    names = [name.strip().casefold() for name in names_inside(places, 2)]
    return subset != "train" and len(names) == 1 and len(known) > 1 and names[0] not in known


def _subsets_inside(places: list[Place]) -> Split | None:
    """``cats/train/1.jpg``, ``cats/test/2.jpg``: folders of subsets inside the class folders."""
    in_folders = [place for place in places if place.folders]
    for level in range(2, DEEPEST_SUBSETS + 1):
        folders = {p.folders[level - 1] if len(p.folders) >= level else "" for p in in_folders}
        subsets = {folder: subset_of(folder) for folder in folders}
        if None in subsets.values() or len(set(subsets.values())) < 2:
            continue
        marked = [place.in_subset(level, subsets[place.folders[level - 1]]) for place in in_folders]
        return Split(unwrap(marked), tuple(sorted(folders)))
    return None


def _subsets_in_names(places: list[Place]) -> Split | None:
    """``trainA``, ``trainB``, ``testA``, ``testB``: class and subset in the name of each folder."""
    named = named_subsets(list(below(places)))
    if named is None or not named.is_complete:
        return None
    marked = []
    for place in places:
        if place.folders:
            class_name, subset = named.by_folder[place.folders[0]]
            inside = place.in_subset(1, subset)
            place = replace(inside, folders=(class_name, *inside.folders))
        marked.append(place)
    return Split(marked, tuple(sorted(named.by_folder)))

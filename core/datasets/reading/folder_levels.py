"""Which level of folders may be the classes: the outer ones, or those inside them."""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.datasets.reading.aside_folders import aside_folders
from core.datasets.reading.companions import FEWEST_ALIKE, are_paired
from core.datasets.reading.folder_sets import TOP
from core.datasets.reading.folder_tree import Place, below, names_inside, shared_names
from core.datasets.reading.folder_words import (
    is_channel,
    is_format,
    is_numbered,
    is_part,
    is_size,
    is_version,
    most,
    says_how,
)
from core.datasets.reading.image_files import stem
from core.datasets.reading.reader import FEWEST_CLASSES, NAMES_SHOWN
from core.datasets.reading_choice import Choice
from core.text import list_text, some_text

DEEPEST_LEVEL = 3
MOST_SETS_OFFERED = 4
MOST_FOLDERS_PAIRED = 4
MOST_SAME_NAMES = 20
FRACTION_OPENED = 0.5
MOST_CLASSES_OF_LEVEL = 1000
_ORDINALS = ("first", "second", "third")


@dataclass(frozen=True)
class Level:
    """A level of folders, from 1, as the classes.

    without: folders to leave out, as patterns of paths; ``title`` says what is taken. ``level`` is
        counted in what is left.
    doubt: why it may be wrong; None where it is clear.
    note: what to know where it is taken.
    """

    level: int
    title: str
    doubt: str | None = None
    note: str | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Pair:
    """Two levels: the folders of the upper one, each with the names of those inside it.

    closed: folders of the upper level that hold images directly.
    """

    level: int
    inside: dict[str, set[str]]
    closed: set[str]

    @property
    def names(self) -> list[str]:
        return sorted(self.inside)

    @property
    def names_inside(self) -> list[str]:
        return sorted(set().union(*self.inside.values()))

    @property
    def outer(self) -> str:
        return _shown(self.names)

    @property
    def inner(self) -> str:
        return _shown(self.names_inside)


def levels_of(places: Sequence[Place]) -> list[Level]:
    """The levels that may be the classes, the likelier first; at least one has no doubt, or all do.

    Empty where there are no two folders of a level.
    """
    found = _levels_from(places, 1)
    seen: dict[tuple[int, tuple[str, ...]], Level] = {}
    for entry in found:
        seen.setdefault((entry.level, entry.without), entry)
    return _without_aside(places, list(seen.values()))


def _without_aside(places: Sequence[Place], levels: list[Level]) -> list[Level]:
    """The levels; where folders of one seem to be put aside, it is offered without them as well."""
    found = []
    for entry in levels:
        groups = below(places, entry.level)
        aside = aside_folders(list(groups)) if not entry.without else []
        if aside:
            shown = list_text(aside)
            paths = tuple(path for name in aside for path in _paths(groups[name], name))
            title = f"{entry.title} without {shown}"
            doubt = f"Right if the images in {shown} are copies, or put aside, or not sorted yet."
            found.append(replace(entry, title=title, doubt=doubt, without=paths))
            own = "is a class of its own" if len(aside) == 1 else "are classes of their own"
            doubt = f"Right if {shown} {own}."
            entry = replace(entry, doubt=entry.doubt or doubt)
        found.append(entry)
    return found


def level_of_choice(places: Sequence[Place], level: int) -> Level | None:
    """The level that a person chose; None where no image is in so deep a folder."""
    names = sorted(names_inside(places, level))
    return Level(level, _title(level, names, _depth(places))) if names else None


def _levels_from(places: Sequence[Place], level: int) -> list[Level]:
    pair = _pair(places, level)
    title = _title(level, pair.names, _depth(places))
    if len(pair.inside) < FEWEST_CLASSES:
        return []
    if level == DEEPEST_LEVEL or not _is_level(places, level + 1) or _adds_nothing(pair):
        return [Level(level, title, _doubt_of_flat(places, level))]
    clear = Level(level, title, _doubt_of_formats(pair.names), note=_note_of_inner(pair))
    deeper = _levels_from(places, level + 1)
    shared = shared_names(pair.inside)
    above_says_how = most(pair.names, says_how)
    below_says_how = most(pair.names_inside, says_how, *([] if shared else [is_numbered]))
    if TOP in pair.inside:
        return _sets(places, pair, deeper, has_versions=True)
    if above_says_how and not below_says_how:
        return _sets(places, pair, deeper, most(pair.names, is_version))
    opened = [name for name, names in pair.inside.items() if len(names) > 1]
    opened = [name for name in opened if name not in pair.closed]
    if (below_says_how and not above_says_how) or len(opened) < FRACTION_OPENED * len(pair.inside):
        return [clear, *_in_doubt(deeper, level, _inner_doubt(pair))]
    doubt = f"Right if what is inside ({pair.inner}) makes no difference to the class."
    outer = Level(level, title, doubt)
    if not shared:
        return [outer, *_in_doubt(deeper, level, _inner_doubt(pair))]
    alone = _each_alone(places, pair) if level == 1 else []
    return [*_in_doubt(deeper, level, _together_doubt(pair)), outer, *alone]


def _sets(
    places: Sequence[Place], pair: _Pair, deeper: list[Level], has_versions: bool
) -> list[Level]:
    """The folders inside several sets as the classes; in doubt where the sets are versions."""
    names = [_name(name) for name in pair.names]
    note = (
        f"The folders {some_text(names, NAMES_SHOWN)} were put together: the classes are the"
        f" folders inside them ({pair.inner})."
    )
    if not has_versions:
        doubt = f"Right if the folders inside ({pair.inner}) make no difference to the class."
        together = [entry if entry.doubt else replace(entry, note=note) for entry in deeper]
        return [*together, Level(pair.level, _title(pair.level, names, _depth(places)), doubt)]
    doubt = (
        f"The folders {some_text(names, NAMES_SHOWN)} look like versions of the same images."
        " If they are, take one: an image of the test must not be in training in another version."
    )
    return [
        *_in_doubt(deeper, pair.level, doubt),
        *(_each_alone(places, pair) if pair.level == 1 else []),
    ]


def _each_alone(places: Sequence[Place], pair: _Pair) -> list[Level]:
    """The folders inside one set alone, for each of a few sets."""
    if len(pair.inside) > MOST_SETS_OFFERED:
        return []
    groups = below(places)
    paths = {name: _paths(members, name) for name, members in groups.items()}
    found = []
    for name in pair.names:
        others = tuple(path for other in pair.names if other != name for path in paths[other])
        own = sorted(pair.inside[name])
        if len(own) < FEWEST_CLASSES or not others:
            continue
        # A pattern without a path fits folders of that name anywhere.
        taken = Choice(leave_out=others)
        if any(taken.leaves_out(place.files[0].parts) for place in groups[name]):
            continue
        inside = f"inside {name} alone" if name != TOP else "at the top alone"
        title = f"The classes are the folders {inside} ({_shown(own)})"
        rest = list_text([_name(other) for other in pair.names if other != name])
        doubt = f"Right if {rest} should be left out."
        found.append(Level(pair.level, title, doubt, without=others))
    return found


def _paths(members: Sequence[Place], name: str) -> tuple[str, ...]:
    """Patterns for the paths of a set, or of its folders where it has none of its own."""
    wanted = {name} if name != TOP else {p.folders[1] for p in members if len(p.folders) > 1}
    paths = set()
    for place in members:
        parts = place.files[0].parts[:-1]
        at = next((at for at, part in enumerate(parts) if part in wanted), None)
        if at is not None:
            paths.add(glob.escape("/".join(parts[: at + 1])))
    return tuple(sorted(paths))


def _pair(places: Sequence[Place], level: int) -> _Pair:
    inside: dict[str, set[str]] = {}
    closed = set()
    for place in places:
        if len(place.folders) < level:
            continue
        names = inside.setdefault(place.folders[level - 1], set())
        if len(place.folders) > level:
            names.add(place.folders[level])
        else:
            closed.add(place.folders[level - 1])
    return _Pair(level, inside, closed)


def _adds_nothing(pair: _Pair) -> bool:
    """Whether the folders inside divide the images no further: ``cats/images``, ``cat/cat_1``."""
    opened = {name: names for name, names in pair.inside.items() if names}
    if len(pair.names_inside) < FEWEST_CLASSES:
        return True
    if most(pair.names, is_part, is_version):
        return False
    if all(len(names) == 1 for names in opened.values()):
        return len(pair.names_inside) == len(opened)
    repeats = [
        name.casefold().startswith(outer.casefold())
        and not any(letter.isalpha() for letter in name[len(outer) :])
        for outer, names in opened.items()
        for name in names
    ]
    return all(repeats)


def _is_level(places: Sequence[Place], level: int) -> bool:
    """Whether there are at least two folders of a level, and not thousands of single images."""
    counts: dict[str, int] = {}
    for name, members in below(places, level).items():
        counts[name] = sum(len(place.files) for place in members)
    several = FEWEST_CLASSES <= len(counts) <= MOST_CLASSES_OF_LEVEL
    return several and sum(counts.values()) >= 2 * len(counts)


def _doubt_of_flat(places: Sequence[Place], level: int) -> str | None:
    """Why folders that are the only level may be no classes."""
    groups = below(places, level)
    names = sorted(groups)
    stems = [stem(raw.name) for members in groups.values() for p in members for raw in p.files]
    if 2 * sum(map(is_size, stems)) > len(stems):
        return "The file names are sizes: these seem to be the same images in several sizes."
    if most(names, is_version):
        return (
            f"The folders {_shown(names)} are named like versions of the same images, not like"
            " classes."
        )
    if most(names, is_part) and not all(name.isdecimal() for name in names):
        return (
            f"The folders {_shown(names)} are named like parts of one collection (batches, cameras"
            " or days), not like classes."
        )
    if len(groups) <= MOST_FOLDERS_PAIRED and level == 1:
        files = {
            name: [raw for place in members for raw in place.files]
            for name, members in groups.items()
        }
        if are_paired(files):
            return (
                f"The folders {list_text(names)} hold images of the same names: if each image"
                " belongs to one in the other folder (before and after, two cameras), they are no"
                " classes."
            )
    return _doubt_of_same_names(groups) or _doubt_of_formats(names)


def _doubt_of_same_names(groups: dict[str, list[Place]]) -> str | None:
    """``P001/AP.png``, ``P001/LAT.png``, ``P002/AP.png``: a folder for each patient or object."""
    names = [{stem(raw.name) for p in members for raw in p.files} for members in groups.values()]
    common = set.intersection(*names)
    if (
        len(groups) < FEWEST_ALIKE
        or not FEWEST_CLASSES <= len(common) <= MOST_SAME_NAMES
        or any(len(own) > len(common) for own in names)
        or any(re.search(r"\d", name) and not is_channel(name) for name in common)
    ):
        return None
    return (
        f"Each folder holds the same names ({some_text(sorted(common), NAMES_SHOWN)}), as views or"
        " bands of one patient, object or place have them: right if each folder is a class."
    )


def _doubt_of_formats(names: Sequence[str]) -> str | None:
    of_formats = [name for name in names if not name.isdecimal() and is_format(name)]
    if not of_formats:
        return None
    return f"The folders {_shown(of_formats)} are named like formats or sizes, not like classes."


def _note_of_inner(pair: _Pair) -> str | None:
    for name, names in sorted(pair.inside.items()):
        if len(names) > 1 and name not in pair.closed:
            return (
                f"The classes are the folders of the {_ORDINALS[pair.level - 1]} level"
                f" ({pair.outer}). The folders inside {name or 'them'} ({_shown(sorted(names))})"
                " were taken as one class. If each is a class, choose the folders inside."
            )
    return None


def _inner_doubt(pair: _Pair) -> str:
    return f"Right if each of the folders inside {pair.outer} is a class of its own."


def _together_doubt(pair: _Pair) -> str:
    return f"Right if {pair.outer} only divide the images (people, places, cameras or days)."


def _in_doubt(deeper: Sequence[Level], level: int, doubt: str) -> list[Level]:
    """The levels below one with a doubt; the doubts of those further below stay."""
    return [
        entry if entry.doubt and entry.level > level + 1 else replace(entry, doubt=doubt)
        for entry in deeper
    ]


def _title(level: int, names: Sequence[str], depth: int) -> str:
    if depth == 1:
        return "The classes are the folders"
    ordinal = _ORDINALS[level - 1] if level <= len(_ORDINALS) else f"{level}th"
    return f"The classes are the folders of the {ordinal} level ({_shown(names)})"


def _depth(places: Sequence[Place]) -> int:
    return max((len(place.folders) for place in places), default=0)


def _shown(names: Sequence[str]) -> str:
    return some_text([_name(name) for name in names], NAMES_SHOWN)


def _name(name: str) -> str:
    return name if name != TOP else "those at the top"

"""Classes in file names: clear ones such as ``cat.0.jpg``, and patterns that may be meant."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.datasets.reading.folder_words import PAIR_WORDS, is_channel, says_how
from core.datasets.reading.reader import NAMES_SHOWN
from core.datasets.reading.subset_names import subset_of, words
from core.datasets.reading_choice import class_finder
from core.text import some_text

FEWEST_NAMED_ALIKE = 3
MOST_NAMED_CLASSES = 200
FRACTION_WITH_A_CLASS = 0.95
FRACTION_CROSSED = 0.7
MOST_NUMBERS_AS_CLASSES = 20
MOST_PATTERNS = 5
NAMES_TRIED = 5000
MOST_PARTS = 8
# "cat.0", "cat_001", "cat (3)", "n01440764_10026": a letter, a separator, a number.
_NUMBERED = re.compile(r"^(.*[^\W\d_]|.*?[^\W\d_].*?(?=[\W_]))[\W_]*\d+[\W_]*$")
# A01 to P24
_WELL = re.compile(r"[A-P](0[1-9]|1\d|2[0-4])")
_DATE = re.compile(r"(19|20)\d\d[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])")
# What cameras, telephones, scanners and programs write before a number.
_OF_MACHINES = words(
    "img image images imgs imag dsc dscn dscf dscnf dcim pic pics picture pictures photo photos "
    "foto fotos photograph bild bilder imagen imagenes frame frames screenshot screenshots "
    "bildschirmfoto screen shot shots scan scans scanned capture captured snapshot snap snaps "
    "video videos vid mov movie mvi clip gopr gopro gp dji pxl whatsapp signal telegram fb "
    "facebook instagram received untitled unbenannt unnamed download downloads file files page "
    "slide slides figure fig cam camera crop crops cropped tile tiles patch patches sample "
    "samples example input output result results new copy kopie copia data dataset jpeg jpg png "
    "bmp tif tiff uuid id idx index nr no num number at am pm kinect webcam wp wa sam sdc pano "
    "hdr burst mvimg p cimg st k kimg rimg hpim sany pict"
)
DOUBT = "Only you can say whether this part of the names is the class."
_Key = TypeVar("_Key")
_SEPARATORS = {"_": "underscore", ".": "dot", "-": "hyphen", " ": "blank"}


@dataclass(frozen=True)
class NamedClasses:
    """What file names say.

    pattern: for ``Choice.name_pattern``; None for what stands before the number.
    where: where the class is, for people. classes: by name of the file without its ending.
    """

    pattern: str | None
    where: str
    classes: Mapping[str, str]
    doubt: str | None = None


def before_number(text: str) -> str | None:
    """The part before the number in ``cat.0``, ``cat_001`` or ``cat (3)``, or None."""
    found = _NUMBERED.match(text)
    return found.group(1).strip(" ._-(") or None if found else None


def named_classes(stems: Sequence[str], *, is_before_dot: bool = False) -> list[NamedClasses]:
    """The ways to read classes from names without their endings: one that is clear, or several.

    ``is_before_dot``: the program that wrote them puts the class before the first dot.
    """
    if is_before_dot:
        pattern = "{class}.*"
        found = classes_by_pattern(pattern, stems)
        return [NamedClasses(pattern, "before the first dot", found)] if found else []
    clear = _clear_classes(stems)
    if clear is not None and not _are_crossed(set(clear.values())):
        are_wells = all(_WELL.fullmatch(text) for text in stems)
        wells = "The names are those of wells of a plate: right if each row is a class."
        doubt = wells if are_wells else _doubt_of_views(clear)
        return [NamedClasses(None, "before the number", clear, doubt)]
    tried = stems[:: max(1, len(stems) // NAMES_TRIED)]
    offered: list[NamedClasses] = []
    worded: list[NamedClasses] = []
    of_parts = _patterns_of_parts(tried)
    for pattern, where in [*of_parts, *_patterns(tried)]:
        few = classes_by_pattern(pattern, tried)
        # The first digit of a number is no class.
        is_cut = "{class}#" in pattern and not _has_letters(few.values())
        if is_cut or not _are_classes(few, len(tried), 1):
            continue
        found = classes_by_pattern(pattern, stems)
        is_new = not any(divide_alike(found, entry.classes) for entry in offered)
        if is_new and _are_classes(found, len(stems)):
            offered.append(NamedClasses(pattern, where, found, DOUBT))
            worded += [offered[-1]] if _has_letters(found.values()) else []
        if len(worded) == MOST_PATTERNS:
            break
    # Beside words a number is a mere count, and in dates it is no class either.
    if not worded and any(_DATE.search(text) for text in tried):
        before_dates = {pattern for pattern, _ in of_parts}
        offered = [entry for entry in offered if entry.pattern in before_dates]
    return (worded or offered)[:MOST_PATTERNS]


def is_repeated(counts: Mapping[str, int]) -> bool:
    """Whether a few names that are words, ``AP`` and ``LAT``, come again in most folders."""
    return (
        2 <= len(counts) <= MOST_NUMBERS_AS_CLASSES
        and min(counts.values()) >= FEWEST_NAMED_ALIKE
        and all(is_channel(name) or not re.search(r"\d", name) for name in counts)
        and not any(map(_is_of_machine, counts))
    )


def divide_alike(one: Mapping[_Key, str], other: Mapping[_Key, str]) -> bool:
    """Whether two ways divide the same things in the same way, whatever the classes are called."""
    if len(one) != len(other):
        return False
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for key, name in one.items():
        found = other.get(key)
        if found is None or there.setdefault(name, found) != found:
            return False
        if back.setdefault(found, name) != name:
            return False
    return True


def are_one_to_one(pairs: Collection[tuple[object, object]]) -> bool:
    """Whether, in different pairs, each first one has one second one and the other way round."""
    return len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


def classes_by_pattern(pattern: str, stems: Iterable[str]) -> dict[str, str]:
    """The classes that a pattern finds; names that it does not fit are absent."""
    find = class_finder(pattern)
    return {text: found for text in stems if (found := find(text))}


def _clear_classes(stems: Sequence[str]) -> dict[str, str] | None:
    classes: dict[str, str] = {}
    names: set[str] = set()
    for count, text in enumerate(stems, start=1):
        found = before_number(text)
        if found:
            classes[text] = found
            names.add(found)
        at_most = len(classes) + len(stems) - count
        if len(names) > MOST_NAMED_CLASSES or at_most < FRACTION_WITH_A_CLASS * len(stems):
            return None
    if not _are_classes(classes, len(stems)):
        return None
    return None if any(map(_has_subset, names)) else classes


def _are_classes(classes: Mapping[str, str], count: int, fewest: int = FEWEST_NAMED_ALIKE) -> bool:
    """Whether nearly all of ``count`` names have one of 2 to 200 classes that may be meant."""
    counts = Counter(classes.values())
    if not count or counts.total() < FRACTION_WITH_A_CLASS * count:
        return False
    if not 2 <= len(counts) <= MOST_NAMED_CLASSES:
        return False
    if sum(n for n in counts.values() if n < fewest) > (1 - FRACTION_WITH_A_CLASS) * count:
        return False
    if fewest > 1 and min(counts.values()) < fewest and counts.total() < 20 * len(counts):
        return False
    if not _has_letters(counts) and len(counts) > MOST_NUMBERS_AS_CLASSES:
        return False
    return 2 * sum(map(_is_of_machine, counts)) <= len(counts)


def _doubt_of_views(classes: Mapping[str, str]) -> str | None:
    """Why ``left_01``, ``right_01`` may be no classes: the same images, taken or kept twice."""
    names = set(classes.values())
    if not all(says_how(name) or name.casefold() in PAIR_WORDS for name in names):
        return None
    shown = some_text(sorted(names), NAMES_SHOWN)
    return f"The names {shown} say how images were taken or kept: right if these are the classes."


def _has_letters(names: Iterable[str]) -> bool:
    return any(letter.isalpha() for name in names for letter in name)


def _is_of_machine(name: str) -> bool:
    """Whether it is what machines write, a date, or the name of a subset."""
    found = re.findall(r"[^\W\d_]+", name.casefold())
    return (
        subset_of(name) is not None
        or bool(_DATE.search(name))
        or (bool(found) and all(word in _OF_MACHINES for word in found))
    )


def _has_subset(name: str) -> bool:
    parts = re.split(r"[\W_]+", name)
    return _is_of_machine(name) or any(subset_of(part) is not None for part in parts)


def _are_crossed(classes: set[str]) -> bool:
    """Whether names such as ``anna_happy`` seem to combine two things."""
    pairs = [tuple(re.split(r"[\W_]+", name)) for name in classes]
    if len(pairs) < 4 or any(len(pair) != 2 for pair in pairs):
        return False
    first, second = ({pair[at] for pair in pairs} for at in (0, 1))
    whole = len(first) * len(second)
    return min(len(first), len(second)) > 1 and len(pairs) >= FRACTION_CROSSED * whole


def _patterns(stems: Sequence[str]) -> list[tuple[str, str]]:
    """Patterns that may fit, with where they find the class, for people."""
    found = []
    for sign, name in _SEPARATORS.items():
        if sum(sign in text for text in stems) >= FRACTION_WITH_A_CLASS * len(stems):
            found += [
                (f"{{class}}{sign}*", f"before the first {name}"),
                (f"*{sign}{{class}}", f"after the last {name}"),
                (f"{{class}}{sign}#", f"before the last {name} and the number"),
                (f"*{sign}{{class}}#", f"after the last {name}, before the number"),
            ]
    return [*found, ("{class}#", "before the number")]


def _patterns_of_parts(stems: Sequence[str]) -> list[tuple[str, str]]:
    """Patterns for each part of names that all have the same signs between their parts.

    Of names with a date in one part, only those before it count: what follows is a time or a count.
    """
    signs = Counter("".join(re.findall(r"[_. -]", text)) for text in stems)
    (common, count), *_ = signs.most_common(1)
    parts = [
        re.split(r"[_. -]", text)
        for text in stems
        if "".join(re.findall(r"[_. -]", text)) == common
    ]
    if count < FRACTION_WITH_A_CLASS * len(stems) or not 1 < len(parts[0]) <= MOST_PARTS:
        return []
    columns = list(zip(*parts, strict=True))
    tried = len(columns)
    if any(_DATE.search(text) for text in stems[:FEWEST_NAMED_ALIKE]):
        dates = [
            at
            for at, column in enumerate(columns)
            if 2 * sum(_DATE.match(cell) is not None for cell in column) > len(column)
        ]
        tried = dates[0] if dates else 0
    are_numbers = [all(cell.isdecimal() for cell in column) for column in columns]
    from_machine = any(all(map(_is_of_machine, set(column))) for column in columns[:tried])
    found = []
    for at, column in enumerate(columns):
        if at >= tried or (are_numbers[at] and from_machine):
            continue
        rest = ["#" if is_number else "*" for is_number in are_numbers]
        # "HA1": a word with its number.
        is_counted = all(re.fullmatch(r"[^\W\d_]+\d+", cell) for cell in column)
        rest[at] = "{class}#" if is_counted else "{class}"
        pattern = rest[0] + "".join(a + b for a, b in zip(common, rest[1:], strict=True))
        found.append((are_numbers[at], pattern, f"part {at + 1} of {len(columns)}"))
    # Words before numbers: a number is rarely the class.
    found.sort(key=lambda entry: entry[0])
    return [(pattern, where) for _, pattern, where in found]

"""Copies that programs keep beside images: ``thumbs``, ``oak-150x150.jpg``, ``oak-edited.jpg``."""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from core.datasets.reading.folder_words import is_size
from core.datasets.reading.image_files import stem, without_numbers
from core.datasets.reading.raw_files import RawFile, shown_name
from core.datasets.reading.subset_names import name_words, words

FRACTION_COPIED = 0.8
_SMALLER = words(
    "thumb thumbs thumbnail thumbnails preview previews miniatures vorschau vorschaubilder "
    "miniaturen miniaturas vignettes aperçus"
)
# Called so, a folder holds copies only of the images around it.
_EDITED = words(
    "small medium large full hd lowres highres web resized resize rescaled scaled compressed "
    "cropped crop crops orig original originals edited backup klein gross verkleinert originale "
    "bearbeitet petit recadré originaux pequeñas originales recortadas"
)
_WHOLE = words(
    "image images img imgs photo photos pic pics picture pictures orig original originals full "
    "fullsize large big hd highres raw bild bilder foto fotos originale"
)
_COPY = (
    "thumb|thumbnail|preview|small|resized|scaled|cropped|edited|bearbeitet|editado|copy|kopie"
    "|copie|copia"
)
_AT_END = re.compile(rf"(.+?)[\W_]+({_COPY}|\d{{2,4}}x\d{{2,4}})", re.IGNORECASE)
_WORD = re.compile(rf"{_COPY}|#x#", re.IGNORECASE)
_Folder = tuple[str, ...]


def copies_of(images: Sequence[RawFile]) -> list[tuple[list[RawFile], str]]:
    """Images that are copies of others, each group with words that complete "3 files"."""
    by_folder: dict[_Folder, list[RawFile]] = defaultdict(list)
    for raw in images:
        by_folder[raw.parts[:-1]].append(raw)
    if not any(map(_says_copies, {name for folder in by_folder for name in folder})):
        return _by_file_name(images)
    stems = {
        folder: {stem(raw.name).casefold() for raw in members}
        for folder, members in by_folder.items()
    }
    # The folders beside one another that hold whole images, by the folder around them.
    whole_beside: dict[_Folder, set[str]] = defaultdict(set)
    for folder in by_folder:
        for at, name in enumerate(folder):
            if frozenset() < name_words(name) <= _WHOLE:
                whole_beside[folder[:at]].add(name)
    found: dict[str, list[RawFile]] = defaultdict(list)
    for folder, members in by_folder.items():
        for at, name in enumerate(folder):
            others = _whole_folders(folder, at, whole_beside[folder[:at]])
            whole = set().union(*(stems.get(other, ()) for other in others))
            if whole and _are_named_so(members, whole):
                found[f"in {name}, copies of the images of the same names"] += members
                break
    groups = [(members, which) for which, members in found.items()]
    copied = {id(raw) for members, _ in groups for raw in members}
    return groups + _by_file_name([raw for raw in images if id(raw) not in copied])


def _says_copies(name: str) -> bool:
    """Whether a folder of that name may hold copies."""
    found = name_words(name)
    return (bool(found) and (_is_smaller(name) or found <= _EDITED)) or is_size(name)


def _is_smaller(name: str) -> bool:
    found = name_words(name)
    return found <= _SMALLER | _WHOLE and bool(found & _SMALLER)


def _whole_folders(folder: _Folder, at: int, whole_beside: set[str]) -> list[_Folder]:
    """Where the whole images may lie, if the folder at position ``at`` holds copies."""
    if not _says_copies(folder[at]):
        return []
    whole = [folder[:at] + folder[at + 1 :]]
    if _is_smaller(folder[at]):
        whole += [(*folder[:at], name, *folder[at + 1 :]) for name in sorted(whole_beside)]
    return whole


def _are_named_so(members: Sequence[RawFile], whole: set[str]) -> bool:
    named = sum(
        text in whole or _base(text) in whole
        for text in (stem(raw.name).casefold() for raw in members)
    )
    return named >= FRACTION_COPIED * len(members)


def _base(text: str) -> str | None:
    found = _at_end(text)
    return found[1] if found else None


def _at_end(text: str) -> re.Match[str] | None:
    """The name and the word of a copy at its end."""
    return _AT_END.fullmatch(text) if _has_word(without_numbers(text)) else None


@lru_cache(maxsize=65536)
def _has_word(text: str) -> bool:
    return _WORD.search(text) is not None


def _by_file_name(images: Sequence[RawFile]) -> list[tuple[list[RawFile], str]]:
    """``oak-150x150.jpg`` beside ``oak.jpg`` in the same folder."""
    matches = [(raw, found) for raw in images if (found := _at_end(stem(raw.name)))]
    if not matches:
        return []
    there = {(raw.parts[:-1], stem(raw.name)) for raw in images}
    named: dict[str, list[RawFile]] = defaultdict(list)
    copies: dict[str, list[RawFile]] = defaultdict(list)
    for raw, found in matches:
        word = "size" if is_size(found[2]) else found[2].casefold()
        named[word].append(raw)
        if (raw.parts[:-1], found[1]) in there:
            copies[word].append(raw)
    return [
        (members, f"named like {shown_name(members[0].name)}, copies of other images beside them")
        for word, members in copies.items()
        if len(members) >= FRACTION_COPIED * len(named[word])
    ]

"""Companions: images that belong to other images, such as masks, and files of programs.

An image is a companion where its folder or the end of its name has a word for such images, and most
of these have the name of another image. Where the names are only numbers, or a class may be called
so (people with masks), their pixels decide: masks have few levels.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.decode import decode_image
from core.datasets.reading.folder_words import PAIR_WORDS
from core.datasets.reading.image_copies import copies_of
from core.datasets.reading.image_files import has_image_suffix, stem, without_numbers
from core.datasets.reading.raw_files import RawFile, shown_name
from core.datasets.reading.subset_names import name_words, subset_of, words
from core.text import some_text

FRACTION_WITH_OTHERS = 0.8
IMAGES_LOOKED_AT = 5
MOST_FOLDERS_NAMED = 3
FEWEST_PAIRED, FEWEST_ALIKE = 3, 5
_BINS, _FEWEST_PIXELS, _MOST_LEVELS = 16, 0.01, 3

_WORDS = words(
    "mask masks annotation annotations annot annots annotated label labels labelled truth gt "
    "groundtruth trimap trimaps segmentation segmentations seg segs bbox bboxes boxes depth depths "
    "edge edges contour contours outline outlines saliency matte mattes alpha heatmap heatmaps "
    "maske masken masque masques mascara mascaras máscara máscaras maschera maschere "
    "segmentierung segmentierungen segmentación segmentacion annotationen anotacion anotaciones "
    "beschriftung beschriftungen etikett etiketten étiquette étiquettes etiqueta etiquetas "
    "verdad vérité verite tiefe tiefen profondeur profundidad kanten contours bordes"
)
# "ground truth masks png", "SegmentationClass", "binary_masks_train"
_BESIDE_WORDS = words(
    "ground image images img imgs png jpg jpeg tif set data folder dir files file pixel level "
    "wise binary semantic instance class object and all gray grey color colour raw map maps full"
)
_IMAGES = words(
    "image images img imgs photo photos picture pictures pic pics original originals orig rgb raw "
    "input inputs jpg jpeg jpegs png pngs jpegimages bild bilder foto fotos imagenes imágenes"
)
_ALTERNATIVES = "|".join(sorted(_WORDS, key=len, reverse=True))
# "chair_1_maskcrop" beside "chair_1_crop"
_OF_IMAGES = "crop|cropped|rgb|color|colour|image|img|photo|orig|original|raw"
_AT_END = re.compile(
    rf"(.*[^\W_].*)[\W_](?:ground[\W_]?)?((?:{_ALTERNATIVES})(?:{_OF_IMAGES})?)(?:[\W_]*\d+)?[\W_]*"
)
_IMAGE_AT_END = re.compile(rf"(.*[^\W_].*)[\W_](?:{_OF_IMAGES})")
_IMAGE_AT_START = re.compile(rf"(?:{_OF_IMAGES})[\W_]+(.+)")
_AT_START = re.compile(rf"(?:ground[\W_]?)?({_ALTERNATIVES})[\W_]+(.+)")


@dataclass(frozen=True)
class Companions:
    """Images that belong to others; ``which`` completes "Left out: 3 files".

    are_copies: they show the same as these, smaller or cut, and label nothing.
    """

    files: list[RawFile]
    which: str
    are_copies: bool = False


def companions_of(files: Sequence[RawFile]) -> list[Companions]:
    """The images among the files that belong to other images of them."""
    images = [raw for raw in files if has_image_suffix(raw.name)]
    copies = [Companions(members, which, are_copies=True) for members, which in copies_of(images)]
    left_out = {id(raw) for entry in copies for raw in entry.files}
    images = [raw for raw in images if id(raw) not in left_out]
    by_folder: dict[str, list[RawFile]] = defaultdict(list)
    others: list[RawFile] = []
    folders = {raw.parts[:-1] for raw in images}
    siblings = {parts[: at + 1] for parts in folders for at in range(len(parts))}
    names = _names_of_companions(siblings)
    for raw in images:
        folder = next((part for part in raw.parts[:-1] if part in names), None)
        if folder is None:
            others.append(raw)
        else:
            by_folder[folder].append(raw)
    found: dict[str, list[RawFile]] = {}
    stems = {_stem(raw) for raw in others} if by_folder else set()
    names_of_folders = _FolderNames({part for path in siblings for part in path})
    for folder, members in by_folder.items():
        if _belong_to_others(folder, members, stems, names_of_folders):
            found[folder] = members
        else:
            others += members
    return copies + _in_folders(found) + _by_file_name(others)


def _in_folders(found: dict[str, list[RawFile]]) -> list[Companions]:
    """The companions in each folder; those in many that are numbered, together."""
    alike: dict[str, list[str]] = defaultdict(list)
    for folder in found:
        alike[without_numbers(folder)].append(folder)
    groups: list[list[str]] = []
    for folders in alike.values():
        many = len(folders) > MOST_FOLDERS_NAMED
        groups += [folders] if many else [[folder] for folder in folders]
    return [
        Companions(
            [raw for folder in folders for raw in found[folder]],
            f"in {some_text(folders, MOST_FOLDERS_NAMED)} that belong to other images of the same"
            " names",
        )
        for folders in groups
    ]


class _FolderNames:
    """The names of all folders, and what each folder of companions asks about them again."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._of_roots: dict[frozenset[str], list[str]] = {}
        self.have_images = any(words and words <= _IMAGES for words in map(name_words, names))

    def contrast_with(self, folder: str) -> bool:
        """Whether a class may be called so, too: ``without_mask`` beside ``mask``."""
        roots = frozenset(word.rstrip("s") for word in name_words(folder) & _WORDS)
        if roots not in self._of_roots:
            contrasts = (
                name
                for name in self._names
                if any(len(root) > 2 and root in name.casefold() for root in roots)
                and not name_words(name) <= _WORDS | _BESIDE_WORDS
            )
            self._of_roots[roots] = list(itertools.islice(contrasts, 2))
        return any(name != folder for name in self._of_roots[roots])


def without_companions(
    files: Sequence[RawFile], companions: Sequence[Companions] | None = None
) -> list[RawFile]:
    """The files, but for images that belong to others: a table names those of the same name.

    companions: of the source, where they are known.
    """
    found = companions_of(files) if companions is None else companions
    left_out = {id(raw) for entry in found for raw in entry.files}
    return [raw for raw in files if id(raw) not in left_out]


def _names_of_companions(folders: Collection[tuple[str, ...]]) -> set[str]:
    """The names among the paths of folders that are words for companions."""
    by_parent: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in folders:
        by_parent[path[:-1]].append(path[-1])
    names = set()
    for together in by_parent.values():
        all_words = {name: name_words(name) for name in together}
        known = set(all_words.values())
        for name, own in all_words.items():
            if not own & _WORDS:
                continue
            rest = {word for word in own - _WORDS - _BESIDE_WORDS if subset_of(word) is None}
            # "cats_masks" beside "cats"
            if not rest or rest in known:
                names.add(name)
    return names


def _belong_to_others(
    folder: str, members: list[RawFile], stems: set[str], names: _FolderNames
) -> bool:
    named = [raw for raw in members if _stem(raw) in stems or _base(raw) in stems]
    if len(named) < FRACTION_WITH_OTHERS * len(members):
        return False
    names_suffice = names.have_images or not are_numbered([_stem(raw) for raw in members])
    return (names_suffice and not names.contrast_with(folder)) or _have_few_levels(members)


def _by_file_name(images: list[RawFile]) -> list[Companions]:
    """``benign (1)_mask.png`` beside ``benign (1).png``."""
    by_word: dict[str, list[tuple[RawFile, str]]] = defaultdict(list)
    for raw in images:
        base, word = _split_off(_stem(raw))
        if word:
            by_word[word].append((raw, base))
    if not by_word:
        return []
    named = {id(raw) for members in by_word.values() for raw, _ in members}
    stems = {_stem(raw) for raw in images if id(raw) not in named}
    for pattern in (_IMAGE_AT_END, _IMAGE_AT_START):
        stems |= {image[1] for text in stems if (image := pattern.fullmatch(text))}
    found = []
    for members in by_word.values():
        files = [raw for raw, base in members if base in stems or base.rstrip("_-. ") in stems]
        if len(files) >= FRACTION_WITH_OTHERS * len(members):
            example = shown_name(files[0].name)
            found.append(Companions(files, f"named like {example} that belong to other images"))
    return found


def _stem(raw: RawFile) -> str:
    return stem(raw.name).casefold()


def _base(raw: RawFile) -> str:
    return _split_off(_stem(raw))[0]


def _split_off(text: str) -> tuple[str, str]:
    """The name without a word for companions at its end or its start, and the word."""
    if not _has_word(without_numbers(text)):
        return text, ""
    if found := _AT_END.fullmatch(text):
        return found[1], found[2]
    if found := _AT_START.fullmatch(text):
        return found[2], found[1]
    return text, ""


@lru_cache(maxsize=65536)
def _has_word(text: str) -> bool:
    return any(word in text for word in _WORDS)


def are_numbered(stems: Collection[str]) -> bool:
    """Whether names are numbers in a row, perhaps behind the same text: alike by chance elsewhere.

    Numbers with wide gaps between them, as ids are, do not count.
    """
    texts = Counter(map(without_numbers, stems))
    if texts.total() - sum(count for _, count in texts.most_common(2)) > len(stems) // 10:
        return False
    stems = [name for name in stems if re.search(r"\d", name)]
    if 2 * len(stems) < texts.total():
        return texts.total() <= 2
    last = [int(found[-1][-12:]) for name in stems if (found := re.findall(r"\d+", name))]
    return not last or max(last) - min(last) < 3 * len(last) + 20


def _have_few_levels(members: list[RawFile]) -> bool:
    """Whether most of some images have at most three levels, as masks have."""
    step = max(1, len(members) // IMAGES_LOOKED_AT)
    answers = []
    for raw in members[::step][:IMAGES_LOOKED_AT]:
        try:
            grey = np.asarray(decode_image(raw.read(), raw.name, 64).convert("L"))
        except UnreadableImageError:
            continue
        counts = np.bincount(grey.ravel() // _BINS, minlength=_BINS)
        answers.append(int((counts > _FEWEST_PIXELS * grey.size).sum()) <= _MOST_LEVELS)
    return bool(answers) and 2 * sum(answers) > len(answers)


def are_paired(folders: dict[str, list[RawFile]]) -> bool:
    """Whether the same images seem to be in each of a few folders, as in two versions."""
    images = [[raw for raw in files if has_image_suffix(raw.name)] for files in folders.values()]
    endings = [{raw.name.rpartition(".")[2].lower() for raw in files} for files in images]
    first, *others = [set(map(_stem, files)) for files in images]
    alike = all(
        len(first & other) >= FRACTION_WITH_OTHERS * max(len(first), len(other)) for other in others
    )
    # A program wrote them: each folder has one format, or all have the same ones.
    of_program = all(len(those) == 1 or those == endings[0] for those in endings)
    if not others or not alike or not of_program:
        return False
    if all(map(_is_of_pair, folders)):
        return len(first) >= FEWEST_PAIRED
    common = first.intersection(*others)
    return len(common) >= FEWEST_ALIKE and not are_numbered(common)


def _is_of_pair(folder: str) -> bool:
    """``before``, ``trainA``: a folder whose images belong to those of another one."""
    if folder.endswith(("A", "B")) and (folder[:-1] == "" or subset_of(folder[:-1]) is not None):
        return True
    own = {word for word in name_words(folder) if subset_of(word) is None}
    return bool(own) and own <= PAIR_WORDS

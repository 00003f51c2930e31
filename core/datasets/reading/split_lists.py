"""Lists of a given split beside class folders: ``train.txt`` and ``test.txt`` with image names, or
a table or JSON that names the subset of each image."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.file_columns import file_column
from core.datasets.reading.image_files import ImageNames, stem
from core.datasets.reading.label_columns import NoLabelColumn, label_columns
from core.datasets.reading.label_rows import read_rows
from core.datasets.reading.label_tables import read_label_table
from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.reader import NAMES_SHOWN, LabelledFile
from core.datasets.reading.subset_names import name_words, subset_among, words
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import count_text, some_text

LARGEST_LIST_BYTES = 64 * 1024**2
MOST_LINES = 1_000_000
MOST_LISTS = 50
LINES_TRIED = 20
FRACTION_FOUND = 0.5
_ENDINGS = ("txt", "lst", "list", "csv", "tsv")
# Words in the names of tables that hold all subsets.
_OF_ALL = words("split splits partition partitions subsets dataset data")
_CUT = re.compile(r"[\t,;]| (?=\S*$)")


def with_listed_split(
    labelled: list[LabelledFile], listing: Listing
) -> tuple[list[LabelledFile], tuple[str, ...]]:
    """The files with the subsets that lists name, and the paths of the lists; with a note.

    Files that have subsets already keep them. Lists that name an image for two subsets, or not all
    images, are not used, which is noted.
    """
    texts = [raw for raw in listing.files if _may_be_list(raw)]
    if not texts or any(file.subset for file in labelled):
        return labelled, ()
    names = ImageNames(file.raw for file in labelled)
    found = dict(_lists(texts, listing.files, names))
    if not found:
        return labelled, ()
    paths = tuple(sorted({path for path, _ in found}))
    shown = some_text(paths, NAMES_SHOWN)
    subset_of_image: dict[int, set[str]] = {}
    for (_, subset), images in found.items():
        for image in images:
            subset_of_image.setdefault(image, set()).add(subset)
    subsets = {subset for _, subset in found}
    problem = _why_not(subset_of_image, subsets, len(labelled))
    if problem is not None:
        listing.notes.append(f"Not used as a split: {shown}, because {problem}.")
        return labelled, ()
    rest = "train" if "train" not in subsets else None
    marked = [
        replace(file, subset=next(iter(subset_of_image.get(id(file.raw), ())), rest))
        for file in labelled
    ]
    unnamed = sum(file.subset is None for file in marked)
    if unnamed:
        listing.notes.append(
            f"Not used as a split: {shown}, because {count_text(unnamed, 'image')} of"
            f" {len(marked):,} are in no such list."
        )
        return labelled, ()
    # The reader of tables looked for labels in them.
    unused = tuple(f"{path} names images" for path in paths)
    listing.notes[:] = [note for note in listing.notes if not note.startswith(unused)]
    listing.notes.append(
        f"{shown} {'was' if len(paths) == 1 else 'were'} used as the split"
        f"{'; images in no list are for training' if rest else ''}."
    )
    return marked, paths


def _why_not(
    subset_of_image: Mapping[int, set[str]], subsets: set[str], image_count: int
) -> str | None:
    in_several = sum(len(subsets) > 1 for subsets in subset_of_image.values())
    if in_several:
        return f"they name {count_text(in_several, 'image')} for several subsets"
    if subsets == {"train"}:
        return "they name images for training only"
    if "train" not in subsets and len(subset_of_image) > FRACTION_FOUND * image_count:
        return "they name most images for testing"
    return None


def _lists(
    texts: Sequence[RawFile], files: Sequence[RawFile], names: ImageNames
) -> Iterator[tuple[tuple[str, str], set[int]]]:
    """The images by the path of each list and the subset."""
    for raw in texts[:MOST_LISTS]:
        own = name_words(raw.name)
        if {"train", "test", "split"} <= own:
            yield from _numbered_split(raw, files, names).items()
            continue
        if _is_of_all(raw.name):
            yield from _split_in_table(raw, names).items()
            continue
        subset = "train" if "trainval" in own else subset_among(stem(raw.name))
        if subset is not None and (images := _images_of(raw, names)):
            yield (raw.path, subset), images


def _may_be_list(raw: RawFile) -> bool:
    ending = raw.name.rpartition(".")[2].lower()
    if ending not in (*_ENDINGS, "json") or raw.size_bytes > LARGEST_LIST_BYTES:
        return False
    if _is_of_all(raw.name) or ending == "json":
        return _is_of_all(raw.name)
    own = name_words(raw.name)
    return "trainval" in own or "train" in own or subset_among(stem(raw.name)) is not None


def _is_of_all(name: str) -> bool:
    own = name_words(stem(name))
    return not own.isdisjoint(_OF_ALL) and subset_among(stem(name)) is None


def _split_in_table(raw: RawFile, names: ImageNames) -> dict[tuple[str, str], set[int]]:
    """The images of each subset in a table that names both, whatever else it holds."""
    found: dict[tuple[str, str], set[int]] = {}
    try:
        table = read_label_table(raw)
        file = None if table is None else file_column(table, names)
        if table is None or file is None:
            return {}
        try:
            columns = label_columns(table, file, names, Choice())[0]
        except NoLabelColumn as error:
            columns = error.columns
        if columns.subsets is None:
            return {}
        by_subset = replace(columns, label=columns.subsets.at, one_hot=(), labels=None)
        rows = read_rows(table, by_subset, names).rows
    except BadInput:
        return {}  # the reader of tables says so
    for row in rows:
        if row.subset is not None:
            found.setdefault((raw.path, row.subset), set()).add(id(row.raw))
    return found


def _lines(raw: RawFile) -> list[str]:
    try:
        text = raw.read().decode("utf-8-sig", errors="replace")
    except UnreadableImageError:
        return []
    return [line.strip() for line in text.splitlines()[:MOST_LINES] if line.strip()]


def _images_of(raw: RawFile, names: ImageNames) -> set[int]:
    """The images that a list names; empty where most of its lines name none."""
    lines = _lines(raw)
    found = set()
    for at, line in enumerate(lines):
        image = _image_in(line, raw, names)
        if image is not None:
            found.add(id(image))
        if at >= LINES_TRIED and not found:
            return set()
    return found if len(found) >= FRACTION_FOUND * len(lines) else set()


def _image_in(line: str, raw: RawFile, names: ImageNames) -> RawFile | None:
    """The image that a line names, alone or before other cells."""
    cells = [line, _CUT.split(line)[0], line.split()[0]]
    for cell in dict.fromkeys(cell.strip("\"' ") for cell in cells):
        files = names.find(cell, raw).files
        if len(files) == 1:
            return files[0]
    return None


def _numbered_split(
    raw: RawFile, files: Sequence[RawFile], names: ImageNames
) -> dict[tuple[str, str], set[int]]:
    """``train_test_split.txt``: a name, or the number of a line in ``images.txt``, and 1 or 0."""
    images: dict[str, RawFile] = {}
    beside = [one for one in files if one.parts == (*raw.parts[:-1], "images.txt")]
    for line in [line for one in beside for line in _lines(one)]:
        number, _, name = line.partition(" ")
        named = names.find(name, raw).files
        if len(named) == 1:
            images[number] = named[0]
    found: dict[tuple[str, str], set[int]] = {}
    for line in _lines(raw):
        cell, _, mark = line.replace(",", " ").rpartition(" ")
        image = images.get(cell.strip()) or _image_in(cell, raw, names) if cell else None
        if image is None or mark not in ("0", "1"):
            continue
        subset = "train" if mark == "1" else "test"
        found.setdefault((raw.path, subset), set()).add(id(image))
    return found

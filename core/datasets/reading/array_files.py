"""NumPy arrays of images: images and labels, one array for each class, or one for each image."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.datasets.reading import class_folders
from core.datasets.reading.array_labels import MOST_CLASSES, class_of_each
from core.datasets.reading.array_pixels import (
    ImageShape,
    Levels,
    Scale,
    common_scale,
    image_shape,
    settled,
    without_transparency,
)
from core.datasets.reading.array_roles import (
    NamedArray,
    Roles,
    pair_up,
    roles_of,
    subset_of_token,
    tokens,
    why_no_pairs,
)
from core.datasets.reading.byte_ranges import Scratch
from core.datasets.reading.class_name_lists import class_names_beside, usable
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.raw_files import MOST_FILES, Listing, RawFile, bad_source
from core.datasets.reading.reader import (
    FEWEST_CLASSES,
    LabelledFiles,
    PixelBatch,
    PixelImages,
    Reading,
)
from core.datasets.reading.stored_arrays import (
    LARGEST_WHOLE_BYTES,
    StoredArray,
    is_array_name,
    read_arrays_of,
)
from core.datasets.reading_choice import NAMES, Choice
from core.errors import BadInput
from core.text import count_text, some_text

READ_AS = "NumPy arrays"
NAMED = 3
MOST_LISTED = 1000


@dataclass(frozen=True)
class _Source:
    """Images of one array, with the class of each or one class for all; ``whole`` is one image."""

    array: StoredArray
    shape: ImageShape
    subset: str | None
    labels: list[str | None] | str
    whole: bool = False

    @property
    def count(self) -> int:
        return 1 if self.whole else self.array.shape[0]

    def label_of(self, row: int) -> str | None:
        return self.labels if isinstance(self.labels, str) else self.labels[row]

    def name_of(self, row: int) -> str:
        return self.array.raw.path if self.whole else f"{self.array.name} {row + 1}"

    def pieces(self) -> Iterator[np.ndarray]:
        """The numbers of some images at a time, ``(n, H, W)`` or ``(n, H, W, channels)``."""
        if self.whole:
            yield self.shape.images(self.array.whole())
            return
        for values in self.array.pieces():
            yield self.shape.images(values)


@dataclass(frozen=True)
class _Way:
    """One way to take arrays for images; ``title`` and ``choice`` are None for images and labels.

    ``doubt`` is why it may be wrong, as a sentence; None where it is sure.
    """

    sources: list[_Source]
    listing: Listing
    title: str | None = None
    choice: Choice | None = None
    doubt: str | None = None

    @property
    def count(self) -> int:
        return sum(source.count for source in self.sources)


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images of arrays; empty where there are none, or where image files outnumber them.

    A few image files beside arrays explain them; they are left out. Raises ``BadInput``, and
    ``ReadingUnclear`` where several arrays may hold the labels.
    """
    files = [raw for raw in listing.files if is_array_name(raw.name)]
    image_files = sum(has_image_suffix(raw.name) for raw in listing.files)
    if not files or choice.name_pattern is not None:
        return []
    try:
        ways = _read(files, listing, choice)
    except BadInput:
        if image_files > len(files):
            return []
        raise
    paths = tuple(raw.path for raw in files)
    given = Choice(label_column=choice.label_column)
    return [
        Reading(
            way.title or f"The images and their classes are arrays in {some_text(paths, NAMED)}",
            _images(way, len(files)),
            way.listing,
            way.choice or given,
            paths,
            way.doubt if choice.classes_from is None else None,
        )
        for way in ways
        if way.count >= 2 * image_files
    ]


def _images(way: _Way, files: int) -> PixelImages:
    listing = way.listing
    names = class_names_beside(listing.files)
    listing.leave_out(len(listing.files) - files - (names is not None), "beside the arrays")
    expected = sum(
        source.count * source.shape.height * source.shape.width * min(source.shape.channels, 3)
        for source in way.sources
    )
    return PixelImages(READ_AS, way.count, expected, lambda: _batches(way.sources, listing))


def _read(files: Sequence[RawFile], listing: Listing, choice: Choice) -> list[_Way]:
    """The ways to take the arrays of some files for images; empty where none is as chosen."""
    listing = listing.again()
    scratch = Scratch()
    arrays: list[StoredArray] = []
    problems: list[tuple[RawFile, BadInput]] = []
    for raw in files:
        found, wrong = read_arrays_of(raw, scratch)
        arrays += found
        problems += [(raw, problem) for problem in wrong]
    for raw, problem in problems[:MOST_LISTED]:
        listing.refuse(raw.path, str(problem).removeprefix(raw.path).lstrip(": "))
    try:
        return _ways(arrays, listing, choice)
    except BadInput:
        if problems:
            raise problems[0][1] from None
        raise


def _ways(arrays: Sequence[StoredArray], listing: Listing, choice: Choice) -> list[_Way]:
    roles = roles_of(arrays)
    if choice.classes_from is None:
        own = listing.again()
        pairs = pair_up(roles, choice, own)
        if pairs:
            return [_Way(_of_pairs(pairs, roles, own), own)]
        if any(entry.is_named_label for entry in roles.labels):
            raise why_no_pairs(roles)
    ways = _one_image_each(arrays, listing, choice)
    if not ways and choice.classes_from in (None, NAMES):
        ways = _one_class_each(arrays, roles, listing)
    if not ways and choice.classes_from is None:
        raise why_no_pairs(roles)
    for way in ways:
        _check_count(way.sources[0].array, way.count)
    return ways


def _check_count(first: StoredArray, count: int) -> None:
    if count > MOST_FILES:
        raise bad_source(
            f"{first.path}: {count:,} images in all; the limit is {MOST_FILES:,}. Take a part of"
            " each array: np.save(name, array[:5000])."
        )


def _of_pairs(
    pairs: Sequence[tuple[NamedArray, NamedArray]], roles: Roles, listing: Listing
) -> list[_Source]:
    _check_count(pairs[0][0].array, sum(images.count for images, _ in pairs))
    names, origin = _class_names(roles, listing)
    sources = []
    for images, labels in pairs:
        array = images.array
        shape = image_shape(array.shape[1:])
        if shape is None:
            raise why_no_pairs(roles)
        shape = settled(shape, array)
        found = class_of_each(labels.array, names)
        sources.append(_Source(array, shape, images.subset, found))
        without = found.count(None)
        if without:
            listing.refuse(labels.array.path, f"{count_text(without, 'image')} without a label")
    used = {entry.array for pair in pairs for entry in pair}
    if len(pairs) > 1 and len({images.subset for images, _ in pairs}) == 1:
        listed = some_text([images.array.name for images, _ in pairs], 5)
        listing.notes.append(f"{listed} were read as one dataset.")
    unused = [one for one in [*roles.masks, *roles.labels, *roles.odd] if one.array not in used]
    if unused:
        listed = some_text([one.array.name for one in unused], 5)
        listing.notes.append(f"These arrays were not used: {listed}.")
    for _, labels in pairs:
        if not labels.is_named_label:
            listing.notes.append(f"The labels were taken from {labels.array.path}.")
    if origin is not None:
        given = {label for source in sources for label in source.labels}
        fits = bool(given & set(names or []))
        listing.notes.append(
            f"The names of the classes were taken from {origin}."
            if fits
            else f"{origin} does not fit the labels and was not used for the names of the classes."
        )
    return sources


def _class_names(roles: Roles, listing: Listing) -> tuple[list[str] | None, str | None]:
    """The names of the classes in number order and where they stand, or None."""
    for entry in roles.names:
        if not FEWEST_CLASSES <= entry.count <= MOST_CLASSES:
            continue
        values = entry.array.whole()
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "replace")
        names = [str(value).strip() for value in values]
        if usable(names):
            return names, entry.array.path
    beside = class_names_beside(listing.files)
    return (beside[0], beside[1].path) if beside is not None else (None, None)


def _one_image_each(arrays: Sequence[StoredArray], listing: Listing, choice: Choice) -> list[_Way]:
    """Class folders of .npy files that hold one image each; empty where it is something else."""
    shapes = [image_shape(array.shape) for array in arrays]
    if len(arrays) < FEWEST_CLASSES or any(shape is None or shape.flat for shape in shapes):
        return []
    if any(array.member is not None or array.dtype.kind not in "buif" for array in arrays):
        return []
    # Rows of flat pixels: as many numbers in each row, and another number of rows in each file.
    widths = {array.shape[1:] for array in arrays}
    if len(widths) == 1 and image_shape(widths.pop()) and len({one.shape[0] for one in arrays}) > 1:
        return []
    by_file = {id(array.raw): array for array in arrays}
    only_arrays = replace(listing.again(), files=[array.raw for array in arrays])
    try:
        found = class_folders.readings(only_arrays, choice)
    except BadInput:
        return []
    ways = []
    for reading in found:
        own = replace(reading.listing, files=list(listing.files))
        labelled = reading.found.files if isinstance(reading.found, LabelledFiles) else []
        sources = []
        for file in labelled:
            array = by_file[id(file.raw)]
            shape = image_shape(array.shape)
            if array.size_bytes > LARGEST_WHOLE_BYTES:
                own.refuse(array.path, f"larger than {LARGEST_WHOLE_BYTES // 1024**2} MiB")
            elif shape is not None:
                sources.append(_Source(array, shape, file.subset, file.class_name, whole=True))
        if len({source.labels for source in sources}) < FEWEST_CLASSES:
            continue
        example = sources[0].array
        own.notes.append(
            f"Each .npy file was read as one image: {example.path} has the shape"
            f" {example.size_text}."
        )
        title = f"Each .npy file is one image. {reading.title}"
        doubt = reading.doubt or _doubt(sources)
        ways.append(_Way(sources, own, title, reading.choice, doubt))
    return ways


def _one_class_each(arrays: Sequence[StoredArray], roles: Roles, listing: Listing) -> list[_Way]:
    """One array of images for each class, named after it; empty where it is something else."""
    entries = sorted(roles.images, key=lambda entry: entry.array.path)
    stems = [_without_subset(entry) for entry in entries]
    # "full_numpy_bitmap_cat" is a cat.
    ends = [mark.end() for mark in re.finditer(r"[_\-. ]", stems[0])] if stems else []
    same = [end for end in ends if all(name[:end] == stems[0][:end] < name for name in stems)]
    classes = [name[max(same, default=0) :] for name in stems]
    if len(set(classes)) < FEWEST_CLASSES or len(entries) < len(arrays):
        return []
    if any(entry.is_named_images or entry.is_named_label for entry in entries):
        return []
    if any(re.fullmatch(r"[\d_. -]*", name) or name.startswith("arr_") for name in classes):
        return []
    own = listing.again()
    first = entries[0].array
    own.notes.append(
        f"Each array was read as the images of one class, named after it: {first.path} is"
        f" {classes[0]!r}."
    )
    sources = []
    for entry, name in sorted(zip(entries, classes, strict=True), key=lambda one: one[1]):
        shape = image_shape(entry.array.shape[1:])
        if shape is not None:
            sources.append(_Source(entry.array, settled(shape, entry.array), entry.subset, name))
    doubt = _doubt(sources)
    if doubt is None and not same and len({source.count for source in sources}) == 1:
        doubt = "All arrays are equally long, so they may be several views of the same images."
    title = f"Each array holds the images of one class, named after it, as {classes[0]!r}"
    return [_Way(sources, own, title, Choice(classes_from=NAMES), doubt)]


def _doubt(sources: Sequence[_Source]) -> str | None:
    """Why arrays without labels may be no images: grey ones of other numbers than uint8."""
    other = [one for one in sources if one.array.dtype != np.uint8 and one.shape.channels == 1]
    if not other:
        return None
    array = other[0].array
    what = f"{array.path} holds {array.dtype.name} numbers"
    return f"{what}, which may be measurements instead of images."


def _without_subset(entry: NamedArray) -> str:
    """The name of an array without a word at its start or end that names a subset."""
    if not any(map(subset_of_token, tokens(entry.array.name))):
        return entry.array.name
    parts = re.split(r"([_\-. ]+)", entry.array.name)
    if len(parts) > 2 and subset_of_token(parts[0].casefold()):
        parts = parts[2:]
    if len(parts) > 2 and subset_of_token(parts[-1].casefold()):
        parts = parts[:-2]
    return "".join(parts)


def _scale_of(sources: Sequence[_Source]) -> Scale:
    """One scale for all images, from all their numbers. Raises ``BadInput``."""
    levels: dict[str, Levels] = {}
    for source in sources:
        key = "" if source.whole else source.array.path
        one = levels.setdefault(key, Levels(source.array.path))
        for values in source.pieces():
            if values.ndim == 4 and values.shape[3] == 4:
                values = values[..., :3]
            one.add(values)
            if values.dtype == np.uint8 and not source.whole and one.highest > 64:
                break  # whatever comes, these numbers stay as they are
    return common_scale(levels.values())


def _batches(sources: Sequence[_Source], listing: Listing) -> Iterator[tuple[PixelBatch, int]]:
    scale = _scale_of(sources)
    if scale.note is not None:
        listing.notes.append(scale.note)
    done = broken = 0
    for source in sources:
        start = 0
        for values in source.pieces():
            rows = range(start, start + len(values))
            start += len(values)
            finite = np.ones(len(values), bool)
            if values.dtype.kind == "f":
                finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
            for row in np.flatnonzero(~finite)[: max(0, MOST_LISTED - broken)]:
                listing.refuse(source.name_of(rows[row]), "it contains numbers that are not finite")
            broken += int((~finite).sum())
            kept = [
                at for at, row in enumerate(rows) if finite[at] and source.label_of(row) is not None
            ]
            done += len(values)
            if kept:
                pixels = without_transparency(scale.apply(values[kept]))
                labels = [str(source.label_of(rows[at])) for at in kept]
                names = [source.name_of(rows[at]) for at in kept]
                yield PixelBatch(pixels, labels, names, source.subset), done
    if broken > MOST_LISTED:
        listing.refuse("arrays", f"{broken - MOST_LISTED:,} more images like these")

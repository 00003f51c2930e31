"""Images in Parquet files, as Hugging Face keeps them: encoded images beside their labels.

The files are read some rows at a time. As images are wanted class by class, whatever their order in
the files, they are copied to a temporary file when the first of them is opened.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.array_labels import check_repeated, measured
from core.datasets.reading.byte_ranges import Scratch, unpacked_copy
from core.datasets.reading.columns import why_no_label, why_no_subset
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.parquet_columns import (
    ParquetColumns,
    array_columns,
    image_columns,
    label_candidates,
    parquet_columns,
)
from core.datasets.reading.parquet_files import (
    ImageCopy,
    check_ratio,
    image_cells,
    opened,
    parquet_rows,
)
from core.datasets.reading.raw_files import (
    LARGEST_FILE_BYTES,
    MOST_FILES,
    Listing,
    RawFile,
    RefusedNameError,
    bad_source,
    safe_parts,
)
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    Reading,
    first_reasons,
    in_shown_order,
)
from core.datasets.reading.subset_names import (
    BESIDE_A_SUBSET,
    name_words,
    subset_of,
    subset_of_file,
)
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import count_text, some_text

if TYPE_CHECKING:
    import pyarrow as pa

READ_AS = "images in Parquet files"
PARQUET_SUFFIX = ".parquet"
PARQUET_START = b"PAR1"
FIRST_ROWS = 5
FILES_NAMED = 3
MOST_LISTED_ROWS = 1000
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_OTHER_FOLDERS = BESIDE_A_SUBSET | {"default"}
TO_CSV = "pd.read_parquet({name!r}).to_csv('table.csv', index=False)"
TO_ARRAYS = (
    "table = pd.read_parquet({name!r}); np.savez('images.npz', images=np.array("
    "table[{image!r}].map(lambda rows: np.stack(rows).tolist()).tolist()), labels=table['label'])"
)


def is_parquet(raw: RawFile) -> bool:
    return raw.name.lower().endswith(PARQUET_SUFFIX)


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images of Parquet files; empty where there are none, or where image files outnumber
    them.

    Raises ``BadInput``, and ``ReadingUnclear`` where several columns may hold the label.
    """
    files = sorted(
        (raw for raw in listing.files if is_parquet(raw) or _starts_as_parquet(raw, listing)),
        key=lambda raw: raw.path,
    )
    image_files = sum(has_image_suffix(raw.name) for raw in listing.files)
    if not files or choice.classes_from is not None or choice.name_pattern is not None:
        return []
    own = listing.again()
    try:
        found = _read(files, own, choice)
    except BadInput:
        if image_files:
            return []
        raise
    if len(found) < 2 * image_files:
        return []
    own.leave_out(len(listing.files) - len(files), "beside the Parquet files")
    paths = tuple(raw.path for raw in files)
    title = f"Each row of {some_text(paths, FILES_NAMED)} is an image with its class"
    images = LabelledFiles(READ_AS, in_shown_order(found))
    chosen = Choice(
        file_column=choice.file_column,
        label_column=choice.label_column,
        split_column=choice.split_column,
    )
    return [Reading(title, images, own, chosen, paths)]


def _starts_as_parquet(raw: RawFile, listing: Listing) -> bool:
    """Whether a file that was given alone is Parquet under another name."""
    if len(listing.files) != 1:
        return False
    try:
        return raw.start(len(PARQUET_START)) == PARQUET_START
    except UnreadableImageError:
        return False


def _read(files: Sequence[RawFile], listing: Listing, choice: Choice) -> list[LabelledFile]:
    _check_one_dataset(files)
    scratch = Scratch()
    files = [unpacked_copy(raw, scratch) for raw in files]
    layouts = {raw.path: _layout(raw, choice) for raw in files}
    count = sum(rows for _, rows in layouts.values())
    if count > MOST_FILES:
        raise bad_source(
            f"{files[0].path}: {count:,} images in all; the limit is {MOST_FILES:,}. Give some of"
            " the files."
        )
    uses = {(one.image, one.label) for one, _ in layouts.values()}
    if len(uses) > 1:
        raise bad_source(
            f"{files[0].path} and other Parquet files have different columns. Give the files of"
            " one dataset."
        )
    copy = ImageCopy()
    labelled: list[LabelledFile] = []
    for raw in files:
        labelled += _labelled(raw, layouts[raw.path][0], copy, listing)
    if not labelled:
        reasons = first_reasons(listing.refused)
        raise bad_source(f"{files[0].path} has no image with a label.{reasons}")
    layout = layouts[files[0].path][0]
    counts = Counter(entry.class_name for entry in labelled)
    check_repeated(f"{files[0].path}: {layout.label}", len(counts), len(labelled))
    if not layout.label_is_named:
        listing.notes.append(f"The labels were taken from the column {layout.label!r}.")
    return labelled


def _check_one_dataset(files: Sequence[RawFile]) -> None:
    """Raise ``BadInput`` where folders hold several datasets (Hugging Face's configurations)."""
    folders = {
        tuple(
            part
            for part in raw.parts[:-1]
            if not subset_of(part) and not name_words(part) <= _OTHER_FOLDERS
        )
        for raw in files
    }
    if len(folders) > 1:
        listed = some_text(sorted("/".join(folder) or "no folder" for folder in folders), 5)
        raise bad_source(
            f"There are Parquet files of several datasets in it: {listed}. Give the files of one."
        )


def _layout(raw: RawFile, choice: Choice) -> tuple[ParquetColumns, int]:
    """What the columns of a file are for, and the number of its rows. Raises ``BadInput``."""
    with opened(raw) as file:
        schema = file.schema_arrow
        images = image_columns(schema)
        if not images:
            raise _without_images(raw, schema)
        first: list[dict[str, Any]] = []
        scalars = label_candidates(schema)
        for batch in file.iter_batches(batch_size=FIRST_ROWS, columns=scalars):
            first += batch.to_pylist()
            break
        layout = parquet_columns(schema, raw.path, first, choice)
        check_ratio(raw, file.metadata, layout)
        return layout, file.metadata.num_rows


def _without_images(raw: RawFile, schema: "pa.Schema") -> BadInput:
    arrays = array_columns(schema)
    if arrays:
        advice = TO_ARRAYS.format(name=raw.name, image=arrays[0])
        return bad_source(
            f"{raw.path} is a Parquet file whose column {arrays[0]!r} holds images as lists of"
            f" numbers, which are not read. Save them as arrays: {advice}."
        )
    return bad_source(
        f"{raw.path} is a Parquet file without images in it; its columns:"
        f" {some_text(schema.names, 12)}. A table of pixels, or one that names image files, is read"
        f" as CSV: {TO_CSV.format(name=raw.name)}."
    )


def _labelled(
    raw: RawFile, layout: ParquetColumns, copy: ImageCopy, listing: Listing
) -> list[LabelledFile]:
    """The images of one file with their labels; rows without either are left out."""
    subset = subset_of_file(raw.parts)
    wanted = [name for name in (layout.image, layout.label, layout.split) if name is not None]
    found: list[LabelledFile] = []
    sizes: dict[int, int] = {}
    refused = without = only_paths = 0
    for start, batch in parquet_rows(raw, wanted):
        labels = batch.column(layout.label).to_pylist()
        splits = batch.column(layout.split).to_pylist() if layout.split else [None] * len(labels)
        for at, (data, path) in enumerate(image_cells(batch, layout)):
            number = start + at
            class_name = _class_of(labels[at], layout, raw)
            split = "" if splits[at] is None else str(splits[at])
            problem = why_no_subset(split) or (class_name and why_no_label(class_name))
            if data is None:
                only_paths += bool(path)
                problem = "it names a file instead of holding an image" if path else "no image"
            elif len(data) > LARGEST_FILE_BYTES:
                problem = f"larger than {LARGEST_FILE_BYTES // 1024**2} MiB"
            if problem is not None or data is None:
                refused += 1
                if refused <= MOST_LISTED_ROWS:
                    listing.refuse(f"{raw.path} row {number + 1}", problem or "no image")
                continue
            if class_name is None:
                without += 1
                continue
            found.append(
                _entry(raw, (number, data, path), class_name, subset_of(split) or subset, copy)
            )
            sizes[number] = len(data)
    if not found and only_paths:
        raise bad_source(
            f"{raw.path} names image files in its column {layout.image!r} but holds no images. Give"
            " the image files with a CSV of file and label, or save it anew with the images inside."
        )
    if refused > MOST_LISTED_ROWS:
        listing.refuse(raw.path, f"{refused - MOST_LISTED_ROWS:,} more rows like these")
    if without:
        listing.notes.append(
            f"Left out: {count_text(without, 'image')} without a label in {raw.path}."
        )
    copy.add(raw, layout, sizes)
    return found


def _class_of(value: object, layout: ParquetColumns, raw: RawFile) -> str | None:
    """The class that a cell of the label names; None where it names none (null, NaN, blank, and
    -1 where the classes have names)."""
    if isinstance(value, float) and not math.isnan(value):
        if not value.is_integer():
            raise measured(f"{raw.path}: {layout.label}", value)
        value = int(value)
    if value is None or isinstance(value, float) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and layout.classes is not None:
        return layout.classes[value] if 0 <= value < len(layout.classes) else None
    if not isinstance(value, (str, int)):
        raise bad_source(
            f"{raw.path}: the column {layout.label!r} holds several values for each image."
            " Headstart needs one class for each image."
        )
    return str(value).strip()


def _entry(
    raw: RawFile,
    cell: tuple[int, bytes, str | None],
    class_name: str,
    subset: str | None,
    copy: ImageCopy,
) -> LabelledFile:
    number, data, path = cell
    try:
        name = (safe_parts(PurePosixPath(path or "").name) or ("",))[-1]
    except RefusedNameError:
        name = ""
    name = name or f"{number:07d}{'.tif' if data.startswith(_TIFF_STARTS) else ''}"
    shown = "/".join(part for part in (class_name, subset, name) if part)
    parts = (*raw.parts, f"row {number + 1:07d}", name)
    image = RawFile(parts, len(data), partial(copy.open, raw.path, number))
    return LabelledFile(class_name, shown, image, subset)

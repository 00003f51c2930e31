"""A table of pixels: one line a picture, as in Kaggle's digits."""

from collections.abc import Iterator

from core.datasets.reading.column_names import RefusedRows
from core.datasets.reading.layout import first_reasons
from core.datasets.reading.packed import GZIP_START
from core.datasets.reading.picture_files import has_picture_suffix
from core.datasets.reading.pixel_columns import BRIGHTEST, EXPECTED, PixelColumns, pixel_columns
from core.datasets.reading.pixel_rows import PixelRows, PixelTable
from core.datasets.reading.pixels import PixelBatch, PixelImages
from core.datasets.reading.raw_files import MOST_FILES, Listing, RawFile
from core.datasets.reading.side_names import side_of_file
from core.datasets.reading.tables import TABLE_SUFFIXES, Columns, TextTable, read_table
from core.errors import BadInput

READ_AS = "table of pixels"
CHARACTERS_IN_A_PIXEL = 2  # at least: a digit and a separator
# Pixels as text shrink five- to fifteenfold in gzip.
GZIP_GROWTH = 20
DARK = 64

_Found = tuple[TextTable, PixelColumns]


def pixel_table_images(listing: Listing, columns: Columns) -> PixelImages | None:
    """The images of tables of pixels, or None where there are none, or pictures besides.

    Several tables are read as one data set; train and test in their names give the side. A table
    without labels beside one with them is left out with a note. Raises ``BadInput``, and
    ``ColumnsUnclear`` where only the user can say which column is the label.
    """
    pictures = sum(has_picture_suffix(raw.name) for raw in listing.files)
    # By name: folders and zips list them in any order, and the same tables are one data set.
    candidates = sorted(
        (raw for raw in listing.files if _may_be_a_table(raw, len(listing.files))),
        key=lambda raw: raw.path,
    )
    if not candidates or pictures > len(candidates) or columns.file is not None:
        return None
    found: list[_Found] = []
    problem: BadInput | None = None
    for raw in candidates:
        table = read_table(raw)
        try:
            layout = pixel_columns(table, columns) if table is not None else None
        except BadInput as error:
            problem = problem or error
            continue
        if table is not None and layout is not None:
            found.append((table, layout))
        elif len(listing.files) == 1 and len(raw.parts) == 1 and not listing.refused:
            raise _no_pixels(raw, table)
    if problem is not None and not found:
        raise problem
    if not found:
        return None
    tables = _with_labels(found, listing)
    _check_alike(tables)
    _say_what_was_taken(tables, listing)
    sizes = [
        entry.table.raw.size_bytes * (GZIP_GROWTH if entry.table.gzipped else 1) for entry in tables
    ]
    return PixelImages(
        READ_AS,
        sum(entry.table.raw.size_bytes for entry in tables),
        sum(sizes) // CHARACTERS_IN_A_PIXEL,
        lambda: _batches(tables, listing),
    )


def _may_be_a_table(raw: RawFile, files: int) -> bool:
    name = raw.name.lower().removesuffix(".gz")
    return name.endswith(TABLE_SUFFIXES) or (files == 1 and not has_picture_suffix(name))


def _no_pixels(raw: RawFile, table: TextTable | None) -> BadInput:
    if raw.name.lower().endswith(".zip"):
        what = "is not a zip archive. Pack the folders with the pictures again"
    elif table is None and raw.start(len(GZIP_START)) == GZIP_START:
        what = "is a damaged gzip file, or holds no table. Make or download it again"
    elif table is None or table.separator == " ":
        what = (
            "is neither a zip nor a table. Give a folder or zip with one folder of pictures for"
            " each class"
        )
    else:
        what = (
            "is a table without pixels in it. If it names pictures, put it into one zip with them"
        )
    return BadInput(f"{raw.name} {what}. For a table of pixels: {EXPECTED}.", "path")


def _with_labels(found: list[_Found], listing: Listing) -> list[PixelTable]:
    tables = []
    for table, columns in found:
        if columns.label is not None:
            tables.append(PixelTable(table, columns, columns.label, side_of_file(table.raw.parts)))
        elif len(found) > 1:
            listing.notes.append(f"{table.name} has no column of labels and was left out.")
    if not tables:
        raise BadInput(
            f"{found[0][0].name} has pixels and no column of labels. {EXPECTED}. If it is the test"
            " part of a competition, give the train part.",
            "path",
        )
    return tables


def _check_alike(tables: list[PixelTable]) -> None:
    first = tables[0]
    for entry in tables[1:]:
        ours, theirs = ((table.columns.side, table.columns.channels) for table in (first, entry))
        if ours != theirs:
            raise BadInput(
                f"{first.table.name} and {entry.table.name} hold pictures of different sizes"
                f" ({ours[0]} x {ours[0]} x {ours[1]} and {theirs[0]} x {theirs[0]} x {theirs[1]})."
                " Give the tables of one data set.",
                "path",
            )


def _say_what_was_taken(tables: list[PixelTable], listing: Listing) -> None:
    for entry in tables:
        listing.notes.extend(entry.columns.notes)
    if len(tables) > 1:
        names = ", ".join(entry.table.name for entry in tables)
        listing.notes.append(f"{len(tables)} tables were read as one data set: {names}.")
    left_out = len(listing.files) - len(tables)
    if left_out:
        listing.ignored += left_out
        listing.notes.append(f"{left_out} file(s) without labelled pixels were left out.")


def _batches(tables: list[PixelTable], listing: Listing) -> Iterator[tuple[PixelBatch, int]]:
    images = done_before = 0
    several = len(tables) > 1
    for entry in tables:
        refused = RefusedRows(listing, entry.table.name)
        reader = PixelRows(entry, refused, entry.side if several else None)
        for batch, done in reader.batches():
            images += len(batch.pixels)
            if images > MOST_FILES:
                raise BadInput(
                    f"{entry.table.name}: more than {MOST_FILES:,} pictures, which is the limit.",
                    "path",
                )
            yield batch, done_before + done
        refused.finish()
        done_before += entry.table.raw.size_bytes
        if reader.brightest < DARK and reader.brightest > 0:
            listing.notes.append(
                f"{entry.table.name}: its largest pixel is {reader.brightest} of {BRIGHTEST}, so"
                " the pictures are dark."
            )
    if not images:
        said = first_reasons(listing.refused)
        raise BadInput(f"No line of the table can be used.{said} {EXPECTED}.", "path")

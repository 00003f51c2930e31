"""Labels that people give in a form that is not read: what to say where nothing else has them."""

from collections.abc import Sequence

from core.datasets.reading.columns import LABEL_NAMES, is_number, normalized
from core.datasets.reading.image_files import has_image_suffix, stem
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.table import TextTable
from core.errors import BadInput

SHEET_SUFFIXES = (".xlsx", ".xls", ".ods", ".numbers")
TREE_SUFFIXES = (".json", ".xml")
# YOLO: the number of a class, then the middle of a box and its size; more cells are an outline.
FEWEST_CELLS_OF_A_BOX = 5
FRACTION_THAT_LOOK_LIKE_FILES = 0.5
FEWEST_BOX_FILES = 2


def is_boxes(table: TextTable) -> bool:
    """Whether a table holds boxes around what is on one picture, as YOLO writes them."""
    return (
        table.raw.name.lower().endswith(".txt")
        and table.width >= FEWEST_CELLS_OF_A_BOX
        and all(is_number(cell) for row in table.first_rows for cell in row)
        and all(
            row[0].isdecimal() and all(0 <= float(cell) <= 1 for cell in row[1:])
            for row in table.first_rows
        )
    )


def check_other_labels(
    listing: Listing, tables: Sequence[TextTable], images: Sequence[RawFile]
) -> None:
    """Say what labels there seem to be, and why they are of no use: raises ``BadInput``.

    For pictures in no class folders, whose names do not say a class either.
    """
    _check_sheets(listing)
    _check_any_named(tables, images)
    _check_boxes(listing, tables)
    _check_label_columns(tables, images)


def _check_sheets(listing: Listing) -> None:
    """Where only a spreadsheet could say the labels, ask for it as CSV."""
    for raw in listing.files:
        if raw.name.lower().endswith(SHEET_SUFFIXES):
            raise BadInput(
                f"{raw.path} is a spreadsheet, which is not read, and the pictures lie in no class"
                " folders. Save it as CSV (in Excel: Save as, CSV UTF-8) and put that beside the"
                " pictures.",
                "path",
            )


def _check_any_named(tables: Sequence[TextTable], images: Sequence[RawFile]) -> None:
    """Where a table names files, and none of them is there, say what both sides look like."""
    for table in tables:
        for position in range(table.width):
            cells = [row[position].strip() for row in table.first_rows[1:] if len(row) > position]
            like_files = [cell for cell in cells if has_image_suffix(cell)]
            if like_files and len(like_files) >= FRACTION_THAT_LOOK_LIKE_FILES * len(cells):
                theirs = " and ".join(map(shown_name, like_files[:2]))
                raise BadInput(
                    f"{table.name} names {theirs}, and none of the pictures that it names is"
                    f" there. There are {_first_paths(images)}. Give the pictures of this table.",
                    "path",
                )


def _check_boxes(listing: Listing, tables: Sequence[TextTable]) -> None:
    boxes = [table.name for table in tables if is_boxes(table)]
    # "1.jpg.json" is what Google keeps beside a photo, and has no label.
    trees = [
        raw.path
        for raw in listing.files
        if raw.name.lower().endswith(TREE_SUFFIXES) and not has_image_suffix(stem(raw.name))
    ]
    if len(boxes) >= FEWEST_BOX_FILES:
        what = f"{boxes[0]} looks like boxes around objects, as YOLO has them"
    elif trees:
        what = f"{trees[0]} may hold labels, as COCO and Pascal VOC have them"
    else:
        return
    raise BadInput(
        f"{what}; such files are not read. What is needed is one class for each whole picture:"
        " sort the pictures into one folder per class, or add a CSV with a first line file,label.",
        "path",
    )


def _check_label_columns(tables: Sequence[TextTable], images: Sequence[RawFile]) -> None:
    """Where a table has labels, but names no picture (Excel makes 1 of 0001), say so."""
    for table in tables:
        header, *rows = table.first_rows
        labels = [name.strip() for name in header if normalized(name) in LABEL_NAMES]
        if labels and rows:
            raise BadInput(
                f"{table.name} has a column {labels[0]!r}, but none of its columns names a"
                f" picture: its first line is {shown_name(', '.join(rows[0]))}. There are"
                f" {_first_paths(images)}. Write the file names as they are, zeros in front"
                " and all.",
                "path",
            )


def _first_paths(images: Sequence[RawFile]) -> str:
    return " and ".join(shown_name(raw.path) for raw in images[:2])

"""Labels in forms that cannot be read: the message where no other labels are found."""

from collections.abc import Sequence

from core.datasets.reading.columns import LABEL_NAMES, bare_name, is_number
from core.datasets.reading.image_files import has_image_suffix, stem
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.table import TextTable
from core.errors import BadInput

SHEET_SUFFIXES = (".xlsx", ".xls", ".ods", ".numbers")
TREE_SUFFIXES = (".json", ".xml")
# YOLO: number of the class, centre and size of a box; more cells are an outline.
FEWEST_CELLS_OF_A_BOX = 5
FRACTION_THAT_LOOK_LIKE_FILES = 0.5
FEWEST_BOX_FILES = 2


def is_boxes(table: TextTable) -> bool:
    """Whether a table contains boxes around objects of one image, as YOLO writes them."""
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
    """Raise ``BadInput`` where there seem to be labels that cannot be used, saying why.

    Called for images in no class folders whose file names contain no class.
    """
    reason = (
        _spreadsheet(listing)
        or _absent_files(tables, images)
        or _boxes(listing, tables)
        or _labels_of_no_image(tables, images)
    )
    if reason is not None:
        raise BadInput(reason, "path")


def _spreadsheet(listing: Listing) -> str | None:
    """Only a spreadsheet may hold the labels."""
    for raw in listing.files:
        if raw.name.lower().endswith(SHEET_SUFFIXES):
            return (
                f"{raw.path} is a spreadsheet, which cannot be read, and the images are in no class"
                " folders. Save it as CSV (in Excel: Save as, CSV UTF-8) and put that beside the"
                " images."
            )
    return None


def _absent_files(tables: Sequence[TextTable], images: Sequence[RawFile]) -> str | None:
    """A table names files, and none of them exists."""
    for table in tables:
        for position in range(table.width):
            cells = [row[position].strip() for row in table.first_rows[1:] if len(row) > position]
            like_files = [cell for cell in cells if has_image_suffix(cell)]
            if like_files and len(like_files) >= FRACTION_THAT_LOOK_LIKE_FILES * len(cells):
                theirs = " and ".join(map(shown_name, like_files[:2]))
                return (
                    f"{table.name} names {theirs}, but none of the images that it names is there."
                    f" There are {_first_paths(images)}. Give the images of this table."
                )
    return None


def _boxes(listing: Listing, tables: Sequence[TextTable]) -> str | None:
    """There are boxes around objects, or files that may contain some."""
    boxes = [table.name for table in tables if is_boxes(table)]
    # Google keeps "1.jpg.json" beside a photo; it contains no label.
    trees = [
        raw.path
        for raw in listing.files
        if raw.name.lower().endswith(TREE_SUFFIXES) and not has_image_suffix(stem(raw.name))
    ]
    if len(boxes) >= FEWEST_BOX_FILES:
        what = f"{boxes[0]} looks like boxes around objects, as YOLO has them"
    elif trees:
        what = f"{trees[0]} may contain labels, as COCO and Pascal VOC have them"
    else:
        return None
    return (
        f"{what}; such files cannot be read. Each whole image needs one class: sort the images into"
        " one folder per class, or add a CSV with a first line file,label."
    )


def _labels_of_no_image(tables: Sequence[TextTable], images: Sequence[RawFile]) -> str | None:
    """A table has labels but names no image (Excel turns 0001 into 1)."""
    for table in tables:
        header, *rows = table.first_rows
        labels = [name.strip() for name in header if bare_name(name) in LABEL_NAMES]
        if labels and rows:
            return (
                f"{table.name} has a column {labels[0]!r}, but none of its columns names an image:"
                f" its first line is {shown_name(', '.join(rows[0]))}. There are"
                f" {_first_paths(images)}. Write the complete file names, with leading zeros."
            )
    return None


def _first_paths(images: Sequence[RawFile]) -> str:
    return " and ".join(shown_name(raw.path) for raw in images[:2])

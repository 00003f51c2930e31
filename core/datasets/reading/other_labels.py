"""Labels in forms that cannot be read: the message where no other labels are found."""

from collections.abc import Sequence

from core.datasets.reading.columns import LABEL_NAMES, as_numbers, bare_name, is_address, is_base64
from core.datasets.reading.image_files import has_image_suffix, is_named_after_image
from core.datasets.reading.label_tables import LabelTable
from core.datasets.reading.raw_files import Listing, RawFile, bad_source, shown_name
from core.errors import BadInput

SHEET_SUFFIXES = (".xlsx", ".xls", ".ods", ".numbers")
TREE_SUFFIXES = (".json", ".xml")
# YOLO: number of the class, centre and size of a box; more cells are an outline.
FEWEST_CELLS_OF_A_BOX = 5
FEWEST_BOX_FILES = 2
FRACTION_THAT_LOOK_LIKE_FILES = 0.5
_NEEDED = (
    "such files cannot be read. Each whole image needs one class: sort the images into one folder"
    " per class, or add a CSV with a first line file,label."
)


def is_boxes(table: LabelTable) -> bool:
    """Whether a table contains boxes around objects of one image, as YOLO writes them."""
    rows = table.first_rows
    if not table.raw.name.lower().endswith(".txt") or table.width < FEWEST_CELLS_OF_A_BOX:
        return False
    numbers = as_numbers([[cell for row in rows for cell in row[1:]]])
    return all(row[0].isdecimal() for row in rows) and bool(((numbers >= 0) & (numbers <= 1)).all())


def boxes_error(name: str) -> BadInput:
    """The error for a table of boxes around objects."""
    return bad_source(
        f"{name} holds boxes around objects, as COCO, Pascal VOC and YOLO have them, not one class"
        f" for each whole image; {_NEEDED}"
    )


def _why_no_images(table: LabelTable) -> str | None:
    """Why the cells of a table name no images that are there: addresses, or images in base64."""
    for at in range(table.width):
        cells = [row[at].strip() for row in table.first_rows[1:] if len(row) > at]
        if cells and all(map(is_address, cells)):
            return (
                f"{table.name} names images by addresses, such as {shown_name(cells[0])}; addresses"
                " are not fetched. Download the images, and give them with this table."
            )
        if cells and all(map(is_base64, cells)):
            return (
                f"{table.name} holds images as text (base64), which is not read. Write them to"
                " files, with base64.b64decode in Python, and name the files in the table."
            )
    return None


def check_other_labels(
    listing: Listing, tables: Sequence[LabelTable], images: Sequence[RawFile]
) -> None:
    """Raise ``BadInput`` where there seem to be labels that cannot be used, saying why.

    Called for images in no class folders whose file names contain no class.
    """
    there = " and ".join(shown_name(raw.path) for raw in images[:2])
    sheets = [raw.path for raw in listing.files if raw.name.lower().endswith(SHEET_SUFFIXES)]
    if sheets:
        raise bad_source(
            f"{sheets[0]} is a spreadsheet, which cannot be read, and the images are in no class"
            " folders. Save it as CSV (in Excel: Save as, CSV UTF-8) and put that beside the"
            " images."
        )
    for table in tables:
        cells = _why_no_images(table)
        if cells:
            raise bad_source(f"{cells} There are {there}.")
        named = _absent_files(table)
        if named:
            raise bad_source(
                f"{table.name} names {' and '.join(map(shown_name, named[:2]))}, but none of the"
                f" images that it names is there. There are {there}. Give the images of this"
                " table."
            )
    # What Google keeps beside a photo contains no label.
    trees = [
        raw.path
        for raw in listing.files
        if raw.name.lower().endswith(TREE_SUFFIXES) and not is_named_after_image(raw.name)
    ]
    what = f"{trees[0]} may contain labels, as COCO and Pascal VOC have them" if trees else None
    boxes = [table for table in tables if is_boxes(table)]
    if len(boxes) >= FEWEST_BOX_FILES:
        what = f"{boxes[0].name} looks like boxes around objects, as YOLO has them"
    if what:
        raise bad_source(f"{what}; {_NEEDED}")
    for table in tables:
        header, *rows = table.first_rows
        labels = [name.strip() for name in header if bare_name(name) in LABEL_NAMES]
        if labels and rows:  # Excel turns 0001 into 1
            raise bad_source(
                f"{table.name} has a column {labels[0]!r}, but none of its columns names an image:"
                f" its first line is {shown_name(', '.join(rows[0]))}. There are {there}. Write"
                " the complete file names, with leading zeros."
            )


def _absent_files(table: LabelTable) -> list[str]:
    """The cells of the first column that mostly holds names of image files."""
    for at in range(table.width):
        cells = [row[at].strip() for row in table.first_rows[1:] if len(row) > at]
        named = [cell for cell in cells if has_image_suffix(cell)]
        if named and len(named) >= FRACTION_THAT_LOOK_LIKE_FILES * len(cells):
            return named
    return []

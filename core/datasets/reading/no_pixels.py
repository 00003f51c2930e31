"""A single file that is no table of pixels: what it is, and what to do with it."""

from collections.abc import Callable, Sequence

from core.datasets.reading.columns import is_address, is_base64
from core.datasets.reading.pixel_columns import EXPECTED
from core.datasets.reading.raw_files import RawFile, bad_source
from core.datasets.reading.table import TextTable
from core.errors import BadInput

FRACTION_ALIKE = 0.5
TO_FILES = (
    "import base64, pathlib, pandas as pd; [pathlib.Path(f'{{at}}.jpg').write_bytes("
    "base64.b64decode(text.split(',')[-1])) for at, text in enumerate(pd.read_csv({name!r})"
    "[{column!r}])]"
)


def why_no_pixels(raw: RawFile, table: TextTable | None) -> BadInput:
    """The error for a single file that is no table of pixels; ``table`` if it is one at all."""
    if raw.name.lower().endswith(".zip"):
        what = "is not a zip archive. Pack the folders with the images again"
    elif table is None and raw.is_gzip():
        what = "is a damaged gzip file, or contains no table. Make or download it again"
    elif table is None or table.separator == " ":
        what = (
            "is neither a zip nor a table. Give a folder or zip with one folder of images for"
            " each class"
        )
    else:
        what = _about_table(raw, table)
    return bad_source(f"{raw.name} {what}. For a table of pixels: {EXPECTED}.")


def _about_table(raw: RawFile, table: TextTable) -> str:
    header, *rows = table.first_rows
    for at, name in enumerate(header):
        cells = [row[at].strip() for row in rows if len(row) > at]
        if _mostly(cells, is_address):
            return (
                f"names images by addresses in its column {name.strip()!r}; addresses are not"
                " fetched. Download the images, and give them in one zip with this table"
            )
        if _mostly(cells, is_base64):
            python = TO_FILES.format(name=raw.name, column=name.strip())
            return (
                f"holds images as text (base64) in its column {name.strip()!r}, which is not read."
                f" Write them to files, and give these in one zip with this table: {python}"
            )
    return "is a table without pixels in it. If it names images, put it into one zip with them"


def _mostly(cells: Sequence[str], test: Callable[[str], bool]) -> bool:
    return bool(cells) and sum(map(test, cells)) > FRACTION_ALIKE * len(cells)

"""What the values of a column are like: classes, measured numbers, dates, names, boxes."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.label_tables import LabelTable
from core.text import count_text

MOST_COLUMNS = 200
MOST_VALUES = 20_000
ROWS_AT_ONCE = 2000
LONGEST_VALUE = 255
FEWEST_ROWS_TO_JUDGE = 10
FEWEST_MEASURED = 10
FEW_IMAGES = 2
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")
_WHOLE = re.compile(r"[-+]?\d+(?:[.,]0*)?")
_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?\b.*|\d\d?[-/.]\d\d?[-/.]\d{2,4}\b.*")
_ADDRESS = re.compile(r"(?:https?|ftp|data):", re.IGNORECASE)


@dataclass
class ColumnValues:
    """The values of a column over a whole table, without blanks around them.

    counts: rows by value; no more than ``MOST_VALUES`` values. rows: all that are not blank.
    longest: characters of the longest value.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    longest: int = 0

    def add(self, cells: Iterable[str]) -> None:
        found = Counter(map(str.strip, cells))
        found.pop("", None)
        self.rows += found.total()
        for value, count in found.items():
            if value in self.counts or len(self.counts) < MOST_VALUES:
                self.counts[value] += count
                self.longest = max(self.longest, len(value))

    @property
    def are_numbers(self) -> bool:
        return bool(self.counts) and all(map(_NUMBER.fullmatch, self.counts))

    @property
    def count_up(self) -> bool:
        """Whether they are whole numbers without a gap, each on one row: numbers of the rows."""
        if len(self.counts) < self.rows or not all(value.isdecimal() for value in self.counts):
            return False
        numbers = [int(value) for value in self.counts if len(value) < 10]
        return len(numbers) == self.rows > 1 and max(numbers) - min(numbers) == self.rows - 1

    @property
    def are_names(self) -> bool:
        """Whether most are names of image files, or addresses."""
        found = sum(has_image_suffix(value) or bool(_ADDRESS.match(value)) for value in self.counts)
        return 2 * found > len(self.counts)

    @property
    def can_be_classes(self) -> bool:
        """Whether they are like classes: several values, most of them on several rows."""
        return (
            len(self.counts) >= 2
            and 2 * len(self.counts) <= self.rows
            and self.longest <= LONGEST_VALUE
            and self.why_no_classes() is None
        )

    def why_no_classes(self) -> str | None:
        """What else they seem to be, as the end of a sentence, or None."""
        if self.rows < FEWEST_ROWS_TO_JUDGE:
            return None
        distinct = len(self.counts)
        many = f"{count_text(distinct, 'value')} on {count_text(self.rows, 'row')}"
        few = sum(count <= FEW_IMAGES for count in self.counts.values())
        if self.are_numbers and distinct >= FEWEST_MEASURED:
            whole = sum(bool(_WHOLE.fullmatch(value)) for value in self.counts)
            if 2 * few > distinct or 2 * whole < distinct:
                return f"a measured number, not like classes: {many}"
        if all(map(_DATE.fullmatch, self.counts)) and distinct > 1:
            return f"a date, not like classes: {many}"
        if distinct >= FEWEST_MEASURED and 2 * distinct > self.rows:
            return f"names or remarks, not like classes: {many}"
        return None


def values_of(table: LabelTable, has_header: bool) -> list[ColumnValues]:
    """The values of each column, of the first columns where the table is wide.

    Raises ``BadInput`` where the table is damaged.
    """
    width = min(table.width, MOST_COLUMNS)
    found = [ColumnValues() for _ in range(width)]
    below_header = itertools.islice(table.rows(), int(has_header), None)
    rows = (row[:width] for _, row in below_header if row is not None)
    while batch := list(itertools.islice(rows, ROWS_AT_ONCE)):
        for column, cells in zip(found, itertools.zip_longest(*batch, fillvalue=""), strict=False):
            column.add(cells)
    return found


def columns_of_boxes(
    names: Sequence[str],
    values: Sequence[ColumnValues],
    rows: Sequence[Sequence[str]],
    has_header: bool,
) -> list[int]:
    """The columns that hold boxes around objects, or none.

    They are known by bare name; without a header by four numbers that fit.
    """
    for known in _BOX_NAMES:
        found = [at for at, name in enumerate(names[: len(values)]) if name in known]
        if len(found) >= len(known) or (len(known) == 1 and found):
            return found
    if has_header:
        return []
    for at in range(len(values) - 3):
        if all(one.are_numbers for one in values[at : at + 4]) and _fit(rows, at):
            return list(range(at, at + 4))
    return []


def _fit(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Whether four cells of each row are the corners of a box, and not the same box in all."""
    boxes = [tuple(float(cell.replace(",", ".") or 0) for cell in row[at : at + 4]) for row in rows]
    corners = all(left < right and top < bottom for left, top, right, bottom in boxes)
    return len(boxes) > 1 and corners and len(set(boxes)) > len(boxes) / 2


_BOX_NAMES = tuple(
    frozenset(names.split())
    for names in (
        "bbox", "boundingbox", "bndbox", "boundingboxes", "objectsbbox", "annotationsbbox",
        "predictionstring", "encodedpixels", "segmentation", "annotationcoordinatesx",
        "xmin ymin xmax ymax", "x1 y1 x2 y2", "bboxx1 bboxy1 bboxx2 bboxy2",
        "xmin xmax ymin ymax", "left top right bottom", "left top width height",
        "bboxx bboxy bboxwidth bboxheight", "bboxxmin bboxymin bboxxmax bboxymax",
        "xcenter ycenter width height", "cx cy w h", "x y w h",
        "x y width height", "xtl ytl xbr ybr", "x0 y0 x1 y1",
        "minx miny maxx maxy", "xminimum yminimum xmaximum ymaximum",
    )
)  # fmt: skip

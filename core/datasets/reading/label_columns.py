"""Which columns of a table that names images may hold the label, the likely ones first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.datasets.reading.column_values import ColumnValues, columns_of_boxes, values_of
from core.datasets.reading.columns import (
    FILE_NAMES,
    INDEX_NAMES,
    LABEL_NAMES,
    MOST_LISTED_COLUMNS,
    PROPERTY_NAMES,
    ROW_NUMBER_NAMES,
    alike_position,
    bare_name,
    unique_names,
)
from core.datasets.reading.folder_words import PART_WORDS
from core.datasets.reading.image_files import ImageNames, has_image_suffix
from core.datasets.reading.label_tables import LabelTable
from core.datasets.reading.question import MOST_OFFERS, Question, ReadingUnclear, table_sample
from core.datasets.reading.raw_files import bad_source
from core.datasets.reading.several_labels import Labels, labels_in_cells
from core.datasets.reading.subset_columns import SubsetColumn, is_subset_name, subset_column
from core.datasets.reading.subset_names import name_words, words
from core.datasets.reading_choice import Choice
from core.text import count_text, some_text

KNOWN_NAMES = LABEL_NAMES | PROPERTY_NAMES | FILE_NAMES
FRACTION_WITH_ONE_MARK = 0.95
FEWEST_MARKS = 3
FEWEST_ROWS = 10
FEWEST_DISTINCT = 5
_LABEL_WORDS = words("label labels class classes category categories target targets diagnosis")
# "label_confidence", "class_count": about a label, but not it.
_ABOUT_WORDS = words(
    "confidence score probability prob count counts num number source quality time date weight"
    " certainty by annotator author version predicted prediction predictions pred"
)
# "patient_id", "photographer": who, where and how, where no other column says what.
_ORIGIN_WORDS = PART_WORDS | words(
    "photographer owner uploader licence license copyright hospital institution scanner vendor"
    " manufacturer resolution"
)
# They may also say of what kind an image is: a photo or a drawing.
_VAGUE_NAMES = words("kind type theme tag tags art sorte typ thema tipo")
_MEASURE_NAMES = words(
    "age width height size weight price length area lat latitude lon long longitude x y z date time"
    " timestamp year month day angle steering speed temperature count number confidence leadtime"
    " filesize bytes pixels"
)
_MARKS = {"1": True, "1.0": True, "0": False, "0.0": False, "-1": False, "-1.0": False}


@dataclass(frozen=True)
class LabelColumns:
    """What the columns of a table that names images are for, by position.

    label: the column of the label; where it is None, ``one_hot`` has one column for each class.
    labels: how its cells part several labels; None where each cell is one label.
    label_is_named: whether the column is named like a label, or was chosen.
    doubt: why it may be wrong, as a sentence; None where it is clearly right.
    boxes: columns that hold boxes around objects.
    """

    names: tuple[str, ...]
    has_header: bool
    file: int
    subsets: SubsetColumn | None
    label: int | None = None
    one_hot: tuple[int, ...] = ()
    labels: Labels | None = None
    label_is_named: bool = True
    doubt: str | None = None
    boxes: tuple[int, ...] = ()

    @property
    def label_name(self) -> str:
        return "" if self.label is None else self.names[self.label]


class NoLabelColumn(ReadingUnclear):
    """No column of a table may hold the label; ``subsets`` is its column of subsets, if any."""

    def __init__(self, question: Question, columns: LabelColumns) -> None:
        super().__init__(question)
        self.columns = columns


def marked_columns(row: Sequence[str], columns: Sequence[int]) -> list[int] | None:
    """The columns with a 1, or None where a cell is no mark: neither 0 nor 1, nor -1."""
    marks = {at: _MARKS.get(row[at].strip()) for at in columns}
    return None if None in marks.values() else [at for at, marked in marks.items() if marked]


def label_columns(
    table: LabelTable, file: int, images: ImageNames, choice: Choice
) -> list[LabelColumns]:
    """The ways to take a label from a table whose column ``file`` names images.

    Raises ``NoLabelColumn`` where there is none, and ``BadInput`` where a column was chosen that
    does not exist, or where the columns are fractions of classes.
    """
    has_header = has_header_row(table, images)
    names = column_names(table, has_header)
    rows = [row for row in table.first_rows[has_header:] if len(row) == table.width]
    values = values_of(table, has_header)
    if choice.file_column is not None:
        file = alike_position(choice.file_column, names, table.name)
    subsets = subset_column(names, rows, values, has_header, choice, table.name)
    bare = [_bare(name, table) for name in names]
    boxes = columns_of_boxes(bare, values, rows, has_header)
    base = LabelColumns(names, has_header, file, subsets, boxes=tuple(boxes))
    if choice.label_column is not None:
        at = alike_position(choice.label_column, names, table.name)
        return [_with_labels(replace(base, label=at), values, table.is_nested)]
    others = [
        at
        for at in range(len(values))
        if at != file
        and at not in boxes
        and (subsets is None or at != subsets.at)
        and not (has_header and (bare[at] in ROW_NUMBER_NAMES or is_subset_name(bare[at])))
        and (has_header or not values[at].count_up)
    ]
    found = _candidates(table, base, others, bare, values, rows)
    if choice.several_labels is not None and found and found[0].one_hot:
        found = [replace(found[0], doubt=None)]
    if not found:
        raise NoLabelColumn(
            Question(
                message=f"{table.name} names images, but it is unclear which of its columns holds"
                f" the label. Its columns: {some_text(names, MOST_LISTED_COLUMNS)}.",
                tables=[table_sample(table.name, names, rows)],
            ),
            base,
        )
    return [_with_labels(columns, values, table.is_nested) for columns in found[:MOST_OFFERS]]


def has_header_row(table: LabelTable, images: ImageNames) -> bool:
    """Whether the first row names the columns, not an image."""
    if table.has_header is not None:
        return table.has_header
    first = table.first_rows[0]
    if any(has_image_suffix(cell.strip()) for cell in first):
        return False
    named = {bare_name(cell) for cell in first}
    if named & FILE_NAMES and named & LABEL_NAMES:
        return True
    return not any(images.find_somehow(cell, table.raw).files for cell in first)


def column_names(table: LabelTable, has_header: bool) -> tuple[str, ...]:
    """A unique name for each column; a name that a comma in brackets cut is whole again."""
    if not has_header:
        return unique_names(None, table.width)
    joined: list[list[str]] = []
    is_open = False
    for cell in table.first_rows[0]:
        if is_open:
            joined[-1].append(cell)
        else:
            joined.append([cell])
        text = ",".join(joined[-1])
        is_open = any(text.count(a) > text.count(b) for a, b in ("[]", "()", "{}"))
    if is_open:
        return unique_names(table.first_rows[0], table.width)
    whole = [",".join(parts) for parts in joined]
    if len(whole) != table.width:
        # The cells below were cut as well, or hold one number each: all get the whole name.
        whole = [name for name, parts in zip(whole, joined, strict=True) for _ in parts]
    return unique_names(whole, table.width)


def _bare(name: str, table: LabelTable) -> str:
    """The bare name of a column; of keys inside keys, as JSON has them, the innermost."""
    return bare_name(re.split(r"[./]", name)[-1] if table.is_nested else name)


def _candidates(
    table: LabelTable,
    base: LabelColumns,
    others: Sequence[int],
    bare: Sequence[str],
    values: Sequence[ColumnValues],
    rows: Sequence[Sequence[str]],
) -> list[LabelColumns]:
    has_header = base.has_header
    plain = [at for at in others if not (has_header and bare[at] in INDEX_NAMES)]
    class_like = sorted(
        (
            at
            for at in plain
            if values[at].can_be_classes
            and not values[at].are_names
            and bare[at] not in _MEASURE_NAMES
        ),
        key=lambda at: values[at].are_numbers,
    )
    if has_header:
        for tier in _named(plain, base.names, bare):
            if len(tier) > 1 and not _agree(tier, rows):
                doubt = f"Several columns are named like labels: {_listed(tier, base.names)}"
                return [replace(base, label=at, doubt=doubt) for at in tier]
            if tier:
                in_words = [at for at in tier if not values[at].are_numbers]
                at = (in_words or tier)[0]
                why = values[at].why_no_classes()
                more = [other for other in class_like if other not in tier]
                if why is None:
                    in_words = [other for other in more if not values[other].are_numbers]
                    if bare[at] in _VAGUE_NAMES and in_words:
                        return _in_doubt(base, [at, *in_words])
                    return [replace(base, label=at)]
                doubt = f"Column {base.names[at]!r} looks like {why}"
                return [*_in_doubt(base, more), replace(base, label=at, doubt=doubt)]
        marks = [
            at for at in plain if values[at].counts and values[at].counts.keys() <= _MARKS.keys()
        ]
        if len(marks) > 1 and (marks == plain or len(marks) >= FEWEST_MARKS):
            found = _of_marks(base, marks, values, rows)
            beside = [at for at in class_like if at not in marks and not values[at].are_numbers]
            if found:
                return _beside_marks(found, beside) if beside else found
        _check_fractions(table, base, plain, values)
        single_letter = [at for at in plain if bare[at] in LABEL_NAMES and len(bare[at]) == 1]
        if single_letter and set(class_like) <= set(single_letter):
            class_like = single_letter
            if values[single_letter[0]].why_no_classes() is None and len(plain) == 1:
                return [replace(base, label=single_letter[0])]
    single = plain if plain or not has_header else [at for at in others if bare[at] in INDEX_NAMES]
    if len(single) == 1:
        return _of_single(base, single[0], bare[single[0]], values[single[0]])
    return _in_doubt(base, class_like)


def _named(plain: Sequence[int], names: Sequence[str], bare: Sequence[str]) -> Iterable[list[int]]:
    """Columns that are named like labels, in order of certainty; one letter says too little."""
    yield [at for at in plain if bare[at] in LABEL_NAMES and len(bare[at]) > 1]
    yield [
        at
        for at in plain
        if name_words(names[at]) & _LABEL_WORDS and not name_words(names[at]) & _ABOUT_WORDS
    ]
    yield [at for at in plain if bare[at] in PROPERTY_NAMES]


def _in_doubt(base: LabelColumns, positions: Sequence[int]) -> list[LabelColumns]:
    if len(positions) > 1:
        doubt = f"Any of these columns may hold the label: {_listed(positions, base.names)}"
    else:
        doubt = "No column is named like a label"
    return [replace(base, label=at, label_is_named=False, doubt=doubt) for at in positions]


def _listed(positions: Sequence[int], names: Sequence[str]) -> str:
    return some_text([names[at] for at in positions], MOST_LISTED_COLUMNS)


def _of_single(base: LabelColumns, at: int, bare: str, values: ColumnValues) -> list[LabelColumns]:
    """The only column beside the names: the label, unless its values speak against that."""
    if not values.counts:
        return []
    if len(values.counts) == values.rows >= FEWEST_ROWS and not values.are_numbers:
        return []
    few = min(values.counts.values()) > 1 and values.can_be_classes
    why = values.why_no_classes()
    doubt = None
    if why is not None:
        doubt = f"Column {base.names[at]!r} looks like {why}"
    elif FEWEST_DISTINCT <= values.rows == len(values.counts):
        doubt = f"Column {base.names[at]!r} has another value for each image"
    elif base.has_header and (bare in _MEASURE_NAMES or _is_measure(base.names[at], values)):
        doubt = f"Column {base.names[at]!r} is named like a measure, not like a label"
    elif base.has_header and name_words(base.names[at]) & (_ABOUT_WORDS | _ORIGIN_WORDS):
        doubt = f"Column {base.names[at]!r} is named like the origin of an image, not like a label"
    elif base.has_header and bare in INDEX_NAMES and not few:
        doubt = f"Column {base.names[at]!r} may hold numbers of the images, not their classes"
    is_named = doubt is None and few and (not base.has_header or bare in INDEX_NAMES)
    return [replace(base, label=at, label_is_named=is_named, doubt=doubt)]


def _is_measure(name: str, values: ColumnValues) -> bool:
    """``weight_kg``, ``num_cars``: numbers under such a name."""
    return values.are_numbers and bool(name_words(name) & (_MEASURE_NAMES | _ABOUT_WORDS))


def _of_marks(
    base: LabelColumns,
    marks: list[int],
    values: Sequence[ColumnValues],
    rows: Sequence[Sequence[str]],
) -> list[LabelColumns]:
    """One column for each class where most rows mark one; else also each column by itself."""
    marked = [found for row in rows if (found := marked_columns(row, marks)) is not None]
    single = sum(len(found) == 1 for found in marked)
    together = replace(base, one_hot=tuple(marks))
    if single >= FRACTION_WITH_ONE_MARK * len(rows) and rows:
        return [together]
    doubt = (
        "Its columns mark several things in one image, and a class is one of them:"
        f" {_listed(marks, base.names)}"
    )
    alone = [replace(base, label=at, doubt=doubt) for at in marks if len(values[at].counts) > 1]
    none = sum(not found for found in marked)
    if 2 * single >= len(rows) and none <= 0.05 * len(rows):
        return [replace(together, doubt=doubt), *alone]
    return alone


def _beside_marks(found: list[LabelColumns], beside: Sequence[int]) -> list[LabelColumns]:
    """Columns of marks, and those of words beside them: either may hold the classes."""
    base = found[0]
    names = _listed(beside, base.names)
    doubt = f"The columns with a 1 may be properties of the images, and {names} the class"
    alone = [
        replace(base, label=at, one_hot=(), label_is_named=False, doubt=doubt) for at in beside
    ]
    return [*(replace(one, doubt=one.doubt or doubt) for one in found), *alone]


def _check_fractions(
    table: LabelTable, base: LabelColumns, plain: Sequence[int], values: Sequence[ColumnValues]
) -> None:
    """Raise ``BadInput`` where the other columns give each class a fraction."""
    if len(plain) < 2 or not all(values[at].are_numbers for at in plain):
        return
    numbers = [[float(v.replace(",", ".")) for v in values[at].counts] for at in plain]
    in_range = all(0 <= number <= 1 for column in numbers for number in column)
    between = sum(any(0 < number < 1 for number in column) for column in numbers)
    sums = [
        sum(float(row[at].replace(",", ".") or 0) for at in plain)
        for row in table.first_rows[base.has_header :]
        if len(row) == table.width
    ]
    ones = sum(abs(total - 1) < 0.02 for total in sums)
    if in_range and 2 * between > len(plain) and (len(plain) > 2 or 2 * ones > len(sums)):
        raise bad_source(
            f"{table.name} gives fractions (probabilities, or shares of votes) of"
            f" {count_text(len(plain), 'class')} for each image: {_listed(plain, base.names)}."
            " Headstart needs one class for each image. Add a column label with the likeliest"
            " class, or name a column that holds one class."
        )


def _with_labels(
    columns: LabelColumns, values: Sequence[ColumnValues], is_nested: bool
) -> LabelColumns:
    at = columns.label
    if at is None or at >= len(values):
        return columns
    labels = labels_in_cells(values[at].counts, bare_name(columns.names[at]), is_nested)
    if labels is None:
        return columns
    # As single labels the cells looked like remarks, no two alike; their parts do not.
    doubt = None if columns.doubt and "names or remarks" in columns.doubt else columns.doubt
    return replace(columns, labels=labels, doubt=doubt)


def _agree(called: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether columns that are all named like a label mean the same: ``class_id`` 0, 1, 2 and
    ``class_name`` cat, dog, owl.
    """
    together = len({tuple(row[at] for at in called) for row in rows})
    return all(len({row[at] for row in rows}) == together for at in called)

"""Several tables that name images: which continue each other, which repeat or contradict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from core.datasets.reading.columns import name_without_subset
from core.datasets.reading.label_columns import LabelColumns
from core.datasets.reading.label_rows import LabelledRows
from core.datasets.reading.label_tables import LabelTable
from core.datasets.reading.named_classes import are_one_to_one
from core.datasets.reading.subset_names import name_words, words

# A table that names nearly as many images with other labels is as likely as the fullest.
FRACTION_OF_A_RIVAL = 0.8
_PREDICTIONS = words("prediction predictions predicted preds")


@dataclass
class TableLabels:
    """A table and the ways to take labels from it, the likely ones first; each is read once."""

    table: LabelTable
    candidates: list[LabelColumns]
    read: Callable[[LabelTable, LabelColumns], LabelledRows]
    _rows: dict[int, LabelledRows] = field(default_factory=dict)

    def rows(self, at: int = 0) -> LabelledRows:
        if at not in self._rows:
            self._rows[at] = self.read(self.table, self.candidates[at])
        return self._rows[at]

    def doubt(self, reason: str) -> None:
        """Doubt all ways that were in no doubt so far."""
        self.candidates = [replace(one, doubt=one.doubt or reason) for one in self.candidates]
        self._rows = {
            at: replace(rows, columns=self.candidates[at]) for at, rows in self._rows.items()
        }

    def alike(self, columns: LabelColumns) -> LabelledRows | None:
        """The rows by the candidate that is called like ``columns``, or None."""
        name = name_without_subset(columns.label_name)
        for at, own in enumerate(self.candidates):
            if name_without_subset(own.label_name) == name:
                return self.rows(at)
        return None


@dataclass(frozen=True)
class Together:
    """Tables that are read as one.

    tables: each with the images that it adds. subsets: by the ``id`` of the file, from the names of
    tables; empty where these say nothing about some image. again: names of tables that repeat.
    """

    tables: list[LabelledRows]
    subsets: dict[int, str]
    again: list[str]


def fullest(tables: Sequence[TableLabels]) -> TableLabels:
    """The table that names most images."""
    return max(tables, key=lambda one: (len(one.rows().rows), one.candidates[0].label_is_named))


def is_submission(table: LabelTable) -> bool:
    """Whether it is named like what is to be handed in: its labels are examples or guesses."""
    name = table.raw.name
    return "submission" in name.lower() or bool(name_words(name) & _PREDICTIONS)


def read_together(lead: LabelledRows, tables: Sequence[TableLabels]) -> Together:
    """The leading table, and those with a column of the same name that continue or repeat it."""
    alike = [
        rows
        for one in tables
        if one.table is not lead.table and (rows := one.alike(lead.columns)) is not None
    ]
    by_subset = [rows for rows in (lead, *alike) if rows.subset]
    if lead.subset and len({rows.subset for rows in by_subset}) > 1:
        alike = [rows for rows in alike if rows.subset]
    labels = {id(row.raw): row.labels for row in lead.rows}
    taken, again = [lead], []
    subsets = _subsets_by_name(lead)
    for rows in sorted(alike, key=lambda rows: -len(rows.rows)):
        shared = [row for row in rows.rows if id(row.raw) in labels]
        if any(labels[id(row.raw)] != row.labels for row in shared) or not rows.rows:
            continue
        new = [row for row in rows.rows if id(row.raw) not in labels]
        labels |= {id(row.raw): row.labels for row in new}
        for key, subset in _subsets_by_name(rows).items():
            subsets.setdefault(key, subset)
        if new:
            taken.append(replace(rows, rows=new))
        else:
            again.append(rows.table.name)
    complete = labels.keys() <= subsets.keys() and len(set(subsets.values())) > 1
    return Together(taken, subsets if complete else {}, again)


def rivals(lead: LabelledRows, tables: Sequence[TableLabels]) -> list[LabelledRows]:
    """Tables that label the same images differently, about as many or under the same name."""
    labels = {id(row.raw): row.labels for row in lead.rows}
    label_name = name_without_subset(lead.columns.label_name)
    found = []
    for one in tables:
        if one.table is lead.table:
            continue
        rows = one.rows()
        pairs = {(labels[id(row.raw)], row.labels) for row in rows.rows if id(row.raw) in labels}
        is_alike = name_without_subset(rows.columns.label_name) == label_name
        enough = is_alike or len(rows.rows) >= FRACTION_OF_A_RIVAL * len(lead.rows)
        if pairs and not are_one_to_one(pairs) and enough and rows.columns.doubt is None:
            found.append(rows)
    return found


def _subsets_by_name(rows: LabelledRows) -> dict[int, str]:
    subset = rows.subset
    return {} if subset is None else {id(row.raw): subset for row in rows.rows}

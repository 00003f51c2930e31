"""What people write on an experiment: name, note, tags, slices, whether it is archived or reviewed;
who started it, and which one it repeats.

Every change is a row of its own; the last one of a field counts. So who changed what, and when, is
kept, and an experiment that nobody named has no row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    func,
    insert,
    select,
)

from core.errors import BadInput
from core.jobs.records import StoredJson, metadata, reason_of
from core.jobs.workers import WorkerList, moment_text

MOST_TAGS = 12
MOST_OWN_SLICES = 12

changes = Table(
    "experiment_changes",
    metadata,
    Column("experiment_id", String(32), ForeignKey("experiments.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("changed_at", String(32), nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("field", String(16), nullable=False),
    Column("value", StoredJson, nullable=False),
)

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=80, pattern=r"^[^\n\r]*$")
]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=32, pattern=r"^[^\n\r,]*$"),
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
ExperimentId = Annotated[str, StringConstraints(max_length=32, pattern=r"^[0-9a-z]*$")]
# The longest e-mail address there can be (RFC 5321).
Address = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^\n\r]*$")]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class OwnSlice:
    """Test images that somebody gave a name: those in all of these ``parts``, by the keys of
    slices; of several parts by the same property one is enough."""

    name: Annotated[Line, StringConstraints(min_length=1)]
    parts: Annotated[tuple[Line, ...], Field(min_length=1, max_length=24)]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=False))
class Labels:
    """``name``: one line of at most 80 letters. ``note``: Markdown of at most 10,000
    (``core.markdown`` says what of it is shown as such). ``tags``: at most twelve, without commas.
    ``slices``: at most twelve of one's own, each with another name.
    ``archived``: out of lists, kept. ``pinned``: shown first.
    ``reviewed``: somebody stands behind it: ``reviewed_by``, since ``reviewed_at`` (ISO 8601 in
    UTC), both read from the history. ``removed``: nobody sees it any more; what it kept is
    deleted after an hour (``core.experiments.removal``). ``owner``: the e-mail address of who
    started it, empty where nobody had to sign in. ``repeats``: the id of the experiment whose form
    was changed to start this one, which may be gone."""

    name: Line = ""
    note: Note = ""
    tags: tuple[Tag, ...] = ()
    slices: tuple[OwnSlice, ...] = ()
    archived: bool = False
    pinned: bool = False
    reviewed: bool = False
    removed: bool = False
    owner: Address = ""
    repeats: ExperimentId = ""
    reviewed_by: str = ""
    reviewed_at: str = ""

    @property
    def review(self) -> str:
        """Who stands behind it, and since which day (UTC); empty for a draft."""
        return f"{self.reviewed_by}, {self.reviewed_at[:10]}" if self.reviewed else ""


SHARED = ("name", "note", "tags", "slices")
"""What goes with an experiment to whoever gets it. How it is kept, who started it and who stands
behind it belong to the house that it comes from."""


WRITTEN = (*SHARED, "archived", "pinned", "reviewed")
"""What people write. The rest is set by what they do: start, remove, review."""


@dataclass(frozen=True)
class Change:
    """One entry of the history; ``changed_at`` is ISO 8601 in UTC."""

    changed_at: str
    changed_by: str
    field: str
    value: Any


def change_labels(store: WorkerList, experiment_id: str, changed_by: str, **given: Any) -> Labels:
    """Store those fields that change, with who changed them; returns what stands then.

    ``experiment_id`` is one of the store. Raises ``BadInput`` for what is no label.
    """
    return change_several(store, [experiment_id], changed_by, **given)[experiment_id]


def change_several(
    store: WorkerList, experiment_ids: Iterable[str], changed_by: str, **given: Any
) -> dict[str, Labels]:
    """``change_labels`` of all of them or of none; by id."""
    ids = list(dict.fromkeys(experiment_ids))
    with store.database.writing() as connection:
        moment = moment_text(store.clock(connection))
        for one in ids:
            write_labels(connection, one, moment, changed_by, **given)
        return {one: read_labels(connection, one).get(one, Labels()) for one in ids}


def write_labels(
    connection: Connection, experiment_id: str, moment: str, changed_by: str, **given: Any
) -> None:
    """Store those fields that change, in the transaction at work. Raises ``BadInput``."""
    now = read_labels(connection, experiment_id).get(experiment_id, Labels())
    about = {"experiment_id": experiment_id, "changed_at": moment, "changed_by": changed_by}
    last = select(func.max(changes.c.number)).where(changes.c.experiment_id == experiment_id)
    first = (connection.execute(last).scalar() or 0) + 1
    for number, (field, value) in enumerate(_checked(now, given).items(), start=first):
        row = about | {"number": number, "field": field, "value": value}
        connection.execute(insert(changes), row)


def shared_labels(labels: Labels) -> dict[str, Any]:
    """Those of ``SHARED`` that are given, ready for JSON."""
    values = asdict(labels)
    return {field: values[field] for field in SHARED if values[field]}


def read_shared(given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``shared_labels`` gave, checked; other fields are left out. Raises ``BadInput``."""
    return _checked(Labels(), {field: given[field] for field in SHARED if field in given})


def history(store: WorkerList, experiment_id: str) -> list[Change]:
    """Who changed what, the newest first."""
    columns = (changes.c[name] for name in Change.__dataclass_fields__)
    wanted = select(*columns).where(changes.c.experiment_id == experiment_id)
    with store.database.reading() as connection:
        rows = connection.execute(wanted.order_by(changes.c.number.desc())).mappings()
        return [Change(**row) for row in rows]


_HINTS = {
    "name": "A name is one line of at most 80 letters.",
    "note": "A note has at most 10,000 letters.",
    "tags": "A tag has 1 to 32 letters and no comma.",
    "slices": "A slice has a name of 1 to 80 letters and 1 to 24 parts.",
}


def _checked(now: Labels, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``given`` that change ``now``, cleaned, ready for JSON; ``BadInput`` for others."""
    try:
        after = Labels(**{**asdict(now), **given})
    except ValidationError as error:
        wrong = str(error.errors()[0]["loc"][0])
        raise BadInput(_HINTS.get(wrong, reason_of(error)), wrong) from error
    tags = tuple(dict.fromkeys(after.tags))
    if len(tags) > MOST_TAGS:
        raise BadInput(f"An experiment has at most {MOST_TAGS} tags, not {len(tags)}.", "tags")
    names = [one.name for one in after.slices]
    if len(names) > MOST_OWN_SLICES or len(set(names)) < len(names):
        raise BadInput(
            f"An experiment has at most {MOST_OWN_SLICES} slices that people named, each with "
            "another name.",
            "slices",
        )
    new, before = asdict(after) | {"tags": tags}, asdict(now)
    return {field: new[field] for field in given if new[field] != before[field]}


def read_labels(connection: Connection, experiment_id: str | None = None) -> dict[str, Labels]:
    """Of one experiment or all, by id; those that nobody changed are not there.

    A stored value that cannot be read any more counts as not given.
    """
    names = ("experiment_id", "field", "value", "changed_by", "changed_at")
    wanted = select(*(changes.c[name] for name in names)).order_by(changes.c.number)
    if experiment_id is not None:
        wanted = wanted.where(changes.c.experiment_id == experiment_id)
    fields: dict[str, dict[str, Any]] = {}
    for owner, field, value, who, moment in connection.execute(wanted):
        known = fields.setdefault(owner, {})
        known[field] = value
        if field == "reviewed":
            review = (who, moment) if value is True else ("", "")
            known["reviewed_by"], known["reviewed_at"] = review
    return {owner: _labels_of(values) for owner, values in fields.items()}


def refuse_removed(connection: Connection, experiment_id: str) -> None:
    """Raise ``BadInput`` for an experiment that somebody removed: no run of it starts any more."""
    if read_labels(connection, experiment_id).get(experiment_id, Labels()).removed:
        raise BadInput(
            f"Experiment {experiment_id} was removed. Within the hour it can be taken back.",
            "experiment",
        )


def removed_ids(connection: Connection) -> set[str]:
    """Of the experiments that were removed and are not deleted yet."""
    return {owner for owner, labels in read_labels(connection).items() if labels.removed}


def _labels_of(values: Mapping[str, Any]) -> Labels:
    kept: dict[str, Any] = {}
    for field, value in values.items():
        try:
            kept[field] = getattr(Labels(**{field: value}), field)
        except ValidationError:
            continue
    return Labels(**kept)

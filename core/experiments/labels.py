"""What people write on an experiment: name, note, tags, slices, whether it is archived or reviewed;
and who started it.

Every change is a row of its own; the last one of a field counts. So who changed what, and when, is
kept, and an experiment that nobody named has no row.
"""

from collections.abc import Mapping
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
    """``name``: one line of at most 80 letters. ``note``: Markdown of at most 10,000. ``tags``:
    at most twelve, without commas. ``slices``: at most twelve of one's own, each with another name.
    ``archived``: out of lists, kept. ``pinned``: shown first.
    ``reviewed``: somebody stands behind it. ``removed``: nobody sees it any more; what it kept is
    deleted after an hour (``core.experiments.removal``). ``owner``: the e-mail address of who
    started it, empty where nobody had to sign in."""

    name: Line = ""
    note: Note = ""
    tags: tuple[Tag, ...] = ()
    slices: tuple[OwnSlice, ...] = ()
    archived: bool = False
    pinned: bool = False
    reviewed: bool = False
    removed: bool = False
    owner: Address = ""


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
    with store.database.writing() as connection:
        now = read_labels(connection, experiment_id).get(experiment_id, Labels())
        moment = moment_text(store.clock(connection))
        _write_labels(connection, experiment_id, moment, changed_by, _checked(now, given))
        return read_labels(connection, experiment_id).get(experiment_id, Labels())


def write_owner(connection: Connection, experiment_id: str, moment: str, owner: str) -> None:
    """Who started an experiment, in the transaction that stores it; ``BadInput`` for what is no
    address."""
    given = _checked(Labels(), {"owner": owner})
    _write_labels(connection, experiment_id, moment, owner, given)


def _write_labels(
    connection: Connection,
    experiment_id: str,
    moment: str,
    changed_by: str,
    changed: Mapping[str, Any],
) -> None:
    """A row for each field of ``changed``, values ready for JSON, in the transaction at work."""
    about = {"experiment_id": experiment_id, "changed_at": moment, "changed_by": changed_by}
    last = select(func.max(changes.c.number)).where(changes.c.experiment_id == experiment_id)
    first = (connection.execute(last).scalar() or 0) + 1
    for number, (field, value) in enumerate(changed.items(), start=first):
        row = about | {"number": number, "field": field, "value": value}
        connection.execute(insert(changes), row)


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
    wanted = select(changes.c.experiment_id, changes.c.field, changes.c.value)
    wanted = wanted.order_by(changes.c.number)
    if experiment_id is not None:
        wanted = wanted.where(changes.c.experiment_id == experiment_id)
    fields: dict[str, dict[str, Any]] = {}
    for owner, field, value in connection.execute(wanted):
        fields.setdefault(owner, {})[field] = value
    return {owner: _labels_of(values) for owner, values in fields.items()}


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

"""The rows of a home's SQLite file moved into a PostgreSQL database that several machines share."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    func,
    insert,
    make_url,
    select,
    text,
    type_coerce,
)

from core.errors import BadInput, StoreError
from core.experiments.summaries import summaries
from core.jobs.database import Database
from core.jobs.postgres import NUMBERS
from core.jobs.records import jobs, workers
from core.jobs.workers import WorkerList, moment_text
from core.settings import DATABASE_NAME
from core.text import count_text

# All tables, as this room knows those of jobs and of experiments.
METADATA = summaries.metadata
ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class CopiedDatabase:
    """``rows`` by table. ``changed`` names what PostgreSQL cannot keep as it was: a document that
    is no JSON is kept as a text of it (it was damaged before, and still is), a NUL becomes ``�``.
    """

    source: Path
    target: str
    rows: Mapping[str, int]
    changed: tuple[str, ...]


def copy_database(source: str, target_url: str) -> CopiedDatabase:
    """Copy every row of a home, or of its SQLite file, into an empty PostgreSQL database.

    All of them or none: they are read back and compared before they are committed. The source
    stays as it is (upgraded first, where it is older), and nobody writes to it meanwhile. Raises
    ``BadInput`` where there is none, where it is in use, or where the target holds rows.
    """
    file = _source_file(source)
    if not target_url.startswith("postgresql"):
        raise BadInput("The target must be postgresql://USER:PASSWORD@HOST/DATABASE.", "TO")
    origin = WorkerList(f"sqlite:///{file}")
    target = Database(target_url)
    changed: list[str] = []
    # The write lock of the source is held, not used.
    with origin.database.writing() as old, target.writing() as new:
        _refuse_in_use(origin, old, file)
        _refuse_filled(new)
        rows = {
            table.name: _copy_table(table, old, new, changed) for table in METADATA.sorted_tables
        }
        for table in METADATA.sorted_tables:
            _compare(table, old, new)
        last = new.execute(select(func.max(jobs.c.queue_number))).scalar() or 0
        number = text(f"SELECT setval('{NUMBERS}', :number, :is_used)")
        new.execute(number, {"number": max(last, 1), "is_used": last > 0})
        for table in METADATA.sorted_tables:
            new.execute(text(f"ANALYZE {table.name}"))  # else the first queries are planned badly
    place = make_url(target_url).render_as_string(hide_password=True)
    return CopiedDatabase(file, place, rows, tuple(changed))


def _source_file(source: str) -> Path:
    path = Path(source.removeprefix("sqlite:///")).expanduser().absolute()
    file = path / DATABASE_NAME if path.is_dir() else path
    if not file.is_file():
        raise BadInput(
            f"There is no database at {file}: give a home, or its {DATABASE_NAME}.", "FROM"
        )
    return file


def _refuse_in_use(origin: WorkerList, connection: Connection, file: Path) -> None:
    now = moment_text(origin.clock(connection))
    alive = select(func.count()).where(workers.c.lease_expires_at > now)
    running = select(func.count()).where(jobs.c.state == "running", jobs.c.lease_expires_at > now)
    at_work = connection.execute(alive).scalar_one(), connection.execute(running).scalar_one()
    if any(at_work):
        named = f"{count_text(at_work[0], 'worker')} and {count_text(at_work[1], 'running job')}"
        raise BadInput(
            f"{file} is in use by {named}: end its pages and workers first (the last beat must be "
            f"{origin.lease_seconds:.0f} s ago), as what they stored later would be lost.",
            "FROM",
        )


def _refuse_filled(connection: Connection) -> None:
    for table in METADATA.sorted_tables:
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if count:
            raise BadInput(
                f"The target is not empty: {table.name} has {count_text(count, 'row')}. Nothing "
                "was copied. Make a new database for it (createdb).",
                "TO",
            )


def _copy_table(table: Table, old: Connection, new: Connection, changed: list[str]) -> int:
    into = insert(table).values({column.name: _given(column) for column in table.columns})
    total = 0
    for found in _batches(old, table):
        rows = [_kept(table, row, changed) for row in found]
        new.execute(into, rows)
        total += len(rows)
    return total


def _compare(table: Table, old: Connection, new: Connection) -> None:
    """Raise ``StoreError`` where the target does not hold what was read, row by row."""
    with closing(_batches(old, table)) as read, closing(_batches(new, table)) as kept:
        ours = (_kept(table, row, []) for found in read for row in found)
        theirs = (dict(row) for found in kept for row in found)
        for number, (mine, stored) in enumerate(zip_longest(ours, theirs), start=1):
            if mine != stored:
                raise StoreError(
                    f"Row {number} of {table.name} was not stored as it was read. Nothing was "
                    "copied."
                )


def _batches(connection: Connection, table: Table) -> Generator[Sequence[RowMapping]]:
    """The rows in the order of their key, documents as the text that is stored."""
    on_server = connection.dialect.name == "postgresql"
    columns: list[ColumnElement[Any]] = []
    for column in table.columns:
        if _is_document(column):
            as_text = cast(column, Text) if on_server else type_coerce(column, Text)
            columns.append(as_text.label(column.name))
        else:
            columns.append(column)
    key = [
        column.collate("C") if on_server and isinstance(column.type, String) else column
        for column in table.primary_key
    ]
    wanted = select(*columns).order_by(*key).execution_options(yield_per=ROWS_AT_ONCE)
    with connection.execute(wanted) as result:
        yield from result.mappings().partitions()


def _kept(table: Table, row: RowMapping, changed: list[str]) -> dict[str, Any]:
    """A row as PostgreSQL can keep it."""
    values = dict(row)
    for column in table.columns:
        value = values[column.name]
        if _is_document(column):
            values[column.name] = _as_json(value)
        elif isinstance(value, str):
            values[column.name] = value.replace("\0", "�")
    for name in values:
        if values[name] != row[name]:
            key = "/".join(str(row[column.name]) for column in table.primary_key)
            changed.append(f"{table.name} {key}: {name}")
    return values


def _as_json(stored: Any) -> str | None:
    if stored is None:
        return None
    try:
        json.loads(stored, parse_constant=_refuse_constant)
    except (ValueError, TypeError, RecursionError):
        return json.dumps(str(stored))
    return str(stored)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _given(column: Column[Any]) -> Any:
    """A document is given as its text, and is not written anew."""
    if _is_document(column):
        return cast(bindparam(column.name, type_=Text), JSON)
    return bindparam(column.name, type_=column.type)


def _is_document(column: Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind.impl if isinstance(kind, TypeDecorator) else kind, JSON)

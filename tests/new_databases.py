"""New SQLite databases of tests: made of the statements that the migrations left in the first one.

A thousand tests begin with a new database, and Alembic takes 35 ms for each.
"""

import sqlite3

from sqlalchemy import Connection

from core.jobs.database import upgrade_schema

_statements: list[str] = []


def upgrade_schema_once(connection: Connection) -> None:
    """In place of ``upgrade_schema``, which does all that is not a new SQLite database."""
    if connection.dialect.name != "sqlite" or _has_tables(connection):
        upgrade_schema(connection)
        return
    if not _statements:
        upgrade_schema(connection)
        _statements.extend(dumped(connection))
        return
    for statement in _statements:
        connection.exec_driver_sql(statement)


def dumped(connection: Connection) -> list[str]:
    """The statements that make the database as it is, with what is in it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return [line for line in driver.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;")]


def _has_tables(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar())

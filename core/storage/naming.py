"""One lock for all machines that share a database, for the moment in which a name is given.

Object storage has no locks, and those of a network disk depend on how it is mounted.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import HeadstartError
from core.settings import current_settings

# Any number but those of ``core.jobs.postgres``: locks of this kind are known by a number.
NAMING_LOCK = 0x6E616D696E67
WAIT_SECONDS = 60
CONNECT_SECONDS = 10


@contextmanager
def naming_lock() -> Iterator[None]:
    """Only one machine at a time gives names; with SQLite, whose processes are all on one machine,
    nothing is done.

    It ends with the connection, so also where this process is killed. Raises ``HeadstartError``
    where the server does not answer, or another machine has held it for a minute.
    """
    url = current_settings().database_url
    if not url.startswith("postgresql"):
        yield
        return
    import psycopg  # of those who share a database alone

    scheme, _, rest = url.partition("://")
    try:
        connection = psycopg.connect(
            f"{scheme.partition('+')[0]}://{rest}", autocommit=True, connect_timeout=CONNECT_SECONDS
        )
        try:
            connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
            connection.execute("SELECT pg_advisory_lock(%s)", (NAMING_LOCK,))
        except BaseException:
            connection.close()
            raise
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise HeadstartError(
            "No name can be given at the moment, as the database did not answer in time"
            f" ({reason}). Try again."
        ) from error
    with connection:
        yield

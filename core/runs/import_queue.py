"""The imports inside the run store: what pages ask for, and what the importing process tells."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Update,
    delete,
    insert,
    select,
    update,
)

from core.datasets.reading.columns import Columns
from core.errors import BadInput, UnknownName
from core.experiments.records import ACTIVE_STATES
from core.runs.database import Database
from core.runs.import_files import delete_import_folder, delete_upload
from core.runs.import_records import ImportRecord, import_record
from core.runs.leases import LeaseClock
from core.runs.queue import NAMES_LISTED
from core.runs.tables import imports

DIED = (
    "The process that read these images ended early: the machine was switched off, or ran out of"
    " memory. Try again."
)


class ImportQueue(LeaseClock):
    """Imports with their states, leases, progress and ends.

    An import has a process of its own from the start, so it holds a lease while it waits, too.
    Verbs of an import in work take the ``attempt`` they belong to and return False when it is
    no longer theirs: taken back, or over.
    """

    database: Database

    # What a person asks -----------------------------------------------------------------------

    def create_import(
        self, import_id: str, path: Path, source: str, name: str | None, uploaded: bool
    ) -> ImportRecord:
        """Store an import that waits for its process, which must be started next."""
        with self.database.writing() as connection:
            connection.execute(
                insert(imports).values(
                    id=import_id,
                    created_at=self.moment(),
                    path=str(path),
                    uploaded=uploaded,
                    source=source,
                    name=name,
                    state="queued",
                    notes=[],
                    attempts=1,
                    cancel_requested=False,
                    lease_expires_at=self.lease_end(),
                )
            )
            return self._import(connection, import_id)

    def imports(self) -> list[ImportRecord]:
        """All imports, the newest first; those whose process died are marked on the way."""
        self.reap_imports()
        newest_first = select(imports).order_by(imports.c.created_at.desc(), imports.c.id)
        with self.database.reading() as connection:
            return [import_record(dict(row)) for row in connection.execute(newest_first).mappings()]

    def import_record(self, import_id: str) -> ImportRecord:
        """The import of that id, or ``UnknownName`` listing the newest ones."""
        self.reap_imports()
        with self.database.reading() as connection:
            return self._import(connection, import_id)

    def request_import_cancel(self, import_id: str) -> ImportRecord:
        """Ask a waiting or working import to stop; its process hears it. Others stay as they
        are."""
        with self.database.writing() as connection:
            active = update(imports).where(
                imports.c.id == import_id, imports.c.state.in_(ACTIVE_STATES)
            )
            connection.execute(active.values(cancel_requested=True))
            return self._import(connection, import_id)

    def forget_import(self, import_id: str) -> None:
        """Remove the record of an import that is over, and what was uploaded for it.

        The dataset stays. Raises ``BadInput`` while it waits or works.
        """
        with self.database.writing() as connection:
            found = self._import(connection, import_id)
            if found.is_active:
                raise BadInput(
                    f"The import of {found.source} is still at work; cancel it first.", "import"
                )
            connection.execute(delete(imports).where(imports.c.id == import_id))
        delete_import_folder(import_id)

    def requeue_import(self, import_id: str, columns: Columns | None) -> ImportRecord:
        """Let an import that failed or was interrupted wait again; its process must be started.

        ``columns`` None keeps those chosen before. Raises ``BadInput`` where it is still at work,
        finished, or what it read is gone.
        """
        with self.database.writing() as connection:
            found = self._import(connection, import_id)
            if not found.can_retry:
                raise BadInput(_why_no_retry(found), "import")
            chosen = columns or found.columns
            connection.execute(
                update(imports)
                .where(imports.c.id == import_id)
                .values(
                    state="queued",
                    columns=None if chosen is None else asdict(chosen),
                    progress=None,
                    error=None,
                    question=None,
                    attempts=imports.c.attempts + 1,
                    cancel_requested=False,
                    host=None,
                    process_id=None,
                    lease_expires_at=self.lease_end(),
                    started_at=None,
                    finished_at=None,
                )
            )
            return self._import(connection, import_id)

    # What the importing process tells ---------------------------------------------------------

    def begin_import(self, import_id: str, attempt: int, host: str, process_id: int) -> bool:
        """From queued to running; True for one process only."""
        with self.database.writing() as connection:
            waiting = _active(import_id, attempt).where(
                imports.c.state == "queued", imports.c.cancel_requested.is_(False)
            )
            begun = waiting.values(
                state="running",
                host=host,
                process_id=process_id,
                progress=None,
                started_at=self.moment(),
                lease_expires_at=self.lease_end(),
            )
            return connection.execute(begun).rowcount > 0

    def renew_import(self, import_id: str, attempt: int) -> bool:
        return self._change_active(import_id, attempt, lease_expires_at=self.lease_end())

    def import_should_stop(self, import_id: str, attempt: int) -> bool:
        """True when it was cancelled, or is no longer in work under this attempt."""
        wanted = select(imports.c.state, imports.c.cancel_requested, imports.c.attempts)
        with self.database.reading() as connection:
            row = connection.execute(wanted.where(imports.c.id == import_id)).first()
        if row is None or row.state not in ACTIVE_STATES or row.attempts != attempt:
            return True
        return bool(row.cancel_requested)

    def set_import_progress(self, import_id: str, attempt: int, progress: dict[str, Any]) -> bool:
        return self._change_active(import_id, attempt, progress=progress)

    def finish_import(
        self, import_id: str, attempt: int, dataset_id: str, notes: list[str], digest: str | None
    ) -> bool:
        """The dataset is there. ``digest`` is that of the upload; None: nothing was uploaded."""
        return self._end_import(
            import_id, attempt, state="finished", dataset_id=dataset_id, notes=notes, digest=digest
        )

    def fail_import(
        self, import_id: str, attempt: int, message: str, question: dict[str, Any] | None = None
    ) -> bool:
        """It is over; ``message`` tells a person why."""
        return self._end_import(
            import_id, attempt, state="failed", error=message, question=question
        )

    def mark_import_cancelled(self, import_id: str, attempt: int) -> bool:
        return self._end_import(import_id, attempt, state="cancelled")

    def mark_import_interrupted(self, import_id: str, attempt: int, message: str) -> bool:
        """Its process is going away; it can be started again."""
        return self._end_import(import_id, attempt, state="interrupted", error=message)

    def datasets_read_from(self, digest: str, columns: Columns | None) -> list[str]:
        """Ids of the datasets that finished imports made of a file with that digest, the newest
        first, where the columns were chosen alike."""
        wanted = (
            select(imports.c.dataset_id, imports.c.columns)
            .where(imports.c.digest == digest, imports.c.state == "finished")
            .order_by(imports.c.created_at.desc())
        )
        chosen = None if columns is None else asdict(columns)
        with self.database.reading() as connection:
            rows = connection.execute(wanted).all()
        return [row.dataset_id for row in rows if row.columns == chosen]

    def reap_imports(self) -> list[str]:
        """Mark the imports of dead processes ``interrupted`` (``cancelled`` where that was asked).

        Returns their ids.
        """
        moment = self.moment()
        expired = imports.c.state.in_(ACTIVE_STATES) & (imports.c.lease_expires_at <= moment)
        wanted = select(imports.c.id, imports.c.attempts, imports.c.cancel_requested).where(expired)
        with self.database.reading() as connection:
            found = connection.execute(wanted).all()
        reaped = []
        for row in found:  # usually none: then no write lock is taken
            # Asked again inside the change: the process may have said something meanwhile.
            still = (imports.c.lease_expires_at <= moment,)
            if row.cancel_requested:
                ended = self._end_import(row.id, row.attempts, *still, state="cancelled")
                if ended:
                    delete_upload(row.id)
            else:
                ended = self._end_import(
                    row.id, row.attempts, *still, state="interrupted", error=DIED
                )
            if ended:
                reaped.append(row.id)
        return reaped

    # Parts ------------------------------------------------------------------------------------

    def _end_import(self, import_id: str, attempt: int, *conditions: Any, **values: Any) -> bool:
        return self._change_active(
            import_id,
            attempt,
            *conditions,
            **values,
            finished_at=self.moment(),
            progress=None,
            lease_expires_at=None,
        )

    def _change_active(self, import_id: str, attempt: int, *conditions: Any, **values: Any) -> bool:
        statement = _active(import_id, attempt).where(*conditions).values(**values)
        with self.database.writing() as connection:
            return connection.execute(statement).rowcount > 0

    def _import(self, connection: Connection, import_id: str) -> ImportRecord:
        wanted = select(imports).where(imports.c.id == import_id)
        row = connection.execute(wanted).mappings().first()
        if row is None:
            newest = select(imports.c.id).order_by(imports.c.created_at.desc())
            known = connection.execute(newest.limit(NAMES_LISTED)).scalars().all()
            raise UnknownName("import", import_id, known)
        return import_record(dict(row))


def _active(import_id: str, attempt: int) -> Update:
    return update(imports).where(
        imports.c.id == import_id,
        imports.c.attempts == attempt,
        imports.c.state.in_(ACTIVE_STATES),
    )


def _why_no_retry(found: ImportRecord) -> str:
    if found.is_active:
        return f"The import of {found.source} is {found.state}; it need not be started again."
    if found.state == "finished":
        return f"The import of {found.source} is finished; its dataset is there."
    return f"What was given as {found.source} is no longer there; give it again."

"""What the store hands out about imports: frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.datasets.reading.columns import Columns
from core.experiments.records import ACTIVE_STATES, RETRYABLE_STATES, State


@dataclass(frozen=True)
class ImportRecord:
    """One reading of an upload, or of a folder on this machine, into a dataset.

    ``name`` is the one that was asked for, ``source`` what was given, in words for people.
    ``progress`` has ``step`` (a sentence), ``done`` and ``total`` (images; 0 where they are not
    counted) and ``seconds_left`` (None while it cannot be told). ``error`` is a sentence for
    people where it failed; with it comes ``question`` (``table``, ``columns``, ``rows``) where only
    a person can say which column holds what. ``dataset_id`` and ``notes`` are there once it is
    finished. ``source_present`` says whether what is to be read is still there. ``attempts``
    counts its starts. Moments are ISO 8601 in UTC.
    """

    id: str
    name: str | None
    source: str
    path: Path
    uploaded: bool
    columns: Columns | None
    state: State
    progress: dict[str, Any] | None
    error: str | None
    question: dict[str, Any] | None
    dataset_id: str | None
    notes: tuple[str, ...]
    attempts: int
    cancel_requested: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    source_present: bool

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def can_retry(self) -> bool:
        return self.state in RETRYABLE_STATES and self.source_present


def import_record(row: Mapping[str, Any]) -> ImportRecord:
    """The record of one row of the table ``imports``."""
    path = Path(row["path"])
    columns = row["columns"]
    return ImportRecord(
        id=row["id"],
        name=row["name"],
        source=row["source"],
        path=path,
        uploaded=bool(row["uploaded"]),
        columns=None if columns is None else Columns(**columns),
        state=row["state"],
        progress=row["progress"],
        error=row["error"],
        question=row["question"],
        dataset_id=row["dataset_id"],
        notes=tuple(row["notes"]),
        attempts=row["attempts"],
        cancel_requested=bool(row["cancel_requested"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        source_present=path.exists(),
    )

"""Forecasts of test accuracies, stored before the run that they are about and never changed.

``core.analysis.advice`` makes them (``forecasts``) and grades them (``grades``); here are the table
and its record.
"""

import logging
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from sqlalchemy import Column, String, Table, insert, select

from core.jobs.database import Database
from core.jobs.records import StoredJson, Unreadable, metadata

log = logging.getLogger(__name__)

forecasts = Table(
    "accuracy_forecasts",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("made_at", String(32), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("forecast", StoredJson, nullable=False),
)


Verdict = Literal["worth", "cannot_win", "cannot_tell"]
Kind = Literal["facts", "trained"]
Caution = Literal["", "widened", "silent"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class AccuracyForecast:
    """What a strategy will reach on the test images of the default split, fractions 0 to 1.

    ``deviation``: the standard deviation that the intervals are made of. ``cases``: how many graded
    forecasts their width rests on; 0 where there were too few. ``made_at`` is ISO 8601 in UTC.
    What follows has defaults for forecasts of earlier versions, which were of probes alone:

    ``kind``: made from the facts, or from trainings on a part of the images, with ``settings``.
    ``batch``: forecasts that were made together have the same; ``verdict`` is among these.
    ``largest``: images of the largest training that it goes out from, of ``train_images``.
    ``own_predicted``: by its curve alone, before it was drawn towards how strategies usually
    compare. ``exponent``: of that curve, drawn from ``own_exponent`` (None for a single size)
    towards ``prior_exponent``, by 1 minus ``own_weight`` (0 to 1). ``seconds``: of the whole
    training, with an 80 % and a 95 % interval; None where no time is known. ``spent_seconds``:
    what the trainings of this strategy took that the forecast goes out from. A training on
    ``next_images`` would tell more, in about ``next_seconds``. ``caution``: when it was made,
    forecasts of this installation missed too often, so that intervals were widened, or nothing
    was shown.
    """

    id: str
    made_at: str
    dataset_id: str
    strategy: str
    image_size: int
    split_fingerprint: str
    predicted: float
    deviation: float
    low_80: float
    high_80: float
    low_95: float
    high_95: float
    cases: int
    kind: Kind = "facts"
    settings: dict[str, Any] | None = None
    batch: str = ""
    verdict: Verdict | None = None
    largest: int | None = None
    train_images: int | None = None
    own_predicted: float | None = None
    exponent: float | None = None
    own_exponent: float | None = None
    prior_exponent: float | None = None
    own_weight: float | None = None
    seconds: float | None = None
    seconds_80: tuple[float, float] | None = None
    seconds_95: tuple[float, float] | None = None
    spent_seconds: float | None = None
    next_images: int | None = None
    next_seconds: float | None = None
    caution: Caution = ""


_FORECAST = TypeAdapter(AccuracyForecast)


def keep_forecasts(database: Database, made: Iterable[AccuracyForecast]) -> None:
    """Store them; one whose id is there already stays as it was."""
    with database.writing() as connection:
        known = set(connection.execute(select(forecasts.c.id)).scalars())
        rows = [
            {
                "id": one.id,
                "made_at": one.made_at,
                "dataset_id": one.dataset_id,
                "forecast": _FORECAST.dump_python(one, mode="json"),
            }
            for one in made
            if one.id not in known
        ]
        if rows:
            connection.execute(insert(forecasts), rows)


def read_forecasts(database: Database) -> list[AccuracyForecast]:
    """All of them, the oldest first; one that cannot be read is left out (logged)."""
    with database.reading() as connection:
        rows = connection.execute(select(forecasts).order_by(forecasts.c.made_at, forecasts.c.id))
        stored = rows.mappings().all()
    found = []
    for row in stored:
        try:
            if isinstance(row["forecast"], Unreadable):
                raise ValueError(row["forecast"].reason)
            found.append(_FORECAST.validate_python(row["forecast"]))
        except (ValidationError, ValueError) as error:
            log.warning("forecast %s cannot be read: %s", row["id"], error)
    return found

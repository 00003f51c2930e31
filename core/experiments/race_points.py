"""Trainings on a part of the training images, scored on validation images alone.

A race (``core.analysis.advice.race``) makes them and stores each as it comes; they are never
changed, and a later race on the same images goes on from them.
"""

import logging
import math
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from sqlalchemy import Column, String, Table, insert, select

from core.jobs.database import Database
from core.jobs.records import StoredJson, Unreadable, metadata, reason_of

log = logging.getLogger(__name__)

race_points = Table(
    "race_points",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("made_at", String(32), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("point", StoredJson, nullable=False),
)

Count = Annotated[int, Field(strict=True, ge=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class RacePoint:
    """One strategy after one training on ``train_images`` images.

    ``correct``: which of the ``validation_images`` were predicted correctly, as ``packed`` gives
    it. ``distinct_images``: these with near duplicates counted once, for intervals. ``settings``:
    complete, as planned; a batch larger than the training images was made to fit. ``weights``: the
    digest of those that it starts from, "" for none. ``seconds``: the whole training, the
    extraction of its features counted also where the cache had them; ``is_disturbed`` where other
    work spoilt that time. ``made_at`` is ISO 8601 in UTC.
    """

    id: str
    made_at: str
    dataset_id: str
    split_fingerprint: str
    image_size: int
    strategy: str
    settings: dict[str, Any]
    weights: str
    seed: int
    train_images: Count
    validation_images: Count
    distinct_images: Count
    correct: str
    seconds: float
    is_disturbed: bool = False

    def __post_init__(self) -> None:
        if len(bytes.fromhex(self.correct)) != math.ceil(self.validation_images / 8):
            raise ValueError("correct has another number of images")

    @property
    def right(self) -> np.ndarray:
        """``correct`` as bool ``(validation_images,)``, in the order of the split."""
        return unpacked(self.correct, self.validation_images)

    @property
    def accuracy(self) -> float:
        """On the validation images, 0 to 1."""
        return float(self.right.mean())


def packed(right: np.ndarray) -> str:
    """``right``, bool ``(n,)``, as bits in hexadecimal, the first image first."""
    return np.packbits(right).tobytes().hex()


def unpacked(bits: str, images: int) -> np.ndarray:
    """bool ``(images,)``: what ``packed`` gave."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8), count=images).astype(bool)


_POINT = TypeAdapter(RacePoint)


def keep_point(database: Database, point: RacePoint) -> None:
    """Store it; one whose id is there already stays as it was."""
    with database.writing() as connection:
        known = select(race_points.c.id).where(race_points.c.id == point.id)
        if connection.execute(known).first() is None:
            row = {
                "id": point.id,
                "made_at": point.made_at,
                "dataset_id": point.dataset_id,
                "point": _POINT.dump_python(point, mode="json"),
            }
            connection.execute(insert(race_points).values(row))


def read_points(database: Database, dataset_id: str | None = None) -> list[RacePoint]:
    """All of them, or those of one dataset, the oldest first; one that cannot be read is left out
    (logged)."""
    wanted = select(race_points).order_by(race_points.c.made_at, race_points.c.id)
    if dataset_id is not None:
        wanted = wanted.where(race_points.c.dataset_id == dataset_id)
    with database.reading() as connection:
        rows = connection.execute(wanted).mappings().all()
    found = []
    for row in rows:
        try:
            if isinstance(row["point"], Unreadable):
                raise ValueError(row["point"].reason)
            found.append(_POINT.validate_python(row["point"]))
        except (ValidationError, ValueError) as error:
            log.warning("the race point %s cannot be read: %s", row["id"], reason_of(error))
    return found

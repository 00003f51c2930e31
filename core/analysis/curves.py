"""The epochs of one run, as charts and pages show them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Curve:
    """The epochs of one run in order; each epoch is an ``EpochRecord.as_dict()``."""

    strategy: str
    title: str
    seed: int
    epochs: tuple[dict[str, Any], ...]

"""The epochs of one run, as stored: the data of training curves."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Curve:
    """The epochs of one run in order; each epoch is an ``EpochRecord.as_dict()``."""

    strategy: str
    title: str
    seed: int
    epochs: tuple[dict[str, Any], ...]

    @property
    def main_epochs(self) -> tuple[dict[str, Any], ...]:
        """Without the epochs of a head that was fitted first on cached features."""
        return tuple(epoch for epoch in self.epochs if epoch["stage"] == "main")

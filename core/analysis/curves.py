"""The epochs of one run, as stored: the data of training curves."""

from dataclasses import dataclass

from core.training.events import EpochRecord


@dataclass(frozen=True)
class Curve:
    """The epochs of one run in order."""

    strategy: str
    title: str
    seed: int
    epochs: tuple[EpochRecord, ...]

    @property
    def main_epochs(self) -> tuple[EpochRecord, ...]:
        """Without the epochs of a head that was fitted first on cached features."""
        return tuple(epoch for epoch in self.epochs if epoch.stage == "main")

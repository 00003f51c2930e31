"""How far a job is: the one record of it, and the one sentence about it."""

from dataclasses import asdict, dataclass
from typing import Any

from core.text import rough_seconds_text

STARTING = "Starting"


@dataclass(frozen=True)
class Progress:
    """Where a job stands inside its present step; sent at most a few times a second.

    ``step`` is a sentence for people ("Extracting features", "Epoch 2 of 5"); ``done`` and
    ``total`` count ``unit`` of this step (of this epoch, while it trains; 0 where nothing is
    counted); ``seconds_left`` is for the step, all its epochs included, and None while nothing has
    been measured.
    """

    step: str
    done: int = 0
    total: int = 0
    images_per_second: float | None = None
    seconds_left: float | None = None
    epoch: int | None = None
    epochs: int | None = None
    unit: str = "images"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def fraction(self) -> float:
        """0 to 1: of all epochs while it trains, else of the present step."""
        fraction = min(1.0, self.done / self.total) if self.total else 0.0
        if self.epoch and self.epochs:
            return (self.epoch - 1 + fraction) / self.epochs
        return fraction


def progress_text(progress: Progress | None) -> str:
    """The sentence about a running job; None: it has not said anything yet."""
    if progress is None:
        return STARTING
    parts = [progress.step]
    if progress.epoch and "epoch" not in progress.step.lower():
        parts.append(f"epoch {progress.epoch} of {progress.epochs}")
    if progress.total:
        parts.append(f"{progress.done:,} of {progress.total:,} {progress.unit}".rstrip())
    if progress.images_per_second:
        parts.append(f"{progress.images_per_second:,.0f} images/s")
    if progress.seconds_left is not None:
        parts.append(f"about {rough_seconds_text(progress.seconds_left)} left in this step")
    return " · ".join(parts)


def waiting_text(place: int | None) -> str:
    """The sentence about a job that waits; ``place`` is 1 for the job that starts next."""
    return "Next in the queue" if place in (None, 1) else f"Place {place} in the queue"

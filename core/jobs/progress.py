"""How far a job is, as its table keeps it and as a page tells it; knows no database."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import AllowInfNan, TypeAdapter, ValidationError

from core.text import count_text, rough_seconds_text

Finite = Annotated[float, AllowInfNan(False)]


@dataclass(frozen=True)
class Progress:
    """How far a job is inside its present step; sent at most a few times a second.

    ``step`` is a sentence for people ("Extracting features", "Epoch 2 of 5"); ``done`` and
    ``total`` count ``unit`` of this step (of this epoch, while it trains; 0 where nothing is
    counted); ``seconds_left`` is for the step, all its epochs included, and None while nothing has
    been measured. ``is_upper_bound``: the work may end before all ``epochs``.
    """

    step: str
    done: int = 0
    total: int = 0
    images_per_second: Finite | None = None
    seconds_left: Finite | None = None
    epoch: int | None = None
    epochs: int | None = None
    unit: str = "images"
    is_upper_bound: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any] | None) -> "Progress | None":
        """Progress as the table keeps it; fields of another version are left out.

        None, as before the first report, where it cannot be read: the next report replaces it.
        """
        try:
            return None if document is None else _PROGRESS.validate_python(document)
        except ValidationError:
            return None

    @property
    def fraction(self) -> float:
        """0 to 1: of all epochs while it trains, else of the present step."""
        fraction = min(1.0, self.done / self.total) if self.total else 0.0
        if self.epoch and self.epochs:
            return (self.epoch - 1 + fraction) / self.epochs
        return fraction


_PROGRESS = TypeAdapter(Progress)


def progress_text(progress: Progress | None) -> str:
    """The sentence about a running job; None: it has not reported yet."""
    if progress is None:
        return "Starting"
    parts = [progress.step]
    if progress.epoch and "epoch" not in progress.step.lower():
        parts.append(f"epoch {progress.epoch} of {progress.epochs}")
    if progress.total:
        parts.append(f"{progress.done:,} of {progress.total:,} {progress.unit}".rstrip())
    if progress.images_per_second:
        parts.append(f"{progress.images_per_second:,.0f} images/s")
    if progress.seconds_left is not None:
        about = "at most about" if progress.is_upper_bound else "about"
        parts.append(f"{about} {rough_seconds_text(progress.seconds_left)} left in this step")
    return " · ".join(parts)


NO_TRAINER = "no worker that trains is here; start one with: python -m core worker"


@dataclass(frozen=True)
class DeviceWait:
    """Why nobody takes a waiting job that would train, whatever its place in the queue.

    ``device_kind`` is what its experiment takes its times on, empty where no run has started;
    ``workers`` is how many are there that train on it, all of them busy, and ``others`` how many
    that train on something else.
    """

    device_kind: str
    workers: int
    others: int


def waiting_text(place: int | None, wait: DeviceWait | None = None) -> str:
    """The sentence about a job that waits; ``place`` is 1 for the job that starts next."""
    text = "Next in the queue" if place in (None, 1) else f"Place {place} in the queue"
    return text if wait is None else f"{text} · {device_wait_text(wait)}"


def device_wait_text(wait: DeviceWait) -> str:
    """The part of the sentence that says who could take the job, and why others may not."""
    if not wait.workers and not wait.others:
        return NO_TRAINER
    others = f"{count_text(wait.others, 'worker')} on another kind of device"
    bound = f"waits for {wait.device_kind}, on which the times of this experiment are taken"
    if not wait.workers:
        return f"{bound}; {others} may take it when no such worker has been there for ten minutes"
    busy = "its worker is" if wait.workers == 1 else f"its {wait.workers} workers are"
    return f"{bound} ({busy} busy); {others} may not take it"

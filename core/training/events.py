"""What ``train`` yields: progress, epoch records, and the result at the end.

Times are seconds of ``time.perf_counter``, fractions are 0 to 1. ``None`` means "does not apply".
"""

from dataclasses import (
    asdict,
    dataclass,
    field,
    replace,
)
from typing import Any

import numpy as np

from core.jobs.progress import Progress


@dataclass(frozen=True)
class TrackedImage:
    """What a validation picture was called after an epoch: ``image`` is its position in the
    dataset, ``predicted`` the likeliest class's position, ``probability`` (0 to 1, four digits)
    how likely the network found it."""

    image: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. ``stage`` is ``"head"`` (a head fitted on cached features before everything is
    trained) or ``"main"``; ``epoch`` counts from 1 within the stage; ``epochs`` are planned for it.

    ``train_loss`` and ``train_accuracy`` are running means while the weights moved, dropout on;
    ``validation_loss`` and ``validation_accuracy`` are taken once, after the epoch.
    ``train_seconds`` holds the training steps alone; validation, records and checkpoints are
    outside it. ``watched`` are a few of the validation images, the same for every strategy and
    seed of an experiment (``core.training.watching``); records made before there were any have
    none.
    """

    stage: str
    epoch: int
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    train_seconds: float
    validation_seconds: float
    images_per_second: float
    watched: tuple[TrackedImage, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class SplitScore:
    """Accuracy (0 to 1) and log loss (nats) over every image of one split."""

    images: int
    accuracy: float
    log_loss: float


@dataclass(frozen=True)
class RunResult:
    """What a finished run leaves behind.

    ``test_probabilities``: float32 ``(N_test, classes)``, rows in the order of the split's
    ``test`` indices, each summing to 1. ``epochs`` were done, which may be fewer than the settings
    planned. ``best_epoch`` was chosen by validation and is what all
    ``scores`` (keys ``train``, ``validation``, ``test``) belong to; ``last_epoch`` is the record of
    the last epoch, kept beside it. ``steady_epoch_seconds`` is the median ``train_seconds`` of
    epochs 2 to n (None with one epoch). ``feature_seconds`` is what extraction cost when it was
    done, ``feature_cache`` is ``"hit"``, ``"miss"`` or None. ``total_seconds`` is the whole run
    without the preparation of the pictures, which all runs of an experiment share.
    ``trained_weights`` are the arrays that the run changed, float32, as they were after the best
    epoch, by ``"layer/variable"``; frozen layers are not among them.
    """

    scores: dict[str, SplitScore]
    test_probabilities: np.ndarray
    epochs: int
    best_epoch: int | None
    last_epoch: EpochRecord | None
    first_epoch_seconds: float | None
    steady_epoch_seconds: float | None
    validation_seconds: float | None
    feature_seconds: float | None
    feature_cache: str | None
    total_seconds: float
    parameters: int
    trainable_parameters: int
    device: str
    device_kind: str
    precision: str
    backend: str
    batch_size: int | None
    peak_memory_bytes: int
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    trained_weights: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the arrays (probabilities and weights), ready for JSON."""
        # Taken out first: asdict would copy hundreds of megabytes.
        document = asdict(replace(self, test_probabilities=np.empty(0), trained_weights={}))
        document.pop("test_probabilities")
        document.pop("trained_weights")
        if document["last_epoch"] is not None:
            # They stand with the epochs; every page that lists runs would read them again here.
            document["last_epoch"].pop("watched")
        document["notes"] = list(self.notes)
        return document


Event = Progress | EpochRecord | RunResult

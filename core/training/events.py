"""What ``train`` yields: progress, epoch records, and the outcome at the end.

Times are seconds of ``time.perf_counter``, fractions are 0 to 1. ``None`` means "does not apply".
Epoch records and results are stored as JSON: ``as_dict`` and ``from_dict`` are the two ways.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from core.jobs.records import Progress


@dataclass(frozen=True)
class TrackedImage:
    """The prediction for a validation image after an epoch: ``image`` is its position in the
    dataset, ``predicted`` that of the most probable class, ``probability`` (0 to 1, four digits)
    its probability."""

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
    outside it. ``tracked`` are a few of the validation images, the same for every strategy and
    seed of an experiment (``core.training.scoring``); old records have none.
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
    tracked: tuple[TrackedImage, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; without the key ``tracked`` where no image was tracked."""
        document = asdict(self)
        if not self.tracked:
            del document["tracked"]
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "EpochRecord":
        """The record of ``as_dict``; keys of another version are left out."""
        # The first edition called them "watched".
        images = document.get("tracked") or document.get("watched", ())
        tracked = tuple(TrackedImage(**image) for image in images)
        return cls(**_known(cls, document) | {"tracked": tracked})


@dataclass(frozen=True)
class SplitScore:
    """Accuracy (0 to 1) and log loss (nats) over every image of one subset."""

    images: int
    accuracy: float
    log_loss: float


@dataclass(frozen=True)
class SubsetScores:
    """The scores of one network on each subset of its split."""

    train: SplitScore
    validation: SplitScore
    test: SplitScore


@dataclass(frozen=True)
class KeptWeights:
    """The file of trained weights beside a run; ``size_bytes`` is None where it could not be
    written, as the run's notes say."""

    size_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The stored result of a finished run.

    ``epochs`` were done, which may be fewer than the settings planned. ``best_epoch`` was chosen
    by validation, and all ``scores`` belong to it. ``last_epoch`` has no tracked images: they are
    stored with the epochs, and a page that lists runs need not read them twice.
    ``steady_epoch_seconds`` is the median ``train_seconds`` of epochs 2 to n (None with one epoch).
    ``feature_seconds`` is the cost of the extraction when it was done, for the ``feature_images``
    that the run used (None in old results: all images of the dataset). ``feature_cache`` is
    ``"hit"``, ``"miss"``, ``"part"`` where some of them were in the cache, or None;
    ``feature_reused_seconds`` is what these cost earlier runs. ``total_seconds`` is the whole run
    without the preparation of the images, which all runs of an experiment share. ``weights`` is
    None for a run that trained no network, or that was made before weights were kept.
    """

    scores: SubsetScores
    epochs: int = 0
    best_epoch: int | None = None
    last_epoch: EpochRecord | None = None
    first_epoch_seconds: float | None = None
    steady_epoch_seconds: float | None = None
    validation_seconds: float | None = None
    feature_seconds: float | None = None
    feature_cache: str | None = None
    feature_reused_seconds: float | None = None
    feature_images: int | None = None
    total_seconds: float = 0.0
    parameters: int = 0
    trainable_parameters: int = 0
    device: str
    device_kind: str
    precision: str
    backend: str
    batch_size: int | None = None
    peak_memory_bytes: int
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    weights: KeptWeights | None = None

    @property
    def end_to_end_seconds(self) -> float:
        """The whole run with feature extraction counted, also where the cache had the result."""
        return self.total_seconds + self.extraction_saved_seconds

    @property
    def extraction_saved_seconds(self) -> float:
        """The extraction that earlier runs did for this one, so that it is not in its total."""
        if self.feature_cache == "hit":
            return self.feature_seconds or 0.0
        return (self.feature_reused_seconds or 0.0) if self.feature_cache == "part" else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; ``weights`` become the key ``weights_bytes``, left out where None, as are
        the numbers that older results lack."""
        document = asdict(self)
        del document["weights"]
        for name in ("feature_reused_seconds", "feature_images"):
            if document[name] is None:
                del document[name]
        if self.last_epoch is not None:
            document["last_epoch"] = self.last_epoch.as_dict()
        document["notes"] = list(self.notes)
        if self.weights is not None:
            document["weights_bytes"] = self.weights.size_bytes
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RunResult":
        """The record of ``as_dict``; keys of another version are left out."""
        last, scores = document["last_epoch"], document["scores"]
        kept = "weights_bytes" in document
        return cls(
            **_known(cls, document)
            | {
                "scores": SubsetScores(**{name: SplitScore(**scores[name]) for name in scores}),
                "last_epoch": None if last is None else EpochRecord.from_dict(last),
                "notes": tuple(document["notes"]),
                "weights": KeptWeights(document["weights_bytes"]) if kept else None,
            }
        )


def _known(record: type, document: Mapping[str, Any]) -> dict[str, Any]:
    names = record.__dataclass_fields__  # type: ignore[attr-defined]
    return {name: value for name, value in document.items() if name in names}


@dataclass(frozen=True)
class Predictions:
    """``test_indices`` int64 ``(N,)``, ``labels`` int32 ``(N,)`` (true classes), ``probabilities``
    float32 ``(N, classes)``, 0 to 1, each row summing to 1; all in the order of the split."""

    test_indices: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class TrainingOutcome:
    """The end of a training: the result for the store, and the arrays that are kept beside it.

    ``trained_weights`` are the arrays that the run changed, float32, as they were after the best
    epoch, by ``"layer/variable"``: trained ones and moving averages, without frozen layers.
    """

    result: RunResult
    predictions: Predictions
    trained_weights: dict[str, np.ndarray] = field(default_factory=dict, repr=False)


Event = Progress | EpochRecord | TrainingOutcome

"""What ``train`` yields: progress, epoch records, and the outcome at the end.

Times are seconds of ``time.perf_counter``, fractions are 0 to 1. ``None`` means "does not apply".
Epoch records and results are stored as JSON: ``as_dict`` and ``from_dict`` are the two ways.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from core.conditions import DISTURBED_LOAD, Conditions
from core.jobs.progress import Progress

Count = Annotated[int, Field(strict=True, ge=0)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Loss = Annotated[float, Field(strict=True)]
"""A loss may become NaN or infinite: that is how an epoch went, not damage."""
Fraction = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
TIME_TITLES = {
    "first_epoch_seconds": "first epoch",
    "steady_epoch_seconds": "steady epoch",
    "validation_seconds": "validation",
    "feature_seconds": "features",
    "total_seconds": "total",
    "end_to_end_seconds": "whole run",
}
"""The clocks of a run, and what it takes end to end: attributes of ``RunResult``, with names for
people."""


_LEFT_OUT_WHERE_NONE = (
    "feature_reused_seconds", "feature_images", "features_folded", "deployment"
)  # fmt: skip


@dataclass(frozen=True)
class TrackedImage:
    """The prediction for a validation image after an epoch: ``image`` is its position in the
    dataset, ``predicted`` that of the most probable class, ``probability`` (0 to 1, four digits)
    its probability."""

    image: Count
    predicted: Count
    probability: Fraction


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. ``stage`` is ``"head"`` (a head fitted on cached features before everything is
    trained) or ``"main"``; ``epoch`` counts from 1 within the stage; ``epochs`` are planned for it.

    ``train_loss`` and ``train_accuracy`` are running means while the weights moved, dropout on,
    the loss with its class weights and smoothed labels;
    ``validation_loss`` and ``validation_accuracy`` are taken once, after the epoch.
    ``train_seconds`` holds the training steps alone; validation, records and checkpoints are
    outside it. ``tracked`` are a few of the validation images, the same for every strategy and
    seed of an experiment (``core.training.scoring``); old records have none. ``conditions``: what
    the machine did since the epoch before, so during training and validation; old records have
    none.
    """

    stage: str
    epoch: Annotated[Count, Field(ge=1)]
    epochs: Annotated[Count, Field(ge=1)]
    train_loss: Loss
    train_accuracy: Fraction
    validation_loss: Loss
    validation_accuracy: Fraction
    train_seconds: Number
    validation_seconds: Number
    images_per_second: Number
    tracked: tuple[TrackedImage, ...] = ()
    conditions: Conditions | None = None

    @property
    def is_disturbed(self) -> bool:
        """False also where it was not recorded."""
        return self.conditions is not None and self.conditions.is_disturbed

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; ``tracked`` and ``conditions`` are left out where there are none."""
        document = asdict(self)
        if not self.tracked:
            del document["tracked"]
        del document["conditions"]
        if self.conditions is not None:
            document["conditions"] = self.conditions.as_dict()
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "EpochRecord":
        """The record of ``as_dict``; keys of another version are left out.

        Raises ``ValueError`` for anything else.
        """
        # The first edition called them "watched".
        _refuse_other(document)
        older = {"tracked": document["watched"]} if "watched" in document else {}
        return _EPOCH.validate_python({**older, **document})


@dataclass(frozen=True)
class SplitScore:
    """Accuracy (0 to 1) and log loss (nats) over every image of one subset."""

    images: Annotated[Count, Field(ge=1)]
    accuracy: Fraction
    log_loss: Number


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

    size_bytes: Count | None


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a trained network costs where it is used, measured when its run was over.

    It takes one prepared image and gives probabilities, in float32 on ``processor``, in a fresh
    process. ``file_bytes``: the Keras file of an export. ``image_seconds``: the median after
    warm-up of ``timed_images`` predictions of one image, ``image_seconds_low`` and
    ``image_seconds_high`` their quartiles. ``other_load``: the fraction of the machine's processor
    time that other programs used meanwhile. ``memory_bytes``: the most that the process held until
    its first prediction was made, libraries included. ``multiply_adds``: of convolutions and dense
    layers, for one image. ``measuring_seconds``: what measuring took, outside the run's time.
    """

    file_bytes: Count
    image_seconds: Number
    image_seconds_low: Number
    image_seconds_high: Number
    timed_images: Annotated[Count, Field(ge=1)]
    other_load: Fraction
    memory_bytes: Count
    multiply_adds: Count
    processor: str
    measuring_seconds: Number

    @property
    def is_disturbed(self) -> bool:
        """Whether the times may be longer than they are on a machine with nothing else to do."""
        return self.other_load > DISTURBED_LOAD


@dataclass(frozen=True, kw_only=True)
class RunConditions:
    """What the machine did while each time of a run was taken; None where there is no such time.

    ``steady_epochs``: during the epochs of which ``steady_epoch_seconds`` is the median, together;
    ``left_out_epochs`` are the later epochs that were disturbed and therefore are not among them.
    ``features``: during the extraction when it was done; None also where that was not recorded.
    ``whole_run``: from its start to its last score, with the libraries and the preparation of the
    images where it was this run that had to load and prepare them.
    """

    first_epoch: Conditions | None = None
    steady_epochs: Conditions | None = None
    features: Conditions | None = None
    whole_run: Conditions | None = None
    left_out_epochs: Count = 0

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON, without what is None or 0."""
        return {
            name: value.as_dict() if isinstance(value, Conditions) else value
            for name, value in vars(self).items()
            if value
        }


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The stored result of a finished run.

    ``epochs`` were done, which may be fewer than the settings planned. ``best_epoch`` was chosen
    by validation, and all ``scores`` belong to it. ``last_epoch`` has no tracked images: they are
    stored with the epochs, and a page that lists runs need not read them twice.
    ``steady_epoch_seconds`` is the median ``train_seconds`` of epochs 2 to n (None with one epoch),
    without those that were disturbed where at least two are left.
    ``feature_seconds`` is the cost of the extraction when it was done, for the ``feature_images``
    that the run used (None in old results: all images of the dataset). ``feature_cache`` is
    ``"hit"``, ``"miss"``, ``"part"`` where some of them were in the cache, or None;
    ``feature_reused_seconds`` is what these cost earlier runs. ``features_folded`` says whether
    they are others than before batch normalisation was folded (``FeatureRequest.folds``; None in
    older results, and without features). ``total_seconds`` is the whole run
    without what all runs of an experiment share: loading the libraries (included in older results)
    and preparing the images. ``weights`` is None for a run that trained no network, or that was
    made before weights were kept. ``deployment`` is None likewise, and where another seed's network
    was measured. ``conditions`` is None in old results. ``other_device`` is not stored: where other
    runs of the experiment ran on another device than this one, it is filled in with theirs.
    """

    scores: SubsetScores
    epochs: Count = 0
    best_epoch: Count | None = None
    last_epoch: EpochRecord | None = None
    first_epoch_seconds: Number | None = None
    steady_epoch_seconds: Number | None = None
    validation_seconds: Number | None = None
    feature_seconds: Number | None = None
    feature_cache: str | None = None
    feature_reused_seconds: Number | None = None
    feature_images: Count | None = None
    features_folded: bool | None = None
    total_seconds: Number = 0.0
    parameters: Count = 0
    trainable_parameters: Count = 0
    device: str
    device_kind: str
    precision: str
    backend: str
    batch_size: Count | None = None
    peak_memory_bytes: Count
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    weights: KeptWeights | None = None
    deployment: Deployment | None = None
    conditions: RunConditions | None = None
    other_device: str = ""

    @property
    def disturbed(self) -> frozenset[str]:
        """The times that say nothing beside others, by the names of their fields, with
        ``end_to_end_seconds``: those that something else spoilt, and all of a run on another device
        than its experiment. Those that nobody recorded the conditions of are not among them."""
        if self.other_device:
            return frozenset(TIME_TITLES)
        found = self.conditions or RunConditions()
        spoilt = {
            "first_epoch_seconds": found.first_epoch,
            "steady_epoch_seconds": found.steady_epochs,
            "validation_seconds": found.steady_epochs or found.first_epoch,
            "feature_seconds": found.features,
            "total_seconds": found.whole_run,
            "end_to_end_seconds": found.whole_run,
        }
        names = {name for name, each in spoilt.items() if each is not None and each.is_disturbed}
        if self.extraction_saved_seconds and "feature_seconds" in names:
            names.add("end_to_end_seconds")
        return frozenset(names)

    @property
    def planned_epochs(self) -> int:
        """Those of the main stage; more than ``epochs`` where early stopping ended it."""
        return self.last_epoch.epochs if self.last_epoch else self.epochs

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
        for name in _LEFT_OUT_WHERE_NONE:
            if document[name] is None:
                del document[name]
        del document["conditions"], document["other_device"]
        if self.conditions is not None:
            document["conditions"] = self.conditions.as_dict()
        if self.last_epoch is not None:
            document["last_epoch"] = self.last_epoch.as_dict()
        document["notes"] = list(self.notes)
        if self.weights is not None:
            document["weights_bytes"] = self.weights.size_bytes
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RunResult":
        """The record of ``as_dict``; keys of another version are left out.

        Raises ``ValueError`` for anything else: a score that is missing, text for
        a number, NaN.
        """
        _refuse_other(document)
        kept = {}
        if "weights_bytes" in document:
            kept = {"weights": {"size_bytes": document["weights_bytes"]}}
        return _RESULT.validate_python({**document, **kept})


def _refuse_other(document: object) -> None:
    if not isinstance(document, Mapping):
        raise ValueError("not a document")


_EPOCH = TypeAdapter(EpochRecord)
_RESULT = TypeAdapter(RunResult)


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

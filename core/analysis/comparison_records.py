"""What a comparison holds: one row for each strategy, and the facts that all rows share."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SeedResult:
    """One run of a row. ``test_accuracy`` is 0 to 1, None while the run is not finished."""

    run_id: str
    seed: int
    state: str
    test_accuracy: float | None
    error: str | None


@dataclass(frozen=True)
class Row:
    """One strategy over all its seeds. Fractions are 0 to 1, times seconds, None "not known".

    Accuracies and losses are means over the finished seeds, clocks are medians over them.
    ``test_accuracy_low`` and ``test_accuracy_high`` are the 95 % Wilson interval of the *rounded
    mean number of right test images* over the test images of one seed. Seeds are not pooled: they
    are scored on the same pictures, so three seeds do not make three times the evidence.
    ``feature_seconds`` is what extraction cost when it was done, also where this experiment found
    the features in the cache; ``end_to_end_seconds`` is the total with that cost always counted.
    """

    strategy: str
    title: str
    status: str
    seeds: tuple[int, ...]
    test_accuracy: float | None
    test_accuracy_low: float | None
    test_accuracy_high: float | None
    validation_accuracy: float | None
    train_accuracy: float | None
    log_loss: float | None
    lift_over_majority: float | None
    first_epoch_seconds: float | None
    steady_epoch_seconds: float | None
    validation_seconds: float | None
    feature_seconds: float | None
    feature_cache: str | None
    total_seconds: float | None
    end_to_end_seconds: float | None
    epochs: int | None
    best_epochs: tuple[int, ...]
    parameters: int | None
    trainable_parameters: int | None
    peak_memory_bytes: int | None
    device: str | None
    notes: tuple[str, ...]
    runs: tuple[SeedResult, ...]


@dataclass(frozen=True)
class Comparison:
    """One experiment, laid side by side.

    ``images`` counts the images of ``train``, ``validation`` and ``test``; it is empty until a
    run finished where the dataset itself is no longer here. ``majority_accuracy`` is the test
    accuracy of always saying ``majority_class``, the commonest class of the training images.
    ``given_split`` is true where the dataset came with a split and it was used; ``split`` then
    says nothing about the test images.
    """

    experiment: str
    dataset: str
    dataset_id: str
    images: dict[str, int]
    classes: tuple[str, ...]
    majority_class: str | None
    majority_accuracy: float | None
    preset: str
    seeds: tuple[int, ...]
    image_size: int
    resize: str
    split: dict[str, float]
    given_split: bool
    device: str | None
    precision: str
    backend: str | None
    versions: dict[str, str]
    created_at: str
    recorded: bool
    origin: dict[str, Any]
    unavailable: dict[str, str]
    rows: tuple[Row, ...]

    @property
    def finished_rows(self) -> tuple[Row, ...]:
        """Rows that have a test accuracy to show."""
        return tuple(row for row in self.rows if row.test_accuracy is not None)

    @property
    def is_active(self) -> bool:
        """True while a run of the experiment is queued or running."""
        return any(run.state in ("queued", "running") for row in self.rows for run in row.runs)

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: the document of ``compare --format json``."""
        return asdict(self)

"""What "How it is measured" computes: split, a run in time, statistics, models of the tutorial."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.analysis.comparison import Comparison, Row
from core.analysis.evidence import StrategyPredictions
from core.analysis.significance import sign_flip_p_value, wilson_interval
from core.analysis.time_breakdown import Epochs, time_parts
from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.groups import in_multiple_classes
from core.datasets.split import Split
from core.experiments.records import ExperimentSpec
from core.strategies.registry import names_with
from core.strategies.strategy import Mode, Role
from core.training.events import RunResult

# Near duplicates that fit one row of images on the page.
MOST_SHOWN = 6
# Test images for which the interval is shown, beside the experiment's own number.
USUAL_TEST_SIZES = (25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True)
class SubsetFacts:
    """One subset of the split; ``fraction`` is of all images of the three, 0 to 1."""

    subset: str
    images: int
    fraction: float


@dataclass(frozen=True)
class DuplicateFacts:
    """``groups`` of two or more images that look the same, holding ``images`` in all.

    ``divided`` counts groups in more than one subset. ``example`` are positions in the dataset of
    one group, all in ``example_subset``; empty without such a group.
    """

    groups: int
    images: int
    divided: int
    example: tuple[int, ...]
    example_subset: str


def subsets_of(spec: ExperimentSpec) -> tuple[SubsetFacts, ...]:
    """The subsets in the order of ``SUBSETS``; empty where the spec does not say."""
    total = sum(spec.images.get(subset, 0) for subset in SUBSETS)
    return tuple(
        SubsetFacts(subset, spec.images[subset], spec.images[subset] / total)
        for subset in SUBSETS
        if total and subset in spec.images
    )


def class_counts_by_subset(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    """Images of each class in each subset: int ``(classes,)`` by subset."""
    return {
        subset: np.bincount(dataset.labels[getattr(split, subset)], minlength=len(dataset.classes))
        for subset in SUBSETS
    }


def widest_gap(counts: dict[str, np.ndarray]) -> float:
    """The largest difference of a class's fractions of training and of test images, 0 to 1.

    Stratifying keeps it small.
    """
    train, test = (counts[subset] / counts[subset].sum() for subset in ("train", "test"))
    return float(np.abs(train - test).max())


def duplicate_facts(dataset: Dataset, split: Split) -> DuplicateFacts:
    """Groups of near duplicates and in which subsets they lie."""
    dealt, subsets = _subset_of_each(split)
    groups = dataset.groups[dealt]
    found = pd.Series(subsets).groupby(groups).agg(["size", "min", "max"])
    found = found[found["size"] > 1]
    whole = found["min"] == found["max"]
    fitting = found[whole & (found["size"] <= MOST_SHOWN)]
    example: tuple[int, ...] = ()
    example_subset = ""
    if len(fitting):
        largest = int(fitting["size"].to_numpy().argmax())
        example = tuple(dealt[groups == fitting.index[largest]].tolist())
        example_subset = SUBSETS[int(fitting["min"].iloc[largest])]
    return DuplicateFacts(
        groups=len(found),
        images=int(found["size"].sum()),
        divided=int((~whole).sum()),
        example=example,
        example_subset=example_subset,
    )


def divided_origins(dataset: Dataset, split: Split) -> int:
    """How many origins, such as patients, have images in more than one subset."""
    if dataset.origins is None:
        return 0
    dealt, subsets = _subset_of_each(split)
    return int(in_multiple_classes(dataset.origins[dealt], subsets).sum())


def _subset_of_each(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the images in the split, and the number of the subset of each, both int64."""
    parts = [getattr(split, subset) for subset in SUBSETS]
    return np.concatenate(parts), np.repeat(np.arange(len(SUBSETS)), list(map(len, parts)))


@dataclass(frozen=True)
class Segment:
    """``part`` is a field of ``TimeParts``; ``start`` and ``seconds`` are seconds of the run."""

    part: str
    words: str
    start: float
    seconds: float


def time_line(result: RunResult, epochs: Epochs) -> tuple[Segment, ...]:
    """The run from its first second to its last; the segments follow one another.

    Starting up and scoring were recorded as one number, so both come last. Extraction has the
    seconds that it took when it was done, also where the features were in the cache.
    """
    parts = time_parts(result, epochs)
    segments: list[Segment] = []

    def add(part: str, words: str, seconds: float) -> None:
        start = segments[-1].start + segments[-1].seconds if segments else 0.0
        segments.append(Segment(part, words, start, seconds))

    if parts.extraction:
        done = {"hit": " (done by an earlier run)", "part": " (partly done by earlier runs)"}.get(
            result.feature_cache or "", ""
        )
        add("extraction", f"extracting features{done}", parts.extraction)
    part = "first_epoch"
    for epoch in epochs:
        words = f"epoch {epoch.epoch}"
        if epoch.stage == "main":
            add(part, words, epoch.train_seconds)
            part = "steady_epochs"
        else:
            words += " of the head alone"
            add("head", words, epoch.train_seconds)
        add("validation", f"validation after {words}", epoch.validation_seconds)
    add("other", "starting, building and scoring", max(0.0, parts.other))
    return tuple(segments)


def epochs_alone(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """The epochs and their validation, from second 0."""
    kept = [entry for entry in segments if entry.part not in ("extraction", "other")]
    return tuple(replace(entry, start=entry.start - kept[0].start) for entry in kept)


@dataclass(frozen=True)
class WidthAt:
    """The 95 % Wilson interval of an accuracy measured on ``images``; fractions 0 to 1."""

    images: int
    low: float
    high: float
    is_own: bool


@dataclass(frozen=True)
class FourCells:
    """Two runs of one seed each on the same test images, and McNemar's exact p value."""

    both_correct: int
    fixed: int
    regressed: int
    both_wrong: int
    p_value: float


def widths(accuracy: float, images: int) -> tuple[WidthAt, ...]:
    """How wide the interval of the same ``accuracy`` is with fewer and with more test images."""
    found = []
    for size in sorted({*USUAL_TEST_SIZES, images}):
        low, high = wilson_interval(round(accuracy * size), size)
        found.append(WidthAt(size, low, high, size == images))
    return tuple(found)


def four_cells(first: StrategyPredictions, second: StrategyPredictions) -> FourCells:
    """Of the first seed of each."""
    before, after = first.correct[0], second.correct[0]
    return FourCells(
        both_correct=int((before & after).sum()),
        fixed=int((~before & after).sum()),
        regressed=int((before & ~after).sum()),
        both_wrong=int((~before & ~after).sum()),
        p_value=sign_flip_p_value(first.correct[:1], second.correct[:1]),
    )


# "Transfer learning & the art of using pre-trained models in deep learning" (Analytics Vidhya,
# 2017), case 1: 16 themes of pictures for mobile cases. Its accuracies are those that training
# printed, of the images that were trained on.
@dataclass(frozen=True)
class TutorialModel:
    """One row of the tutorial's case 1.

    ``strategies`` are those of ours that are the same, the nearest first. ``accuracy`` is 0 to 1,
    on the training images (of the majority class: its fraction of them). ``epoch`` is what the text
    says of the time of an epoch.
    """

    title: str
    strategies: tuple[str, ...]
    accuracy: float
    epoch: str


_BACKBONE = "vgg16"
TUTORIAL_MODELS = (
    TutorialModel("Majority class", names_with(Role.BASELINE), 0.176, "—"),
    TutorialModel("MLP", names_with(Role.FROM_SCRATCH, convolutional=False), 0.0688, "20 to 21 s"),
    TutorialModel("CNN", names_with(Role.FROM_SCRATCH, convolutional=True), 0.1575, "21 s"),
    TutorialModel(
        "VGG16, last layer trained",
        names_with(mode=Mode.SOFTMAX, backbone=_BACKBONE)
        + names_with(mode=Mode.PROBE, backbone=_BACKBONE),
        0.70,
        "“almost negligible”",
    ),
)


@dataclass(frozen=True)
class Beside:
    """A model of the tutorial and the nearest row of ours; None if the experiment has none."""

    model: TutorialModel
    row: Row | None


def beside_tutorial(comparison: Comparison | None) -> tuple[Beside, ...]:
    """Each model of the tutorial with the experiment's row, if it has one that is finished."""
    rows = {row.strategy: row for row in comparison.finished_rows} if comparison else {}
    return tuple(
        Beside(model, next((rows[name] for name in model.strategies if name in rows), None))
        for model in TUTORIAL_MODELS
    )

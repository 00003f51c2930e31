"""What is said about several experiments side by side: titles, deltas, and why there are none."""

from collections.abc import Sequence

from core.analysis.comparison import Comparison
from core.analysis.words.verdicts import points_words
from core.runs.experiment_spec import ExperimentSpec


def column_title(comparison: Comparison) -> str:
    """Different for each experiment: the dataset's name may be shared, the id is not."""
    return f"{comparison.dataset} ({comparison.experiment})"


def split_text(spec: ExperimentSpec) -> str:
    """How the images were dealt."""
    if spec.given_split:
        return "came with the dataset"
    split = spec.split
    return (
        f"{100 * split.test:g} % test, {100 * split.validation:g} % validation, seed {split.seed}"
    )


def same_split(first: ExperimentSpec, second: ExperimentSpec) -> bool:
    """Whether the test images are the same: by fingerprint, or for old experiments by its rule."""
    if first.split_fingerprint and second.split_fingerprint:
        return first.split_fingerprint == second.split_fingerprint
    return (first.split, first.given_split) == (second.split, second.given_split)


def no_delta_reason(
    baseline: Comparison, other: Comparison, first: ExperimentSpec, second: ExperimentSpec
) -> str | None:
    """Why the numbers of ``other`` may not be set against the baseline's; None where they may."""
    names = f"{column_title(other)} and the baseline {column_title(baseline)}"
    if baseline.dataset_id != other.dataset_id:
        return (
            f"{names} are of different datasets: an accuracy or a time on one says nothing about "
            "the other, so no difference is shown."
        )
    if not same_split(first, second):
        return (
            f"{names} have different splits: they were tested on different images, so no "
            "difference is shown."
        )
    return None


def device_sentence(baseline: Comparison, others: Sequence[Comparison]) -> str | None:
    """A warning where times come from different machines."""
    if all(other.device == baseline.device for other in others):
        return None
    return (
        "Not all were run on the same device: ratios of time say as much about the machines as "
        "about the strategies."
    )


def delta_text(difference: float) -> str:
    """``+2.1 points``; ``same`` where the two are equal to the digit shown."""
    if round(1000 * difference) == 0:
        return "same"
    return f"{'+' if difference > 0 else ''}{points_words(difference)}"


def ratio_text(ratio: float) -> str:
    """``1.8 times as long``; seconds of this one divided by the baseline's."""
    return f"{float(f'{ratio:.2g}'):g} times as long"

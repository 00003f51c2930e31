"""Experiments gathered by dataset, in words: where pre-training pays, and how results grew."""

from collections.abc import Sequence

from core.analysis.datasets import DatasetGain, DatasetResult, Winners
from core.analysis.verdicts import Outcome
from core.analysis.words.verdicts import TIED, signed_points
from core.text import count_text, percent_text, some_text

MOST_NAMED = 5
NO_GAINS = (
    "No dataset has an experiment yet with both a strategy from scratch and a pre-trained one. Run "
    "two of them on one dataset, and it appears here."
)
NO_RESULTS = "No experiment on this dataset has a result yet."
CHOSEN = (
    "One experiment stands for each dataset: one that is pinned, else the one with the most "
    "strategies, then the most seeds, the most test images, the newest; never the one with the "
    "largest gain. Each verdict is that of its experiment, not corrected for the number of "
    "datasets."
)
HELPED = {
    Outcome.AHEAD: "yes",
    Outcome.BEHIND: "no",
    Outcome.TIED: "cannot tell",
    None: "not tried",
}
_VERBS = {
    Outcome.AHEAD: "Pre-training helps on {}",
    Outcome.BEHIND: "Training from scratch is ahead on {}",
    Outcome.TIED: f"The two {TIED} on {{}}",
}


def describe_gains(gains: Sequence[DatasetGain]) -> list[str]:
    """On which datasets pre-training helps, where it does not, and what stands for each."""
    if not gains:
        return [NO_GAINS]
    found = []
    for outcome, verb in _VERBS.items():
        of = sorted(
            (one for one in gains if one.gain.outcome is outcome),
            key=lambda one: -abs(one.gain.difference),
        )
        if of:
            where = f"{len(of):,} of {count_text(len(gains), 'dataset')}"
            found.append(
                f"{verb.format(where)}: {some_text([_named(one) for one in of], MOST_NAMED)}."
            )
    return [*found, CHOSEN]


def describe_results(results: Sequence[DatasetResult], winners: Sequence[Winners]) -> list[str]:
    """How the best result grew, which strategy won how often on which version, and what it is
    worth."""
    if not results:
        return [NO_RESULTS]
    found = []
    for version in winners:
        own = [one for one in results if one.dataset_id == version.dataset_id]
        found.append(_best_of(version, own))
    if len(results) > len(winners):
        found += [*map(_who_won, winners), _caution(results)]
    return found


def _named(one: DatasetGain) -> str:
    return (
        f"{one.dataset} ({signed_points(one.gain.difference)} points with "
        f"{count_text(one.training_images, 'training image')})"
    )


def _best_of(version: Winners, own: Sequence[DatasetResult]) -> str:
    best, first = version.best, own[0]
    result = (
        f"{best.best} with {percent_text(best.accuracy)} ({percent_text(best.low)} to "
        f"{percent_text(best.high)} on {count_text(best.images, 'test image')}), on "
        f"{best.created_at[:10]}"
    )
    if version.experiments == 1:
        return f"{version.dataset}, one experiment: {result}."
    known = f"{version.dataset}, best of {version.experiments:,} experiments: {result}"
    if best is first:
        return f"{known}; none since was more accurate."
    return f"{known}; the first experiment had {percent_text(first.accuracy)}."


def _who_won(version: Winners) -> str:
    wins = "; ".join(f"{title} ({count:,})" for title, count in version.wins)
    return f"Best on {version.dataset}, in how many experiments: {wins}."


def _caution(results: Sequence[DatasetResult]) -> str:
    """The largest of several measured values is too large on average."""
    splits = {(one.dataset_id, one.split_fingerprint or one.experiment) for one in results}
    shared = (
        "All experiments of a version have the same test images"
        if len(splits) == len({one.dataset_id for one in results})
        else "Not all of them have the same test images"
    )
    return (
        f"{shared}. No test stands behind a new best result: of many experiments the most accurate "
        "one is a little flattered."
    )

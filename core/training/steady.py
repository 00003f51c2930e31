"""Medians of what nothing disturbed: of the epochs after the first, and over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.conditions import Conditions, conditions_of_all
from core.training.events import TIME_TITLES, EpochRecord, RunResult

# As few undisturbed epochs make a median without the others.
FEWEST_STEADY = 2
_OTHERS_COUNT = "the steady epoch is the median of the others."


@dataclass(frozen=True)
class SteadyEpochs:
    """Median seconds of training and of validation, None without an epoch; what the machine did
    during the epochs that count; how many of ``later`` epochs were disturbed and left out."""

    seconds: float | None
    validation_seconds: float | None
    conditions: Conditions | None
    later: int
    left_out: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What people read where epochs were left out."""
        if not self.left_out:
            return ()
        return (
            f"{self.left_out} of the {self.later} epochs after the first were disturbed by other "
            f"work on the machine: {_OTHERS_COUNT}",
        )


def undisturbed_epochs(records: Sequence[EpochRecord]) -> list[EpochRecord]:
    """Those whose times count: the undisturbed ones where at least two are left, else all."""
    quiet = [record for record in records if not record.is_disturbed]
    return quiet if len(quiet) >= FEWEST_STEADY else list(records)


def steady_epochs(later: Sequence[EpochRecord]) -> SteadyEpochs:
    """Of the ``later`` epochs: those after the first, which traces and compiles."""
    counted = undisturbed_epochs(later)
    return SteadyEpochs(
        median([record.train_seconds for record in counted]),
        median([record.validation_seconds for record in counted]),
        conditions_of_all(record.conditions for record in counted),
        len(later),
        len(later) - len(counted),
    )


def without_steady_notes(notes: Sequence[str]) -> tuple[str, ...]:
    """``notes`` of a run without that about epochs that were left out."""
    return tuple(note for note in notes if not note.endswith(_OTHERS_COUNT))


def median_times(results: Sequence[RunResult]) -> tuple[dict[str, float | None], tuple[str, ...]]:
    """Each of ``TIME_TITLES`` over several seeds: the median of those in which it was not
    disturbed, of all where there is none; and the names of the latter."""
    found: dict[str, float | None] = {}
    disturbed = []
    for name in TIME_TITLES:
        known = [result for result in results if getattr(result, name) is not None]
        quiet = [result for result in known if name not in result.disturbed]
        found[name] = median([getattr(result, name) for result in quiet or known])
        if known and not quiet:
            disturbed.append(name)
    return found, tuple(disturbed)


def median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None

"""One run laid out in time: which second was spent on what, from the clocks that it kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.analysis.accuracy_costs import Epochs
from core.analysis.ledger import time_parts


@dataclass(frozen=True)
class Segment:
    """``part`` is a field of ``TimeParts``; ``start`` and ``seconds`` are seconds of the run."""

    part: str
    words: str
    start: float
    seconds: float


def time_line(result: Mapping[str, Any], epochs: Epochs) -> tuple[Segment, ...]:
    """The run from its first second to its last; the segments follow one another.

    A run keeps starting up and scoring as one number, so both stand at the end. Extraction is
    there with what it cost when it was done, also where the features were in the cache.
    """
    parts = time_parts(result, epochs)
    pieces: list[tuple[str, str, float]] = []
    if parts.extraction:
        found = result["feature_cache"] == "hit"
        words = "extracting features" + (" (done by an earlier run)" if found else "")
        pieces.append(("extraction", words, parts.extraction))
    first = True
    for epoch in epochs:
        if epoch["stage"] == "main":
            part, words = ("first_epoch" if first else "steady_epochs"), f"epoch {epoch['epoch']}"
            first = False
        else:
            part, words = "head", f"epoch {epoch['epoch']} of the head alone"
        pieces.append((part, words, float(epoch["train_seconds"])))
        pieces.append(
            ("validation", f"validation after {words}", float(epoch["validation_seconds"]))
        )
    pieces.append(("other", "starting, building and scoring", max(0.0, parts.other)))
    segments = []
    start = 0.0
    for part, words, seconds in pieces:
        segments.append(Segment(part, words, start, seconds))
        start += seconds
    return tuple(segments)


def epochs_alone(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """The epochs and their validation, from second 0."""
    kept = [entry for entry in segments if entry.part not in ("extraction", "other")]
    begin = kept[0].start if kept else 0.0
    return tuple(
        Segment(entry.part, entry.words, entry.start - begin, entry.seconds) for entry in kept
    )

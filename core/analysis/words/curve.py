"""A learning curve in words: every point, and where two lines cross."""

from core.analysis.learning_curve import LearningCurve, StrategyCurve, crossings, overlap
from core.analysis.words.verdicts import points_words
from core.text import percent_text

NOT_WITHIN = "not within your data"


def describe_crossings(first: StrategyCurve, second: StrategyCurve) -> str:
    """Where the two cross, in a sentence or two; or that they do not within the data."""
    sizes = sorted(
        {point.train_images for point in first.points}
        & {point.train_images for point in second.points}
    )
    if len(sizes) < 2:
        return (
            f"{first.title} and {second.title} have fewer than two sizes in common so far, so "
            "nothing can be said of where they cross."
        )
    found = crossings(first, second)
    if not found:
        return _no_crossing_words(first, second, sizes)
    sentences = [
        f"From about {crossing.images:,} training images on, {crossing.leader} is ahead (between "
        f"{crossing.before:,} and {crossing.after:,}, where it was tried)."
        for crossing in found
    ]
    if not all(crossing.certain for crossing in found):
        sentences.append(
            "But the intervals of the two overlap on one side of it at least: the crossing may lie "
            "elsewhere, or not be there at all."
        )
    return " ".join(sentences)


def _no_crossing_words(first: StrategyCurve, second: StrategyCurve, sizes: list[int]) -> str:
    ends = {
        name: {point.train_images: point for point in curve.points}
        for name, curve in (("first", first), ("second", second))
    }
    gaps = [ends["second"][size].mean - ends["first"][size].mean for size in sizes]
    whole = f"from {sizes[0]:,} to {sizes[-1]:,} training images"
    if not any(gaps):
        return f"{first.title} and {second.title} are equally good {whole}: they never part."
    ahead, behind = (second, first) if sum(gaps) > 0 else (first, second)
    doubt = (
        " At every size their intervals overlap: they may be equally good."
        if all(overlap(ends["first"][size], ends["second"][size]) for size in sizes)
        else ""
    )
    return (
        f"The point where {behind.title} overtakes {ahead.title} is {NOT_WITHIN}: {whole} "
        f"{ahead.title} is never behind. The gap is {points_words(abs(gaps[0]))} with the fewest "
        f"and {points_words(abs(gaps[-1]))} with the most.{doubt}"
    )


def describe_curve(curve: LearningCurve) -> str:
    """Every point of every strategy."""
    if not curve.curves:
        return "No run of this learning curve has finished yet."
    rows = "; ".join(
        f"{entry.title}: "
        + ", ".join(
            f"{percent_text(point.mean)} ({percent_text(point.low)} to "
            f"{percent_text(point.high)}) with {point.train_images:,}"
            for point in entry.points
        )
        for entry in curve.curves
    )
    return (
        f"Test accuracy with 95 % intervals on {curve.test_images:,} test images, by the number "
        f"of training images. {rows}."
    )

"""What a trained network costs where it is used, in words."""

from collections.abc import Sequence

from core.analysis.comparison import Row
from core.text import large_count_text, list_text, milliseconds_text, rough_percent_text, size_text
from core.training.events import Deployment

NOT_MEASURED = "not measured"


def describe_deployment(found: Deployment) -> str:
    """``one image takes 12 ms (middle half of 83: 11 ms to 13 ms), the file has 59 MB, ...``."""
    middle_half = (
        f"middle half of {found.timed_images}: {milliseconds_text(found.image_seconds_low)} to "
        f"{milliseconds_text(found.image_seconds_high)}"
    )
    words = (
        f"one image takes {milliseconds_text(found.image_seconds)} ({middle_half}) and "
        f"{large_count_text(found.multiply_adds)} multiply-adds, the file has "
        f"{size_text(found.file_bytes)}, the process needs {size_text(found.memory_bytes)} of "
        "memory"
    )
    return f"{words}; {disturbed_words(found)}" if found.is_disturbed else words


def disturbed_words(found: Deployment) -> str:
    """What a time is worth that other programs may have made longer."""
    return (
        f"other programs used {rough_percent_text(found.other_load)} of the processor meanwhile, "
        "so the time may be too long"
    )


def describe_deployments(rows: Sequence[Row]) -> str:
    """Every finished row with a network, also those that were not measured."""
    parts = []
    for row in rows:
        if row.deployment is not None:
            parts.append(f"{row.title}: {describe_deployment(row.deployment)}")
        elif is_unmeasured(row):
            parts.append(f"{row.title}: {NOT_MEASURED}")
    return f"{'; '.join(parts)}." if parts else ""


def is_unmeasured(row: Row) -> bool:
    """Whether a finished row has a network that nobody measured."""
    return bool(row.deployment is None and row.test_accuracy is not None and row.parameters)


def describe_unmeasured(rows: Sequence[Row]) -> str:
    """Which networks were not measured, and what to do; "" where all were."""
    missing = [row.title for row in rows if is_unmeasured(row)]
    if not missing:
        return ""
    return (
        f"Not measured for {list_text(missing)}: an earlier version of Headstart made the run, or "
        "its notes say why. Run the benchmark again to have it."
    )


def describe_conditions(rows: Sequence[Row]) -> str:
    """On which processor and how; "" where nothing was measured."""
    found = [row.deployment for row in rows if row.deployment is not None]
    if not found:
        return ""
    processors = list_text(list(dict.fromkeys(each.processor for each in found)))
    words = f"Measured on {processors}, one image at a time, in float32."
    disturbed = [
        f"{row.title} ({rough_percent_text(row.deployment.other_load)})"
        for row in rows
        if row.deployment is not None and row.deployment.is_disturbed
    ]
    if not disturbed:
        return words
    return (
        f"{words} Other programs used a part of the processor meanwhile, so the time may be too "
        f"long: {list_text(disturbed)}."
    )

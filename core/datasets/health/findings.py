"""Everything worth knowing about a dataset before hours are spent on it.

Computed from the stored arrays; no image is decoded.
"""

from core.datasets.dataset import Dataset
from core.datasets.health.classes import about_classes
from core.datasets.health.copies import about_copies
from core.datasets.health.finding import SEVERITIES, Finding, SizeSummary, size_summary
from core.datasets.health.images import about_images
from core.text import count_text, quoted_list_text, rough_percent_text

__all__ = ["Finding", "SizeSummary", "findings", "size_summary"]

# Unusable files are a problem from this fraction of all files on.
MUCH_LEFT_OUT = 0.1


def findings(dataset: Dataset) -> list[Finding]:
    """The findings, most severe first; where nothing is wrong, one says so."""
    found = [
        *_about_reading(dataset),
        *about_copies(dataset),
        *about_classes(dataset),
        *about_images(dataset),
    ]
    if not any(finding.severity in ("problem", "warning") for finding in found):
        found.append(_nothing_found(dataset))
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _about_reading(dataset: Dataset) -> list[Finding]:
    found = []
    quarantined = len(dataset.health.quarantined)
    if quarantined:
        fraction = quarantined / (quarantined + dataset.image_count)
        found.append(
            Finding(
                "quarantined",
                "problem" if fraction >= MUCH_LEFT_OUT else "warning",
                f"{count_text(quarantined, 'file or line', 'files or lines')} could not be used"
                f" ({rough_percent_text(fraction)} of what was given).",
                "They are left out already. Download the list to see the reason for each;"
                " repair them and add the images again, or go on without them.",
                count=quarantined,
            )
        )
    lost = dataset.health.lost_classes
    if lost:
        found.append(
            Finding(
                "lost_classes",
                "problem",
                f"{count_text(len(lost), 'class is', 'classes are')} missing:"
                f" {quoted_list_text(lost)}. None of the images there could be read.",
                "Look at the list of what could not be used. Save these images in another format"
                " and add the images again, or go on without them.",
                count=len(lost),
            )
        )
    ignored = dataset.health.ignored_files
    if ignored:
        found.append(
            Finding(
                "ignored_files",
                "note",
                f"{count_text(ignored, 'file was', 'files were')} ignored: hidden, made by the"
                " system, or in no class.",
                "Nothing needs to be done, unless images are missing.",
                count=ignored,
            )
        )
    found += [
        Finding("reading", "note", note, "If that is not what you meant, add the images again.")
        for note in dataset.health.notes
    ]
    return found


def _nothing_found(dataset: Dataset) -> Finding:
    return Finding(
        "nothing_found",
        "good",
        f"No problem was found in {count_text(dataset.image_count, 'image')} of"
        f" {count_text(len(dataset.classes), 'class', 'classes')}.",
        "No copies, no image in two classes, no class too small or much larger than the others, no"
        " empty images. Go on to the benchmark.",
        count=1,
    )

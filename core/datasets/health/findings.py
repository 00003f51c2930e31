"""Everything that is worth knowing about a dataset before hours are spent on it.

Computed from the arrays that are kept with it; no picture is decoded.
"""

from core.datasets.dataset import Dataset
from core.datasets.health.classes import about_classes
from core.datasets.health.copies import about_copies
from core.datasets.health.finding import SEVERITIES, Finding, SizeSummary, size_summary
from core.datasets.health.images import about_images
from core.datasets.wording import counted, listed, percent

__all__ = ["Finding", "SizeSummary", "findings", "size_summary"]

# From this share of what was given on, what could not be used is a problem.
MUCH_LEFT_OUT = 0.1


def findings(dataset: Dataset) -> list[Finding]:
    """What was noticed, the gravest first; at least one, which is good where there is no worse."""
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
    quarantined = len(dataset.health.get("quarantined", ()))
    if quarantined:
        fraction = quarantined / (quarantined + dataset.image_count)
        found.append(
            Finding(
                "quarantined",
                "problem" if fraction >= MUCH_LEFT_OUT else "warning",
                f"{counted(quarantined, 'file or line', 'files or lines')} could not be used"
                f" ({percent(fraction)} of what was given).",
                "They are left out already. Download the list to see each with its reason; mend"
                " them and add the images again, or go on without them.",
                count=quarantined,
            )
        )
    lost = dataset.health.get("lost_classes", ())
    if lost:
        found.append(
            Finding(
                "lost_classes",
                "problem",
                f"{counted(len(lost), 'class is', 'classes are')} missing: {listed(lost)}. None of"
                " the pictures there could be read.",
                "Look at the list of what could not be used. Save these pictures in another format"
                " and add the images again, or go on without them.",
                count=len(lost),
            )
        )
    ignored = dataset.health.get("ignored_files", 0)
    if ignored:
        found.append(
            Finding(
                "ignored_files",
                "note",
                f"{counted(ignored, 'file was', 'files were')} passed over: hidden, made by the"
                " system, or of no class.",
                "Nothing needs to be done, unless pictures are missing.",
                count=ignored,
            )
        )
    found += [
        Finding("reading", "note", note, "If that is not what you meant, add the images again.")
        for note in dataset.health.get("notes", ())
    ]
    return found


def _nothing_found(dataset: Dataset) -> Finding:
    return Finding(
        "nothing_found",
        "good",
        f"Nothing speaks against {counted(dataset.image_count, 'picture')} in"
        f" {counted(len(dataset.classes), 'class', 'classes')}.",
        "No copies that count twice, no pictures under two classes, no class too small or much"
        " larger than the others, no empty pictures. Go on to the benchmark.",
        count=1,
    )

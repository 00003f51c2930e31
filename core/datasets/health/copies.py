"""Findings about images that occur more than once: copies, conflicting labels, leaks."""

from collections.abc import Iterator

import numpy as np

from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.groups import (
    equal_rows,
    in_multiple_classes,
    near_conflict_groups,
    within_classes,
)
from core.datasets.health.finding import Finding, classes_of, shown_groups
from core.datasets.split import always_kept_together, kept_together, leaking_images
from core.text import count_text, quoted_list_text


def about_copies(dataset: Dataset) -> Iterator[Finding]:
    """What equal and nearly equal images mean for results; nothing where there are none."""
    equal = equal_rows(dataset.digests)
    yield from _leaks(dataset)
    yield from _conflicts(dataset, equal)
    yield from _copies(dataset, equal)
    yield from _shared_origins(dataset)
    alike = np.bincount(dataset.labels[dataset.look_alikes], minlength=len(dataset.classes))
    names = classes_of(dataset, alike > 0)
    if names:
        yield Finding(
            "look_alike_classes",
            "warning",
            f"The images of {quoted_list_text(names)} look so much alike that near duplicates"
            " cannot be recognised.",
            "Only exact copies are kept together there. If they are frames of a video or"
            " photographs of one object, results will look too good: leave out all but a few of"
            " each series.",
            count=len(names),
            classes=names,
        )


def _leaks(dataset: Dataset) -> Iterator[Finding]:
    leaking = leaking_images(dataset)
    subsets = dataset.predefined_subsets
    if subsets is None or not len(leaking):
        return
    wanted = np.zeros(dataset.groups.max() + 1, bool)
    wanted[dataset.groups[leaking]] = True
    counts = np.bincount(subsets[leaking], minlength=len(SUBSETS))
    names = [
        f"{count_text(count, 'image')} of {subset}"
        for subset, count in zip(SUBSETS, counts.tolist(), strict=True)
        if count
    ]
    met = np.unique(subsets[wanted[dataset.groups]])
    later = " or ".join(SUBSETS[subset] for subset in met if subset > subsets[leaking].min())
    verb = "is" if len(leaking) == 1 else "are"
    yield Finding(
        "leaks",
        "problem",
        f"{' and '.join(names)} {verb} also in {later}, exactly or nearly.",
        "Models would be tested on images that they were trained on, so results would look too"
        " good. Headstart does not use these images with that split. Leave them out for good, or"
        " let Headstart make its own split.",
        # The last subset first, so that the tested image leads its group.
        shown_groups(dataset.groups, wanted, -subsets.astype(np.int64)),
        int(wanted.sum()),
        actions=("drop_leaks",),
    )


def _conflicts(dataset: Dataset, equal: np.ndarray) -> Iterator[Finding]:
    wanted = in_multiple_classes(equal, dataset.labels)
    if wanted.any():
        count = int(wanted.sum())
        yield Finding(
            "label_conflicts",
            "problem",
            f"{count_text(count, 'image appears', 'images appear')} in more than one class.",
            "No model can be right about both. Correct the labels and add the images again, or"
            " leave these images out.",
            shown_groups(equal, wanted, dataset.labels),
            count,
            _classes_among(dataset, wanted[equal]),
            ("drop_conflicts",),
        )
    wanted = near_conflict_groups(dataset.groups, dataset.labels, equal)
    if wanted.any():
        count = int(wanted.sum())
        yield Finding(
            "near_label_conflicts",
            "warning",
            f"{count_text(count, 'set')} of images that look the same"
            f" {'appears' if count == 1 else 'appear'} in more than one class.",
            "Look at them side by side: a label may be wrong, or the classes may really look alike."
            " Correct the labels and add the images again, leave these images out, or go on.",
            shown_groups(dataset.groups, wanted, dataset.labels),
            count,
            _classes_among(dataset, wanted[dataset.groups]),
            ("drop_near_conflicts",),
        )


def _copies(dataset: Dataset, equal: np.ndarray) -> Iterator[Finding]:
    copies = within_classes(equal, dataset.labels)
    wanted = np.bincount(copies) > 1
    spare = len(copies) - len(wanted)
    if spare:
        yield Finding(
            "exact_duplicates",
            "warning",
            f"{count_text(spare, 'image is an exact copy', 'images are exact copies')} of"
            f" {'another' if spare == 1 else 'others'}.",
            "Copies always stay in one subset of the split, but each of them counts. Leave them"
            " out, so that every image counts once.",
            shown_groups(copies, wanted),
            int(wanted.sum()),
            actions=("drop_exact_duplicates",),
        )
    alike = within_classes(dataset.groups, dataset.labels)
    wanted = in_multiple_classes(alike, equal)
    if wanted.any():
        count = int(wanted.sum())
        yield Finding(
            "near_duplicates",
            "note",
            f"{wanted[alike].sum():,} images look much like others: {count_text(count, 'set')} of"
            " near duplicates.",
            "Each set stays in one subset of the split, so results stay honest. Leave out all but"
            " one of each set where they add nothing.",
            shown_groups(alike, wanted),
            count,
            actions=("drop_near_duplicates",),
        )


def _shared_origins(dataset: Dataset) -> Iterator[Finding]:
    """Columns such as ``patient_id``: whether the split keeps their images together."""
    are_kept = kept_together(dataset) is not dataset.groups
    condition = ""
    if are_kept and not always_kept_together(dataset):
        condition = " as long as every class can still be in every subset"
    for origin in dataset.health.shared_origins:
        if origin.in_several_subsets == 0:
            continue
        column, values = repr(origin.column), f"{origin.values:,}"
        title = (
            f"Several images have the same {column}: {values} values on {origin.images:,} images."
        )
        if origin.in_several_subsets:
            verb = "has" if origin.in_several_subsets == 1 else "have"
            title = (
                f"{origin.in_several_subsets:,} of {values} values of {column} {verb} images in"
                " more than one subset of the split that came with the dataset."
            )
        elif are_kept:
            advice = f"Headstart's split keeps images with the same value together{condition}"
            if condition:
                advice += ". How it is measured says of each experiment whether it did."
            else:
                advice += (
                    ", so models are tested on values that were not in training. Nothing needs to"
                    " be done."
                )
            yield Finding("kept_together", "note", title, advice, count=origin.values)
            continue
        advice = (
            "Models may be tested on values that were in training, so results may look too good for"
            " new ones. "
        )
        if are_kept:
            advice += (
                "Let Headstart make its own split, which keeps images with the same value together"
                f"{condition}."
            )
        else:
            advice += (
                "Images with the same value cannot be kept together, because a class has too few"
                " values, or a value too many images. Add images with other values, or take the"
                " results for what they are."
            )
        yield Finding("shared_origin", "warning", title, advice, count=origin.values)


def _classes_among(dataset: Dataset, images: np.ndarray) -> tuple[str, ...]:
    return tuple(dataset.classes[number] for number in np.unique(dataset.labels[images]))

"""The images whose file names may contain the class, in all folders and subsets together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.datasets.reading.folder_subsets import Split
from core.datasets.reading.image_files import has_image_suffix, stem
from core.datasets.reading.named_classes import (
    DOUBT,
    NamedClasses,
    before_number,
    classes_by_pattern,
    is_repeated,
    named_classes,
)
from core.datasets.reading.raw_files import Listing, RawFile, bad_source, shown_name
from core.datasets.reading.reader import LabelledFile
from core.datasets.reading.subset_names import is_to_predict

# Edge Impulse writes it beside images called CLASS.ID.jpg.
_LABELS_OF_EDGE_IMPULSE = "info.labels"


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image; ``group`` is the folder of its subset, or "" where it is in none.

    ``name`` is shown as its file name.
    """

    raw: RawFile
    name: str
    group: str = ""
    subset: str | None = None


def named_images(split: Split) -> list[NamedImage]:
    """All images of a tree, whatever their folders."""
    groups = [("", split.places), *split.without_class.items()]
    places = [(group, place) for group, members in groups for place in members]
    several = len({(*place.around, *place.folders) for _, place in places}) > 1
    return [
        NamedImage(
            raw,
            "/".join((*place.around, *place.folders, raw.name)) if several else raw.name,
            group or "".join(place.around[:1]),
            place.subset,
        )
        for group, place in places
        for raw in place.files
        if has_image_suffix(raw.name)
    ]


def possible_names(images: Sequence[NamedImage], listing: Listing) -> list[NamedClasses]:
    """The ways to read classes from the names: of the images for training, where some are."""
    is_before_dot = any(raw.name == _LABELS_OF_EDGE_IMPULSE for raw in listing.files)
    labelled = [image for image in images if not is_to_predict(image.group)]
    train = [image for image in labelled if image.subset == "train"] or labelled
    counts = Counter(stem(image.raw.name) for image in train)
    if is_repeated(counts):
        whole = {text: text for text in counts}
        return [NamedClasses("{class}", "the whole name", whole, DOUBT)]
    return named_classes(sorted(counts), is_before_dot=is_before_dot) if counts else []


def chosen_names(images: Sequence[NamedImage], pattern: str) -> NamedClasses:
    """What the pattern of a person finds. Raises ``BadInput`` where it fits no name."""
    classes = classes_by_pattern(pattern, {stem(image.raw.name) for image in images})
    if not classes:
        example = f", such as {shown_name(images[0].raw.name)}" if images else ""
        raise bad_source(
            f"The pattern {pattern!r} fits none of the {len(images):,} names of"
            f" images{example}. {{class}} is the class, * is any text, # is a number; the pattern"
            " is for the whole name without its ending."
        )
    return NamedClasses(pattern, "as the pattern says", classes)


def files_with_names(
    images: Sequence[NamedImage], named: NamedClasses, listing: Listing
) -> list[LabelledFile]:
    """The images with their classes; those without are left out with a note in ``listing``."""
    classes = dict(named.classes)
    stems = {id(image): stem(image.raw.name) for image in images}
    others = set(stems.values()) - classes.keys()
    if named.pattern is not None:
        classes |= classes_by_pattern(named.pattern, others)
    else:
        classes |= {text: found for text in others if (found := before_number(text))}
    known = set(named.classes.values())
    by_group: dict[str, list[NamedImage]] = {}
    for image in images:
        by_group.setdefault(image.group, []).append(image)
    labelled: list[LabelledFile] = []
    unfit = 0
    for group, members in by_group.items():
        files = [
            LabelledFile(found, image.name, image.raw, image.subset)
            for image in members
            if (found := classes.get(stems[id(image)])) in known and found is not None
        ]
        if group and not files:
            listing.leave_out(
                len(members), f"in {group}, in no class folder there and so without a label"
            )
            continue
        labelled += files
        unfit += len(members) - len(files)
    listing.leave_out(unfit, "whose names do not say a class in the same way")
    subsets = {file.subset for file in labelled}
    if len(subsets) < 2:
        if subsets != {None}:
            labelled = [replace(file, subset=None) for file in labelled]
    else:
        folders = sorted({image.group for image in images if image.subset in subsets})
        listing.notes.append(f"The folders {', '.join(folders)} were used as the split.")
    first = labelled[0]
    listing.notes.append(
        f"The class of each image was taken from its file name: {shown_name(first.raw.name)} is"
        f" {first.class_name!r}."
    )
    return labelled

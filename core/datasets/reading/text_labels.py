"""A text file beside each image, of the same name, that holds the class in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading import class_folders
from core.datasets.reading.columns import why_no_label
from core.datasets.reading.companions import without_companions
from core.datasets.reading.image_files import has_image_suffix, stem
from core.datasets.reading.named_classes import divide_alike
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    Reading,
    note_alike_classes,
    shown_order,
)
from core.datasets.reading.subset_names import subset_of_folders
from core.datasets.reading.table_readings import READ_AS
from core.datasets.reading_choice import TEXTS, Choice

LARGEST_LABEL_BYTES = 200
MOST_CLASSES, FEWEST_OF_A_CLASS = 200, 2
MOST_WORDS = 4
FRACTION_WITH_TEXT = 0.9
FRACTION_IN_LARGER_CLASSES = 0.95


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The class of each image from the text file of its name; empty where many have none.

    Numbers are no words: boxes and values are stored so. Descriptions, which differ from image to
    image, are none either. Where folders divide the images in another way, both are offered.
    """
    is_chosen = choice.classes_from == TEXTS
    if not is_chosen and choice != Choice(leave_out=choice.leave_out):
        return []
    images = without_companions([raw for raw in listing.files if has_image_suffix(raw.name)])
    texts = {
        (raw.parts[:-1], stem(raw.name)): raw
        for raw in listing.files
        if raw.name.lower().endswith(".txt")
    }
    # "labels/1.txt" for "images/1.jpg"
    counts = Counter(name for _, name in texts)
    elsewhere = {name: raw for (_, name), raw in texts.items() if counts[name] == 1}
    pairs = [
        (raw, text)
        for raw in images
        if (text := texts.get((raw.parts[:-1], stem(raw.name))) or elsewhere.get(stem(raw.name)))
    ]
    if len({id(text) for _, text in pairs}) < max(1, FRACTION_WITH_TEXT * len(images)):
        return []
    labels = _labels(pairs)
    if labels is None:
        return []
    own = _reading(listing, pairs, labels)
    folders, _ = class_folders.classes_without_table(listing)
    by_image = {id(raw): label for (raw, _), label in zip(pairs, labels, strict=True)}
    if is_chosen or not folders:
        return [own]
    if divide_alike(folders, by_image):
        return []
    doubt = "The folders say something else than the text files"
    others = class_folders.readings_in_doubt(listing, doubt)
    return [replace(own, doubt=doubt), *others] if others else [own]


def _labels(pairs: Sequence[tuple[RawFile, RawFile]]) -> list[str] | None:
    """The words in the text files; None where they are no classes."""
    labels: list[str] = []
    seen: set[str] = set()
    for _, text in pairs:
        label = _word_in(text)
        if label is None:
            return None
        seen.add(label)
        if len(seen) > MOST_CLASSES:
            return None
        labels.append(label)
    counts = Counter(labels)
    large = sum(count for count in counts.values() if count >= FEWEST_OF_A_CLASS)
    return labels if len(counts) > 1 and large >= FRACTION_IN_LARGER_CLASSES * len(labels) else None


def _word_in(text: RawFile) -> str | None:
    """The only line of a small text file, where it is not a number."""
    if not 0 < text.size_bytes <= LARGEST_LABEL_BYTES:
        return None
    try:
        content = text.start(LARGEST_LABEL_BYTES).decode("utf-8-sig").strip()
    except (UnreadableImageError, UnicodeDecodeError):
        return None
    is_word = (
        any(map(str.isalpha, content))
        and why_no_label(content) is None
        and "," not in content
        and len(content.split()) <= MOST_WORDS
    )
    return content if is_word else None


def _reading(
    listing: Listing, pairs: Sequence[tuple[RawFile, RawFile]], labels: Sequence[str]
) -> Reading:
    own = listing.again()
    several = len({raw.parts[:-1] for raw, _ in pairs}) > 1
    files = [
        LabelledFile(
            label,
            "/".join(raw.parts) if several else raw.name,
            raw,
            subset_of_folders(raw.parts[:-1]),
        )
        for (raw, _), label in zip(pairs, labels, strict=True)
    ]
    if len({file.subset for file in files}) < 2:
        files = [replace(file, subset=None) for file in files]
    note_alike_classes({file.class_name for file in files}, own)
    used = {id(raw) for pair in pairs for raw in pair}
    own.leave_out(len(own.files) - len(used), "without an image or a text file of the same name")
    first, label = pairs[0][1], labels[0]
    example = f"{shown_name(first.name)} says {shown_name(label)!r}"
    own.notes.append(f"The class of each image was taken from its text file: {example}.")
    return Reading(
        f"The classes are in the text files beside the images: {example}",
        LabelledFiles(READ_AS, sorted(files, key=shown_order)),
        own,
        Choice(classes_from=TEXTS),
        sources=(shown_name(first.path),),
    )

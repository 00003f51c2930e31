"""A file beside each image, of the same name, that holds its class: as a word, number or JSON.

Or one file with the word in each folder, called ``label.txt`` or alike.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading import class_folders
from core.datasets.reading.columns import LABEL_NAMES, PROPERTY_NAMES, bare_name, why_no_label
from core.datasets.reading.companions import without_companions
from core.datasets.reading.image_files import has_image_suffix, stem
from core.datasets.reading.json_records import parsed
from core.datasets.reading.named_classes import are_one_to_one, divide_alike
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    Reading,
    in_shown_order,
    note_alike_classes,
)
from core.datasets.reading.subset_names import subset_of_folders, words
from core.datasets.reading.table_readings import READ_AS
from core.datasets.reading_choice import TEXTS, Choice
from core.text import some_text

LARGEST_LABEL_BYTES = 200
LARGEST_JSON_BYTES = 64 * 1024
MOST_CLASSES, FEWEST_OF_A_CLASS = 200, 2
MOST_WORDS = 4
FRACTION_WITH_TEXT = 0.9
FRACTION_IN_LARGER_CLASSES = 0.95

# Keys beside which a label is that of an object in the image.
_OF_OBJECTS = words(
    "bbox boundingbox bndbox box boxes points shapes objects instances polygon mask"
)
# The words for a class in a file, the likeliest first; empty where it holds none.
_Reader = Callable[[RawFile], dict[str, str]]


@dataclass(frozen=True)
class _Kind:
    """Files with an ending; ``read`` gives the words that may be the class, by where they stand."""

    ending: str
    noun: str
    read: _Reader


@dataclass(frozen=True)
class _Labelled:
    """Images, each with the file that labels it and its label.

    key: where the label stands. doubt: why it may be wrong.
    """

    kind: _Kind
    pairs: list[tuple[RawFile, RawFile]]
    labels: list[str]
    key: str
    doubt: str | None

    @property
    def by_image(self) -> dict[int, str]:
        return {id(raw): label for (raw, _), label in zip(self.pairs, self.labels, strict=True)}

    @property
    def example(self) -> str:
        (_, text), *_ = self.pairs
        where = f" ({shown_name(self.key)})" if self.key else ""
        return f"{shown_name(text.name)} says {shown_name(self.labels[0])!r}{where}"


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The class of each image from the file of its name; empty where many have none.

    Numbers are no words: boxes and values are stored so. Descriptions, which differ from image to
    image, are none either. Where folders divide the images in another way, both are offered.
    """
    is_chosen = choice.classes_from == TEXTS
    if not is_chosen and choice != Choice(leave_out=choice.leave_out):
        return []
    if not any(raw.name.lower().endswith(_ENDINGS) for raw in listing.files):
        return []
    images = without_companions([raw for raw in listing.files if has_image_suffix(raw.name)])
    found = next(filter(None, (_labelled(listing, images, kind) for kind in _KINDS)), None)
    if found is None:
        return []
    own = _reading(listing, found)
    folders, _ = class_folders.classes_without_table(listing)
    if is_chosen:
        return [replace(own, doubt=None)]
    if not folders:
        return [own]
    by_image = found.by_image
    if divide_alike({key: folders[key] for key in by_image if key in folders}, by_image):
        return []
    doubt = f"The folders say something else than the {found.kind.noun}s"
    others = class_folders.readings_in_doubt(listing, doubt)
    return [replace(own, doubt=doubt), *others] if others else [own]


def _labelled(listing: Listing, images: Sequence[RawFile], kind: _Kind) -> _Labelled | None:
    """The images with labels in files of that kind; None where many have none."""
    files = [raw for raw in listing.files if raw.name.lower().endswith(kind.ending)]
    beside = {(raw.parts[:-1], stem(raw.name)): raw for raw in files}
    # "labels/1.txt" for "images/1.jpg"
    counts = Counter(name for _, name in beside)
    elsewhere = {name: raw for (_, name), raw in beside.items() if counts[name] == 1}
    pairs = [
        (raw, text)
        for raw in images
        if (text := beside.get((raw.parts[:-1], stem(raw.name))) or elsewhere.get(stem(raw.name)))
    ]
    if len({id(text) for _, text in pairs}) < max(1, FRACTION_WITH_TEXT * len(images)):
        pairs = _of_folders(files, images)
    if not pairs:
        return None
    found = _labels(pairs, kind.read)
    if not found:
        return None
    key, labels = next(iter(found.items()))
    rivals = [
        other
        for other, others in found.items()
        if _is_named(other) == _is_named(key)
        and not are_one_to_one(set(zip(labels, others, strict=True)))
    ]
    doubt = (
        f"Several keys are named like labels: {some_text([key, *rivals], MOST_WORDS)}"
        if rivals
        else None
    )
    return _Labelled(kind, pairs, labels, key, doubt)


def _is_named(key: str) -> bool:
    return bare_name(key) in LABEL_NAMES


def _of_folders(
    files: Sequence[RawFile], images: Sequence[RawFile]
) -> list[tuple[RawFile, RawFile]]:
    """Each image with the file for labels in its folder; empty where many folders have none."""
    named = {raw.parts[:-1]: raw for raw in files if bare_name(stem(raw.name)) in LABEL_NAMES}
    pairs = [(raw, named[raw.parts[:-1]]) for raw in images if raw.parts[:-1] in named]
    enough = len(named) > 1 and len(pairs) >= FRACTION_WITH_TEXT * len(images)
    return pairs if enough else []


def _labels(pairs: Sequence[tuple[RawFile, RawFile]], read: _Reader) -> dict[str, list[str]]:
    """The label of each image, by where it stands; empty where they are no classes."""
    labels: dict[str, list[str]] = {}
    seen: dict[str, set[str]] = defaultdict(set)
    content: dict[int, dict[str, str]] = {}
    for count, (_, text) in enumerate(pairs):
        if id(text) not in content:
            content[id(text)] = read(text)
        found = content[id(text)]
        for key in [key for key in labels if key not in found]:
            del labels[key]
        for key, label in found.items():
            if count == 0:
                labels[key] = []
            if key in labels:
                labels[key].append(label)
                seen[key].add(label)
                if len(seen[key]) > MOST_CLASSES:
                    del labels[key]
        if not labels:
            return {}
    return {key: of_key for key, of_key in labels.items() if _are_classes(of_key)}


def _are_classes(labels: Sequence[str]) -> bool:
    counts = Counter(labels)
    large = sum(count for count in counts.values() if count >= FEWEST_OF_A_CLASS)
    return len(counts) > 1 and large >= FRACTION_IN_LARGER_CLASSES * len(labels)


def _word_in(text: RawFile) -> dict[str, str]:
    """The only line of a small text file, where it is not a number."""
    content = _line_in(text)
    is_word = (
        any(map(str.isalpha, content))
        and why_no_label(content) is None
        and "," not in content
        and len(content.split()) <= MOST_WORDS
    )
    return {"": content} if is_word else {}


def _class_in(text: RawFile) -> dict[str, str]:
    """The only line of a file that is named so for a class: a word or a number."""
    content = _line_in(text)
    return {"": content} if content.isdecimal() else _word_in(text)


def _line_in(text: RawFile) -> str:
    if not 0 < text.size_bytes <= LARGEST_LABEL_BYTES:
        return ""
    try:
        return text.start(LARGEST_LABEL_BYTES).decode("utf-8-sig").strip()
    except (UnreadableImageError, UnicodeDecodeError):
        return ""


def _keys_in(text: RawFile) -> dict[str, str]:
    """What stands under keys that are called like a label, in a small JSON document."""
    if not 0 < text.size_bytes <= LARGEST_JSON_BYTES:
        return {}
    try:
        document = parsed(text.read())
    except UnreadableImageError:
        return {}
    found: dict[str, str] = {}
    if not isinstance(document, dict) or any(bare_name(key) in _OF_OBJECTS for key in document):
        return {}
    for names in (LABEL_NAMES, PROPERTY_NAMES):
        for key, value in document.items():
            label = str(value).strip() if type(value) in (str, int) else ""
            if len(key) > 1 and bare_name(key) in names and why_no_label(label) is None:
                found.setdefault(key, label)
    return found


# WebDataset writes .cls for each image, others texts, and records about it as JSON.
_KINDS = (
    _Kind(".cls", "class file", _class_in),
    _Kind(".txt", "text file", _word_in),
    _Kind(".json", "JSON file", _keys_in),
)
_ENDINGS = tuple(kind.ending for kind in _KINDS)


def _reading(listing: Listing, found: _Labelled) -> Reading:
    own, pairs, noun = listing.again(), found.pairs, found.kind.noun
    several = len({raw.parts[:-1] for raw, _ in pairs}) > 1
    files = [
        LabelledFile(
            label,
            "/".join(raw.parts) if several else raw.name,
            raw,
            subset_of_folders(raw.parts[:-1]),
        )
        for (raw, _), label in zip(pairs, found.labels, strict=True)
    ]
    if len({file.subset for file in files}) < 2:
        files = [replace(file, subset=None) for file in files]
    note_alike_classes({file.class_name for file in files}, own)
    used = {id(raw) for pair in pairs for raw in pair}
    own.leave_out(len(own.files) - len(used), f"without an image or a {noun} of the same name")
    own.notes.append(f"The class of each image was taken from its {noun}: {found.example}.")
    return Reading(
        f"The classes are in the {noun}s beside the images: {found.example}",
        LabelledFiles(READ_AS, in_shown_order(files)),
        own,
        Choice(classes_from=TEXTS),
        sources=(shown_name(pairs[0][1].path),),
        doubt=found.doubt,
    )

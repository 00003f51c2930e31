"""The question that is asked where an upload can be read in several ways, and its answers."""

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image
from pydantic import BaseModel

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.decode import decoding
from core.datasets.decoding.levels import USUAL_LEVELS, Levels, LevelSurvey, SeenLevels
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.reader import LabelledFiles, PixelImages, Reading, TableSample
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import count_text

CLASSES_OFFERED, CLASSES_WITH_IMAGES = 12, 4
IMAGES_OF_A_CLASS = 3
THUMBNAIL_EDGE = 64
# Images that come as numbers are looked at, not all read, to describe a reading of them.
PIXELS_LOOKED_AT = 2000
SAMPLE_ROWS, SAMPLE_COLUMNS = 5, 40
MOST_OFFERS = 8


class OfferedClass(BaseModel):
    """A class of a reading; ``images`` are up to three JPEGs of 64 pixels at most, in base64.

    Only the commonest classes have images: a question is kept in the database.
    """

    name: str
    count: int
    images: list[str] = []


class Offer(BaseModel):
    """A reading as it is offered: the commonest classes, and what else there is to know.

    class_count, image_count: of the whole reading; of its first images where ``is_sample``.
    subsets: images by subset. left_out: sentences. sources: files and columns that said so.
    doubt: why it may be wrong; None where it is clear. choice: what to choose to get it.
    """

    title: str
    doubt: str | None
    classes: list[OfferedClass]
    class_count: int
    image_count: int
    is_sample: bool
    subsets: dict[str, int]
    left_out: list[str]
    sources: list[str]
    choice: Choice

    @property
    def summary(self) -> str:
        """``30 images in 3 classes · split: train 20, test 10``."""
        text = f"{count_text(self.image_count, 'image')} in {count_text(self.class_count, 'class')}"
        if self.subsets:
            counted = (f"{subset} {count:,}" for subset, count in self.subsets.items())
            text += f" · split: {', '.join(counted)}"
        return f"Among the first images: {text}" if self.is_sample else text


class Question(BaseModel):
    """What a person must decide: the readings to choose from, tables and folders to choose in.

    folders: paths of the folders that hold files, each with the number of files below it.
    file_names: a few names of files, to see where a class may stand in them.
    refusal: why what was chosen before could not be read; empty where nothing was.
    """

    message: str
    offers: list[Offer] = []
    tables: list[TableSample] = []
    folders: dict[str, int] = {}
    file_names: list[str] = []
    refusal: str = ""


class ReadingUnclear(BadInput):
    """An upload that a person must say how to read; nothing was stored."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.message, "reading")
        self.question = question


def table_sample(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> TableSample:
    """The first lines of a table, of its first columns where it is wide."""
    shown = [list(row[:SAMPLE_COLUMNS]) for row in rows[:SAMPLE_ROWS]]
    return TableSample(name=name, columns=list(columns[:SAMPLE_COLUMNS]), rows=shown)


def offer(reading: Reading) -> Offer:
    """The reading as it is offered, with thumbnails. The source must still be open."""
    found = reading.found
    images: dict[str, list[str]] = {}
    if isinstance(found, LabelledFiles):
        counts = Counter(file.class_name for file in found.files)
        subsets = Counter(file.subset for file in found.files)
    else:
        labels, images = _first_pixels(found)
        counts = Counter(class_name for class_name, _ in labels)
        subsets = Counter(subset for _, subset in labels)
    shown = [name for name, _ in counts.most_common(CLASSES_OFFERED)]
    if isinstance(found, LabelledFiles):
        images = _thumbnails(found, set(shown[:CLASSES_WITH_IMAGES]))
    return Offer(
        title=reading.title,
        doubt=reading.doubt,
        classes=[
            OfferedClass(
                name=name,
                count=counts[name],
                images=images.get(name, []) if place < CLASSES_WITH_IMAGES else [],
            )
            for place, name in enumerate(shown)
        ],
        class_count=len(counts),
        image_count=counts.total(),
        is_sample=counts.total() >= PIXELS_LOOKED_AT and not isinstance(found, LabelledFiles),
        subsets={subset: count for subset, count in subsets.items() if subset is not None},
        left_out=_left_out(reading),
        sources=list(reading.sources),
        choice=reading.choice,
    )


def _left_out(reading: Reading) -> list[str]:
    notes = list(reading.listing.notes)
    if reading.listing.refused:
        first = reading.listing.refused[0]
        count = count_text(len(reading.listing.refused), "file or line", "files or lines")
        notes.append(f"{count} cannot be used, first {first.file}: {first.reason}.")
    return notes


def _first_pixels(found: PixelImages) -> tuple[list[tuple[str, str | None]], dict[str, list[str]]]:
    """Class and subset of the first images, and thumbnails of up to three of each class.

    One look at the pixels: a second one would note and refuse the same again.
    """
    labels: list[tuple[str, str | None]] = []
    images: dict[str, list[str]] = defaultdict(list)
    for batch, _ in found.batches():
        for class_name, pixels in zip(batch.class_names, batch.pixels, strict=True):
            labels.append((class_name, batch.subset))
            if len(images[class_name]) < IMAGES_OF_A_CLASS:
                image = Image.fromarray(np.ascontiguousarray(pixels))
                images[class_name].append(_thumbnail(image))
            if len(labels) == PIXELS_LOOKED_AT:
                return labels, images
    return labels, images


def _thumbnails(found: LabelledFiles, classes: set[str]) -> dict[str, list[str]]:
    """Thumbnails of up to three images of each class; files that are no images have none.

    Images deeper than 8 bits have the scale of those that are looked at, as a dataset has one.
    """
    of_class: dict[str, list[RawFile]] = defaultdict(list)
    for file in found.files:
        if file.class_name in classes:
            of_class[file.class_name].append(file.raw)
    # From all over the class: the first ones may be alike.
    looked_at = [
        (class_name, raw)
        for class_name, files in of_class.items()
        for raw in files[:: len(files) // IMAGES_OF_A_CLASS + 1]
    ]
    survey, deep = LevelSurvey(), set[int]()
    decoded: list[Image.Image | None] = []
    for at, (_, raw) in enumerate(looked_at):
        image, seen = _decoded(raw, found.levels)
        decoded.append(image)
        if seen is not None:
            survey.add(seen)
            deep.add(at)
    levels, _ = survey.settle()
    if levels != found.levels == USUAL_LEVELS:
        for at in deep:
            decoded[at], _ = _decoded(looked_at[at][1], levels)
    images: dict[str, list[str]] = defaultdict(list)
    for (class_name, _), image in zip(looked_at, decoded, strict=True):
        if image is not None:
            images[class_name].append(_thumbnail(image))
    return images


def _decoded(raw: RawFile, levels: Levels) -> tuple[Image.Image | None, SeenLevels | None]:
    """A small image, and its levels where it is deeper than 8 bits; None for what is no image."""
    try:
        with decoding(raw.read(), raw.name, THUMBNAIL_EDGE, levels, survey=True) as found:
            found.image.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
            return found.image, found.seen
    except UnreadableImageError:
        return None, None  # the import lists it among what is left out


def _thumbnail(image: Image.Image) -> str:
    """A small JPEG in base64."""
    image.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return base64.b64encode(buffer.getvalue()).decode()

"""Add a dataset: from a file or folder in any known layout, or from pixels already in memory."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.datasets.dataset import (
    ENCODED,
    PIXELS,
    SOURCE_FILE,
    Dataset,
    DatasetReading,
    LeftOut,
    OtherReading,
    content_id,
)
from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.examine import THUMBNAIL_EDGE, Examined, examine_file, examine_pixels
from core.datasets.decoding.levels import USUAL_LEVELS, Levels, LevelSurvey
from core.datasets.decoding.pool import ProgressCallback, StopCallback, in_order, raise_if_stopped
from core.datasets.duplicates import group_duplicates
from core.datasets.groups import health_of_arrays
from core.datasets.metadata import to_json
from core.datasets.reading.metadata_columns import Described, describe
from core.datasets.reading.question import Question, ReadingUnclear
from core.datasets.reading.raw_files import Listing, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    PixelBatch,
    PixelImages,
    Reading,
    check_classes,
    first_reasons,
)
from core.datasets.reading.recognise import question, readings, settle
from core.datasets.reading.sources import open_source
from core.datasets.reading.subset_names import settle_subsets
from core.datasets.reading_choice import Choice
from core.datasets.storage import LONGEST_DATASET_NAME, checked_name, incoming_folder, publish
from core.errors import BadInput

NEARLY_ALL = 95  # percent of the images
STOPPED = "Cancelled while the images were read; nothing was stored."


def add_dataset(
    path: Path,
    name: str | None = None,
    progress: ProgressCallback | None = None,
    provenance: str | None = None,
    choice: Choice | None = None,
    should_stop: StopCallback | None = None,
    default_name: str | None = None,
) -> Dataset:
    """Read the images at ``path`` in any of the known layouts, check them and store them.

    The layout is recognised by content: see ``reading.recognise``. ``choice`` says how to read what
    is not clear. Files that cannot be used are left out and listed in
    ``health.quarantined``. The same content again returns the stored dataset, under its old name.
    Without ``name`` the dataset is called ``default_name``, or else like the file or folder, with
    a number behind it if another dataset has that name. ``progress`` gets images done and in all;
    images deeper than 8 bits may be read twice, and counted again.

    Raises ``BadInput``, ``ReadingUnclear``, ``Cancelled``; nothing is stored then.
    """
    path = Path(path)
    if path.name in ("", ".."):
        path = path.resolve()  # "." is a folder with a name of its own
    manifest = {
        "name": checked_name(name if name is not None else default_name or _default_name(path)),
        "name_is_default": name is None,
        "provenance": provenance or f"added from {shown_name(path.name)}",
    }
    with open_source(path, should_stop) as listing:
        found = readings(listing, choice or Choice())
        taken = settle(found, listing)
        manifest["reading"] = _document(taken, found)
        described = describe(taken, listing)
        return _store(taken.found, manifest, taken.listing, progress, should_stop, described)


def list_readings(
    path: Path, choice: Choice | None = None, should_stop: StopCallback | None = None
) -> Question:
    """The ways to read what is at ``path``, the likely ones first; nothing is stored.

    Raises ``BadInput`` and ``Cancelled``.
    """
    with open_source(Path(path), should_stop) as listing:
        try:
            return question(readings(listing, choice or Choice()), listing)
        except ReadingUnclear as error:
            return error.question


def _document(taken: Reading, found: Sequence[Reading]) -> dict[str, Any]:
    """How the files were read, as the manifest keeps it."""
    others = [
        OtherReading(title=reading.title, choice=reading.choice)
        for reading in found
        if reading is not taken
    ]
    reading = DatasetReading(
        title=taken.title, sources=taken.sources, choice=taken.choice, others=tuple(others)
    )
    return reading.model_dump(mode="json", exclude_defaults=True)


def add_pixels(
    pixels: np.ndarray, labels: np.ndarray, classes: list[str], name: str, provenance: str
) -> Dataset:
    """Store images that are arrays: uint8 ``(N, H, W)`` or ``(N, H, W, 3)``, 0 to 255.

    ``labels`` int ``(N,)`` are positions in ``classes``, which must be sorted. The order of the
    images is kept. Raises ``BadInput``.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or len(pixels) != len(labels):
        raise BadInput(
            f"Expected uint8 pixels (N, H, W) or (N, H, W, 3) with one label each; got"
            f" {pixels.dtype} {pixels.shape} with {len(labels)} labels.",
            "pixels",
        )
    if classes != sorted(classes):
        raise BadInput("The classes must be sorted by name.", "classes")
    class_names = [classes[int(label)] for label in labels]
    names = [f"{class_name}/{at:05d}" for at, class_name in enumerate(class_names)]
    batch = PixelBatch(pixels, class_names, names)
    images = PixelImages("pixels", len(pixels), pixels.nbytes, lambda: iter([(batch, len(pixels))]))
    manifest = {"name": checked_name(name), "name_is_default": True, "provenance": provenance}
    return _store(images, manifest, Listing(), None, None)


def _default_name(path: Path) -> str:
    """The name of a file without its endings (``digits.csv.gz``), or that of a folder."""
    name = path.name if path.is_dir() else path.name.split(".")[0] or path.name
    return name[:LONGEST_DATASET_NAME]


@dataclass(frozen=True, slots=True)
class _Stored:
    """One image that could be read; it takes ``size_bytes`` in ``source.bin``.

    ``is_deep``: the levels of the dataset decide how it looks.
    """

    class_name: str
    file_name: str
    subset: str | None
    size_bytes: int
    examined: Examined
    is_deep: bool = False


# Files that could not be used, each with the reason.
_Failures = list[tuple[LabelledFile, str]]


def _store(
    found: LabelledFiles | PixelImages,
    manifest: dict[str, Any],
    listing: Listing,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
    described: Described = Described(),  # noqa: B008 - frozen
) -> Dataset:
    failures: _Failures = []
    with incoming_folder(found.expected_bytes) as incoming:
        with open(incoming / SOURCE_FILE, "wb") as target:
            if isinstance(found, PixelImages):
                images = _store_pixels(found, target, progress, should_stop)
                levels, about_levels = USUAL_LEVELS, list[str]()
            else:
                survey = LevelSurvey()
                images = _store_files(found.files, target, survey, failures, progress, should_stop)
                levels, about_levels = survey.settle()
                if found.levels != USUAL_LEVELS:
                    levels, about_levels = found.levels, []
        if levels != USUAL_LEVELS:
            images = _with_levels(images, incoming / SOURCE_FILE, levels, progress, should_stop)
        quarantined = [LeftOut(file.raw.path, reason) for file, reason in failures]
        left_out = [*listing.refused, *quarantined]
        if not images:
            reasons = first_reasons(quarantined)
            raise BadInput(f"None of the files is an image that can be used.{reasons}", "path")
        classes = sorted({image.class_name for image in images})
        check_classes(classes, left_out)
        file_names = [image.file_name for image in images]
        index = _index(images, classes, should_stop)
        subsets, about_subsets = settle_subsets([image.subset for image in images])
        if subsets is not None:
            index["predefined_subsets"] = subsets
        if isinstance(found, LabelledFiles):
            failed = {id(file) for file, _ in failures}
            kept = [at for at, file in enumerate(found.files) if id(file) not in failed]
            index |= described.arrays(kept)
        lost_classes = {file.class_name for file, _ in failures}.difference(classes)
        health = replace(
            health_of_arrays(classes, file_names, index),
            quarantined=tuple(left_out),
            lost_classes=tuple(sorted(lost_classes)),
            ignored_files=listing.ignored,
            levels=_usual_extremes(images),
            shared_origins=described.origins,
            notes=(*listing.notes, *about_levels, *([about_subsets] if about_subsets else [])),
        )
        document = manifest | {
            "id": content_id(classes, index),
            "encoding": PIXELS if isinstance(found, PixelImages) else ENCODED,
            "read_as": found.read_as,
            "classes": classes,
            "file_names": file_names,
            "channels": 1 if index["grey"].all() else 3,
            "metadata": to_json(described.columns),
            "health": health.to_json(),
        }
        if levels != USUAL_LEVELS:
            document["levels"] = levels.to_json()
        return publish(incoming, document, index)


def _store_files(
    files: list[LabelledFile],
    target: BinaryIO,
    survey: LevelSurvey,
    failures: _Failures,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> list[_Stored]:
    """Examine each file once; append the bytes of the readable ones to ``target``, in order.

    The ``survey`` gets the levels of those deeper than 8 bits.
    """
    images = []
    results = in_order(_examine, _with_content(files), lambda entry: len(entry[1]))
    with closing(results):
        for done, (file, data, outcome) in enumerate(results, start=1):
            raise_if_stopped(should_stop, STOPPED)
            if isinstance(outcome, UnreadableImageError):
                failures.append((file, str(outcome)))
            else:
                target.write(data)
                seen = outcome.seen
                if seen is not None:
                    survey.add(seen)
                    # Counted now, and too large to keep for each of many images.
                    outcome = replace(outcome, seen=None)
                images.append(
                    _Stored(
                        file.class_name,
                        file.name,
                        file.subset,
                        len(data),
                        outcome,
                        is_deep=seen is not None,
                    )
                )
            if progress is not None:
                progress(done, len(files))
    return images


def _with_levels(
    images: list[_Stored],
    source: Path,
    levels: Levels,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> list[_Stored]:
    """The same images, those deeper than 8 bits examined with the ``levels`` of the dataset.

    ``progress`` starts again: this takes about as long as the first time.
    """

    def content() -> Iterator[tuple[_Stored, bytes]]:
        with open(source, "rb") as file:
            for image in images:
                if image.is_deep:
                    yield image, file.read(image.size_bytes)
                else:
                    file.seek(image.size_bytes, os.SEEK_CUR)
                    yield image, b""

    def again(entry: tuple[_Stored, bytes]) -> _Stored:
        image, data = entry
        if not image.is_deep:
            return image
        examined = examine_file(data, image.file_name, levels)
        return replace(image, examined=replace(examined, seen=None))

    found = []
    results = in_order(again, content(), lambda entry: len(entry[1]))
    with closing(results):
        for image in results:
            raise_if_stopped(should_stop, STOPPED)
            found.append(image)
            if progress is not None:
                progress(len(found), len(images))
    return found


def _usual_extremes(images: list[_Stored]) -> tuple[int, int]:
    """The levels that nearly all images stay within."""
    darkest = np.percentile([image.examined.darkest for image in images], 100 - NEARLY_ALL)
    brightest = np.percentile([image.examined.brightest for image in images], NEARLY_ALL)
    return int(darkest), int(np.ceil(brightest))


_Content = tuple[LabelledFile, bytes, UnreadableImageError | None]


def _with_content(files: Iterable[LabelledFile]) -> Iterator[_Content]:
    for file in files:
        try:
            yield file, file.raw.read(), None
        except UnreadableImageError as error:
            yield file, b"", error


def _examine(content: _Content) -> tuple[LabelledFile, bytes, Examined | UnreadableImageError]:
    file, data, failure = content
    try:
        return file, data, failure or examine_file(data, file.raw.name)
    except UnreadableImageError as error:
        return file, data, error


def _store_pixels(
    found: PixelImages,
    target: BinaryIO,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> list[_Stored]:
    """Examine images that came as numbers and append their pixels to ``target``."""
    images: list[_Stored] = []
    for batch, done in found.batches():
        raise_if_stopped(should_stop, STOPPED)
        target.write(np.ascontiguousarray(batch.pixels).data)
        for pixels, class_name, name in zip(
            batch.pixels, batch.class_names, batch.names, strict=True
        ):
            examined = examine_pixels(pixels)
            images.append(_Stored(class_name, name, batch.subset, pixels.nbytes, examined))
        if progress is not None and done:
            # A table counts its work in bytes; the number of images in all is estimated from it.
            progress(len(images), round(len(images) * found.total / done))
    return images


def _index(
    images: list[_Stored], classes: list[str], should_stop: StopCallback | None
) -> dict[str, np.ndarray]:
    """The arrays of ``index.npz``. Raises ``Cancelled`` soon after ``should_stop()``."""
    number = {name: position for position, name in enumerate(classes)}
    labels = np.array([number[image.class_name] for image in images], np.int32)
    sizes = np.array([image.size_bytes for image in images], np.int64)
    digests = [image.examined.digest for image in images]
    blank = np.zeros((THUMBNAIL_EDGE, THUMBNAIL_EDGE), np.uint8)
    thumbnails = [image.examined.thumbnail for image in images]

    def facts(name: str, dtype: type) -> np.ndarray:
        return np.array([getattr(image.examined, name) for image in images], dtype)

    groups, look_alikes = group_duplicates(
        digests=digests,
        hashes=facts("hash", np.uint64),
        thumbnails=np.stack([blank if image is None else image for image in thumbnails]),
        hashed=np.array([image is not None for image in thumbnails]),
        labels=labels,
        should_stop=should_stop,
    )
    return {
        "labels": labels,
        "groups": groups,
        "look_alikes": look_alikes,
        "grey": facts("grey", bool),
        "one_colour": facts("one_colour", bool),
        "heights": facts("height", np.int32),
        "widths": facts("width", np.int32),
        "offsets": np.cumsum(sizes) - sizes,
        "sizes": sizes,
        "digests": np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32),
    }

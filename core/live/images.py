"""An image as the networks of an experiment see it: one that a visitor shows, or one of the
dataset's own."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from core.datasets.choices import SUBSETS
from core.datasets.copies import copies_of
from core.datasets.dataset import Dataset
from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.decode import decode
from core.datasets.prepare import prepare_image, prepare_one, prepared_size, smallest_edge
from core.datasets.storage import open_dataset
from core.errors import BadInput
from core.experiments.records import ExperimentRecord
from core.settings import current_settings
from core.text import size_text
from core.training.spec import with_train_fraction

SHOWN_SIZE = 640


@dataclass(frozen=True)
class Likeness:
    """The image of the dataset that an upload equals (``same``: equal pixels) or nearly equals.

    ``subset`` says how the experiment used it: for training, for choosing the best epoch, or for
    testing; None where it did not use it.
    """

    position: int
    subset: Literal["train", "validation", "test"] | None
    same: bool


@dataclass(frozen=True)
class UploadedImage:
    """``shown`` is a PNG as people see it, no larger than 640 pixels, without metadata.

    ``prepared`` uint8 ``(h, w, c)`` is what the networks see; ``height`` and ``width`` in pixels
    are the file's. ``like`` is the image of the dataset that it is a copy of, or None; where
    ``near_copies_known`` is false, only equal pixels could be looked for yet (see ``wake``).
    """

    shown: bytes
    height: int
    width: int
    prepared: np.ndarray
    like: Likeness | None
    near_copies_known: bool


def prepare_upload(
    experiment: ExperimentRecord, content: bytes, file_name: str = ""
) -> UploadedImage:
    """Read an encoded image as those of a dataset are read, and prepare it as the experiment's.

    ``file_name`` matters for a TIFF and a TGA alone, which must have the suffix of one. Raises
    ``BadInput`` in plain words for a file that is no image, too large or damaged, and
    ``UnknownName`` without the dataset.
    """
    limit_bytes = current_settings().upload_limit_bytes
    if len(content) > limit_bytes:
        raise BadInput(
            f"This file has {size_text(len(content))}; at most {size_text(limit_bytes)} are read.",
            "image",
        )
    spec = experiment.spec
    dataset = open_dataset(spec.dataset_id)
    size = prepared_size(dataset, spec.image_size)
    try:
        # Decoded as for the cache, to the very same pixels; what people see may need more of them.
        decoded = decode(content, file_name, smallest_edge(size), dataset.levels)
        prepared = prepare_image(decoded.image, size, spec.resize, dataset.channels)
        copies = copies_of(dataset, content, file_name, prepared, spec.resize)
        shown = decode(content, file_name, SHOWN_SIZE, dataset.levels).image
    except UnreadableImageError as error:
        raise BadInput(f"This picture cannot be used: {error}.", "image") from error
    like = _likeness(experiment, dataset, copies.same, True)
    if like is None and copies.near is not None:
        like = _likeness(experiment, dataset, copies.near, False)
    return UploadedImage(
        shown=_as_png(shown),
        height=decoded.height,
        width=decoded.width,
        prepared=prepared,
        like=like,
        near_copies_known=copies.near is not None,
    )


def prepared_of(experiment: ExperimentRecord, position: int) -> np.ndarray:
    """An image of the experiment's dataset as its networks see it: uint8 ``(h, w, c)``.

    Raises ``BadInput`` for a position that is not in the dataset, ``UnknownName`` without it.
    """
    spec = experiment.spec
    dataset = open_dataset(spec.dataset_id)
    if not 0 <= position < dataset.image_count:
        raise BadInput(
            f"There is no image {position} in {dataset.name}; "
            f"its {dataset.image_count} are counted from 0.",
            "image",
        )
    return prepare_one(dataset, position, prepared_size(dataset, spec.image_size), spec.resize)


def _likeness(
    experiment: ExperimentRecord, dataset: Dataset, positions: np.ndarray, same: bool
) -> Likeness | None:
    """The copy that matters most: a training image first."""
    if len(positions) == 0:
        return None
    spec = experiment.spec
    split = spec.split.of(dataset)
    trained = with_train_fraction(split, dataset, spec.train_share, spec.split.seed)
    for subset in SUBSETS:
        found = np.intersect1d(positions, getattr(trained, subset))
        if len(found):
            return Likeness(int(found[0]), subset, same)  # type: ignore[arg-type]  # one of the three
    return Likeness(int(positions[0]), None, same)


def _as_png(image: Image.Image) -> bytes:
    image.thumbnail((SHOWN_SIZE, SHOWN_SIZE), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()

"""Try it, which image: one held out from training, an upload, or the camera.

The address names a held-out image. An image of the visitor's stays in the memory of the session,
one at a time, until the next one.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from core.analysis.guessing import shuffled
from core.datasets.dataset import Dataset
from core.datasets.decoding.not_an_image import READABLE
from core.errors import BadInput
from core.live.images import Likeness, UploadedImage, prepare_upload, prepared_of
from core.text import escape_markdown, shorten
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_row, remember, wanted_number
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.images import fitted, overlay, padded
from core.ui.widgets.tiles import page_number

SOURCES = {"held": "Held-out picture", "upload": "Your own", "camera": "Camera"}
GALLERY_SIZE = 12
# All twelve with their gaps fit side by side into a window of 1280 pixels.
GALLERY_TILE_SIZE = 76
LONGEST_CLASS = 9
# What browsers offer to choose: all that a dataset may hold; the content tells what a file really
# is. Without HEIC among them, an iPhone gives its photos as JPEG.
IMAGE_TYPES = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff"),
    *("avif", "tga", "ppm", "pgm", "pbm", "pnm"),
)
SUBSET_WORDS = {
    "train": "It is one of the training images: every network has seen it together with its "
    "label, so a correct prediction proves nothing.",
    "validation": "It is one of the validation images: no network learned from it, but it helped "
    "to choose the best epoch.",
    "test": "It is one of the test images: no network learned from it.",
    None: "This experiment did not use this image.",
}
# Pixels: what is shown of an image, however long and thin it is; sharp on any screen.
SQUARE_SIZE = 320
NO_HEAT = np.zeros((1, 1), np.float32)
_KEPT = "try.image"


@dataclass(frozen=True, eq=False)
class ShownImage:
    """One image to be asked about.

    ``png`` is what people see, ``prepared`` uint8 ``(h, w, c)`` what the networks see; ``name``
    says what it is. ``truth`` is the position of its class where the label is known.
    """

    png: bytes
    prepared: np.ndarray
    name: str
    truth: int | None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.prepared.tobytes()).hexdigest()

    @cached_property
    def square(self) -> bytes:
        """PNG square of ``SQUARE_SIZE`` pixels with the image in its middle."""
        return padded(self._fitted, SQUARE_SIZE)

    def with_heat(self, heat: np.ndarray = NO_HEAT) -> bytes:
        """As ``square``, in grey with a heat map over it: float32 ``(h, w)``, 0 to 1."""
        # What a visitor brought is forgotten: only images of datasets are kept for all visitors.
        drawn = overlay if self.truth is None else reads.heated
        return padded(drawn(self._fitted, heat), SQUARE_SIZE)

    @cached_property
    def _fitted(self) -> bytes:
        return fitted(self.png, SQUARE_SIZE)


def choose_image(subject: Subject, dataset: Dataset) -> ShownImage | None:
    """The image that the visitor wants; None until there is one."""
    source = choose_in_row(
        Choice("source", "Picture", "source of pictures", SOURCES, "held", clears=("image",)),
        label_visible=False,
    )
    if source == "held":
        st.session_state.pop(_KEPT, None)
        return _held_out(subject, dataset)
    if source == "upload":
        given = st.file_uploader(
            "Drop one picture here",
            type=IMAGE_TYPES,
            key=f"try.upload.{subject.id}",
            help=f"{READABLE}; of any size, grey or colour.",
        )
    else:
        if not camera_is_allowed(st.context.url):
            st.info(
                "Browsers give the camera only to addresses that begin with https, and to the "
                "machine itself (localhost). Under Your own, a telephone offers its camera too.",
                icon=":material/no_photography:",
            )
        given = st.camera_input("Take a picture", key=f"try.camera.{subject.id}", width=420)
    st.caption(
        "Headstart reads your picture in memory and forgets it: it is not stored and does not "
        "leave this machine. A network always predicts one of its classes, whatever the picture "
        "shows."
    )
    if given is None:
        st.session_state.pop(_KEPT, None)
        return None
    return _own(subject, dataset, given.file_id, given.name, given.getvalue())


def camera_is_allowed(address: str | None) -> bool:
    """Whether browsers let a page at that address use the camera; yes where it is not known."""
    parts = urlsplit(address or "")
    return parts.scheme != "http" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _held_out(subject: Subject, dataset: Dataset) -> ShownImage:
    """A page of the shuffled test images, and the one that is chosen."""
    test = subject.experiment.spec.split.of(dataset).test
    order = test[shuffled(len(test), subject.id)]
    pages = -(-len(order) // GALLERY_SIZE)
    page = page_number(pages)
    offered = [int(place) for place in order[(page - 1) * GALLERY_SIZE : page * GALLERY_SIZE]]
    chosen = wanted_number("image", dataset.image_count)
    if chosen is not None and chosen not in test:
        st.warning(
            f"The link names the picture {chosen:,}, which is not among the test images: networks "
            "may have learned from it. Shown instead: one that was held out."
        )
        remember(image=None)
        chosen = None
    image = offered[0] if chosen is None else chosen
    _show_gallery(dataset, offered, image)
    if pages > 1:
        st.button(
            "Another twelve",
            icon=":material/shuffle:",
            on_click=remember,
            kwargs={"page": page % pages + 1, "image": None},
        )
    label = int(dataset.labels[image])
    return ShownImage(
        png=reads.large_image(dataset, image),
        prepared=prepared_of(subject.experiment, image),
        name=f"{dataset.file_names[image]}, labelled {dataset.classes[label]}",
        truth=label,
    )


def _show_gallery(dataset: Dataset, offered: list[int], image: int) -> None:
    st.caption("Test pictures: no network was trained on them. Choose one by its class.")
    squares = reads.tiles(dataset, offered, GALLERY_TILE_SIZE)
    with st.container(horizontal=True, gap="small"):
        for place, square in zip(offered, squares, strict=True):
            name = dataset.classes[int(dataset.labels[place])]
            with st.container(width=GALLERY_TILE_SIZE, gap=None):
                st.image(square, width=GALLERY_TILE_SIZE, alt=f"A picture of {name}")
                st.button(
                    escape_markdown(shorten(name, LONGEST_CLASS)),
                    key=f"try.choose.{place}",
                    type="tertiary",
                    width="stretch",
                    icon=":material/check:" if place == image else None,
                    help=escape_markdown(f"Ask about {dataset.file_names[place]} ({name})"),
                    on_click=remember,
                    kwargs={"image": place},
                )


def _own(
    subject: Subject, dataset: Dataset, file_id: str, name: str, content: bytes
) -> ShownImage | None:
    """The image that the visitor gave, read once; what it is a copy of is said."""
    key = (subject.id, file_id)
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key or not kept[1].near_copies_known:
        try:
            kept = (key, prepare_upload(subject.experiment, content, name))
        except BadInput as error:
            st.error(escape_markdown(error), icon=":material/error:")
            return None
        st.session_state[_KEPT] = kept
    own: UploadedImage = kept[1]
    truth = None
    if own.like is not None:
        _show_likeness(own.like, dataset)
        truth = int(dataset.labels[own.like.position]) if own.like.same else None
    return ShownImage(
        png=own.shown,
        prepared=own.prepared,
        name=f"{name}, {own.width:,} × {own.height:,} pixels",
        truth=truth,
    )


def _show_likeness(like: Likeness, dataset: Dataset) -> None:
    what = "is" if like.same else "is nearly"
    label = dataset.classes[int(dataset.labels[like.position])]
    text = (
        f"This picture {what} {escape_markdown(dataset.file_names[like.position])} of the dataset "
        f"(labelled {escape_markdown(label)}). {SUBSET_WORDS[like.subset]}"
    )
    if like.subset == "test":
        st.info(text, icon=":material/info:")
    else:
        st.warning(text, icon=":material/warning:")

"""The first scene: real pictures of every class, with how many there are."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from core.datasets.dataset import Dataset
from core.text import count_text, escape_markdown, shorten
from core.ui.frame import reads

MOST_CLASSES = 24
# About so many pictures in all: few classes show several each, but no more than fit in a row.
WANTED_IMAGES, MOST_EACH = 24, 6
# Looked at for each one shown, so that an almost empty picture does not stand for its class.
CANDIDATES = 3
TILE_SIZE, PRESENTED_SIZE = 84, 120
LONGEST_NAME = 12


def show_montage(dataset: Dataset, presented: bool) -> None:
    """Pictures of the largest classes in rows, each class with its name and its number."""
    size = PRESENTED_SIZE if presented else TILE_SIZE
    chosen = _montage(dataset.id, size, dataset)
    with st.container(horizontal=True, gap="small"):
        for label, squares in chosen.items():
            name = dataset.classes[label]
            with st.container(width="content" if len(squares) > 1 else size, gap=None):
                with st.container(horizontal=True, gap="xxsmall"):
                    for number, square in enumerate(squares, start=1):
                        st.image(square, width=size, alt=f"{name}, picture {number}")
                st.caption(
                    f"{escape_markdown(shorten(name, LONGEST_NAME))}  \n"
                    f"{count_text(dataset.class_counts[name], 'picture')}"
                )
    hidden = len(dataset.classes) - len(chosen)
    if hidden:
        st.caption(f"and {hidden:,} more kinds, with no more pictures each")


@st.cache_data(max_entries=16, show_spinner=False)
def _montage(dataset_id: str, size: int, _dataset: Dataset) -> dict[int, list[bytes]]:
    """PNG squares by class: of the candidates those with the most contrast, in their order."""
    candidates = candidate_images(_dataset)
    each = images_each(len(candidates))
    squares = iter(
        reads.tiles(_dataset, [index for own in candidates.values() for index in own], size)
    )
    found = {}
    for label, indexes in candidates.items():
        own = [next(squares) for _ in indexes]
        best = np.argsort([-_contrast(square) for square in own], kind="stable")[:each]
        found[label] = [own[place] for place in sorted(best.tolist())]
    return found


def candidate_images(dataset: Dataset) -> dict[int, list[int]]:
    """Largest classes, in the dataset's order: positions of pictures spread over the class."""
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    largest = sorted(np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist())
    wanted = CANDIDATES * images_each(len(largest))
    found = {}
    for label in largest:
        own = np.flatnonzero(dataset.labels == label)
        places = np.linspace(0, len(own), min(wanted, len(own)), endpoint=False).astype(int)
        found[label] = own[places].tolist()
    return found


def images_each(classes: int) -> int:
    return min(MOST_EACH, max(1, WANTED_IMAGES // max(1, classes)))


def _contrast(png: bytes) -> float:
    """Standard deviation of the brightness on white, 0 to 127.5."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return float(np.asarray(Image.alpha_composite(white, picture).convert("L")).std())

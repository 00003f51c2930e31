"""The first scene: real pictures of every class, with how many there are."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from core.datasets.model import Dataset
from core.ui import reads
from core.ui.compare_address import shortened
from core.text import escape_markdown, count_text

MOST_CLASSES = 24
# About so many pictures in all: few classes show several each, but no more than fit in a row.
WANTED_PICTURES, MOST_EACH = 24, 6
# Looked at for each one shown, so that an almost empty picture does not stand for its class.
CANDIDATES = 3
TILE_SIDE, PRESENTED_SIDE = 84, 120
LONGEST_NAME = 12


def show_montage(dataset: Dataset, presented: bool) -> None:
    """Pictures of the largest classes in rows, each class with its name and its number."""
    side = PRESENTED_SIDE if presented else TILE_SIDE
    chosen = _montage(dataset.id, side, dataset)
    with st.container(horizontal=True, gap="small"):
        for label, squares in chosen.items():
            name = dataset.classes[label]
            with st.container(width="content" if len(squares) > 1 else side, gap=None):
                with st.container(horizontal=True, gap="xxsmall"):
                    for number, square in enumerate(squares, start=1):
                        st.image(square, width=side, alt=f"{name}, picture {number}")
                st.caption(
                    f"{escape_markdown(shortened(name, LONGEST_NAME))}  \n"
                    f"{count_text(dataset.class_counts[name], 'picture')}"
                )
    hidden = len(dataset.classes) - len(chosen)
    if hidden:
        st.caption(f"and {hidden:,} more kinds, with no more pictures each")


@st.cache_data(max_entries=16, show_spinner=False)
def _montage(dataset_id: str, side: int, _dataset: Dataset) -> dict[int, list[bytes]]:
    """PNG squares by class: of the candidates those with the most contrast, in their order."""
    del dataset_id
    candidates = candidate_pictures(_dataset)
    each = pictures_each(len(candidates))
    squares = iter(
        reads.tiles(_dataset, [index for own in candidates.values() for index in own], side)
    )
    found = {}
    for label, indexes in candidates.items():
        own = [next(squares) for _ in indexes]
        best = np.argsort([-_contrast(square) for square in own], kind="stable")[:each]
        found[label] = [own[place] for place in sorted(best.tolist())]
    return found


def candidate_pictures(dataset: Dataset) -> dict[int, list[int]]:
    """Largest classes, in the dataset's order: positions of pictures spread over the class."""
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    largest = sorted(np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist())
    wanted = CANDIDATES * pictures_each(len(largest))
    found = {}
    for label in largest:
        own = np.flatnonzero(dataset.labels == label)
        places = np.linspace(0, len(own), min(wanted, len(own)), endpoint=False).astype(int)
        found[label] = own[places].tolist()
    return found


def pictures_each(classes: int) -> int:
    return min(MOST_EACH, max(1, WANTED_PICTURES // max(1, classes)))


def _contrast(png: bytes) -> float:
    """Standard deviation of the brightness on white, 0 to 127.5."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return float(np.asarray(Image.alpha_composite(white, picture).convert("L")).std())

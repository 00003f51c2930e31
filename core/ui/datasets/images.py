"""The images of a dataset: a gallery page by page, and one image large."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import streamlit as st

from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.text import count_text, dimensions_text, escape_markdown, isolated, shorten
from core.ui.datasets.facts import IMAGES
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, remember, wanted_number
from core.ui.widgets.tiles import Tile, draw_tiles, image_words, page_number, turn_page

PAGE_SIZE = 24
# Three squares and the gaps between them fill a telephone of 390 pixels.
TILE_SIZE = 108
LONGEST_LABEL = 13
MOST_NEAR_SHOWN = 12

Entry = TypeVar("Entry")


def show_images(dataset: Dataset) -> None:
    """The image that the address names, else the gallery of a class."""
    index = wanted_number("image", dataset.image_count)
    if index is None:
        _show_gallery(dataset)
    else:
        _show_one(dataset, index)


def show_images_of(dataset: Dataset, indexes: Sequence[int], prefix: str) -> None:
    """Images side by side, each with its class and its predefined subset; ``prefix`` as in tiles.

    Each opens large in the section Images.
    """
    tiles = [Tile(index, label=_label(dataset, index)) for index in indexes]
    draw_tiles(dataset, tiles, prefix, TILE_SIZE, section=IMAGES)


def page_of(entries: Sequence[Entry], size: int, key: str) -> Sequence[Entry]:
    """The entries of the chosen page; where there are several pages, with the choice."""
    pages = -(-len(entries) // size)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return entries[(page - 1) * size : page * size]


def marked_images(dataset: Dataset) -> set[int]:
    """Positions of the images that this visitor wants left out; kept for the session."""
    return st.session_state.setdefault(f"marked.{dataset.id}", set())


def _show_gallery(dataset: Dataset) -> None:
    counts = dataset.class_counts
    options = {"": f"All classes ({dataset.image_count:,})"} | {
        name: f"{isolated(name)} ({count:,})" for name, count in counts.items()
    }
    about = "Type to search. The number behind each class counts its images."
    chosen = choose_in_list(Choice("class", "Class", "class", options, "", about))
    indexes = np.arange(dataset.image_count)
    if chosen:
        indexes = np.flatnonzero(dataset.labels == dataset.classes.index(chosen))
    pages = -(-len(indexes) // PAGE_SIZE)
    page = page_number(pages)
    first = (page - 1) * PAGE_SIZE
    shown = indexes[first : first + PAGE_SIZE].tolist()
    st.caption(f"{first + 1:,} to {first + len(shown):,} of {count_text(len(indexes), 'image')}")
    draw_tiles(dataset, [Tile(index) for index in shown], "gallery", TILE_SIZE)
    turn_page(pages, page)


def _show_one(dataset: Dataset, index: int) -> None:
    same_class = np.flatnonzero(dataset.labels == dataset.labels[index])
    place = int(np.searchsorted(same_class, index))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "All images", icon=":material/grid_view:", on_click=remember, kwargs={"image": None}
        )
        _step_button("Previous", ":material/chevron_left:", same_class[:place][-1:])
        _step_button("Next", ":material/chevron_right:", same_class[place + 1 :][:1])
        st.caption(f"{place + 1:,} of {count_text(len(same_class), 'image')} of this class")
    left, right = st.columns([3, 2], gap="large")
    left.image(reads.large_image(dataset, index), alt=image_words(dataset, Tile(index)))
    with right:
        _show_image_facts(dataset, index)
    _show_near(dataset, index)


def _step_button(label: str, icon: str, target: np.ndarray) -> None:
    """``target`` int ``(1,)`` is the image to go to, or empty at the end of the class."""
    st.button(
        label,
        icon=icon,
        disabled=not len(target),
        on_click=remember,
        kwargs={"image": int(target[0])} if len(target) else {},
    )


def _show_image_facts(dataset: Dataset, index: int) -> None:
    size = int(dataset.widths[index]), int(dataset.heights[index])
    facts = [
        ("Class", dataset.classes[dataset.labels[index]]),
        ("File", dataset.file_names[index]),
        ("Size", f"{dimensions_text(size)} pixels"),
    ]
    if dataset.predefined_subsets is not None:
        subset = SUBSETS[dataset.predefined_subsets[index]]
        facts.append(("Subset of the split", subset))
    facts.append(("Number in this dataset", f"{index:,}"))
    st.markdown("\n".join(f"- {name}: **{escape_markdown(value)}**" for name, value in facts))
    marked = marked_images(dataset)
    if st.toggle(
        "Leave it out of a new version",
        value=index in marked,
        key=f"mark.{dataset.id}.{index}",
        help="Collected under Clean up. Nothing changes until you make a new version there.",
    ):
        marked.add(index)
    else:
        marked.discard(index)


def _show_near(dataset: Dataset, index: int) -> None:
    near = np.flatnonzero(dataset.groups == dataset.groups[index])
    near = near[near != index]
    if not len(near):
        st.caption("No other image of this dataset looks the same.")
        return
    equal = int((dataset.digests[near] == dataset.digests[index]).all(axis=1).sum())
    st.header("Images that look the same")
    more = len(near) - MOST_NEAR_SHOWN
    same = "with" if equal == len(near) else f"{equal:,} of them with"
    st.caption(
        f"{count_text(len(near), 'image')}, {same} exactly the same pixels. Headstart keeps them "
        "all in one subset of a split." + (f" {more:,} more are not shown." if more > 0 else "")
    )
    show_images_of(dataset, near[:MOST_NEAR_SHOWN].tolist(), "near")


def _label(dataset: Dataset, index: int) -> str:
    """Class and, if there is one, the subset of the predefined split; the end of a long one cut."""
    label = dataset.classes[dataset.labels[index]]
    if dataset.predefined_subsets is not None:
        label = f"{SUBSETS[dataset.predefined_subsets[index]]}: {label}"
    return shorten(label, LONGEST_LABEL)

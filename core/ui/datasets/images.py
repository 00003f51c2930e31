"""The images of a dataset: a gallery page by page, and one image large."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.datasets.dataset import SUBSETS, Dataset
from core.text import count_text, dimensions_text, escape_markdown, shorten, shorten_start
from core.ui.datasets.facts import IMAGES
from core.ui.frame import reads
from core.ui.frame.address import FIELD_WIDTH

PAGE_SIZE = 24
# Three squares and the gaps between them fill a telephone of 390 pixels.
TILE_SIZE = 108
LONGEST_TILE_NAME = 13
MOST_NEAR_SHOWN = 12


def show_images(dataset: Dataset) -> None:
    """The image that the address names, else the gallery of a class."""
    index = _wanted_image(dataset)
    if index is None:
        _show_gallery(dataset)
    else:
        _show_one(dataset, index)


def show_tiles(dataset: Dataset, indexes: Sequence[int], prefix: str, *, name: bool = True) -> None:
    """Squares in rows, each with a button that opens it; ``prefix`` keeps the keys apart.

    Under each stands its file name, or with ``name`` off its class and its subset.
    """
    squares = reads.tiles(dataset, indexes, TILE_SIZE)
    with st.container(horizontal=True, gap="small"):
        for index, square in zip(indexes, squares, strict=True):
            with st.container(width=TILE_SIZE, gap=None):
                # The height is fixed, so that nothing below moves when the image arrives.
                with st.container(height=TILE_SIZE, border=False):
                    st.image(square, width=TILE_SIZE, alt=_alt(dataset, index))
                st.button(
                    escape_markdown(_name(dataset, index) if name else _label(dataset, index)),
                    key=f"open.{prefix}.{index}",
                    type="tertiary",
                    width="stretch",
                    help=f"Open {escape_markdown(dataset.file_names[index])}",
                    on_click=open_image,
                    args=(int(index),),
                )


def open_image(index: int) -> None:
    """Show one image large: the address names it from now on."""
    st.query_params["image"] = str(index)
    st.query_params["section"] = IMAGES


def marked_images(dataset: Dataset) -> set[int]:
    """Positions of the images that this visitor wants left out; kept for the session."""
    return st.session_state.setdefault(f"marked.{dataset.id}", set())


def _wanted_image(dataset: Dataset) -> int | None:
    wanted = st.query_params.get("image")
    if wanted is None:
        return None
    if wanted.isdecimal() and int(wanted) < dataset.image_count:
        return int(wanted)
    st.warning(
        f"There is no image {escape_markdown(wanted)} in this dataset: its images are numbered "
        f"0 to {dataset.image_count - 1:,}."
    )
    return None


def _show_gallery(dataset: Dataset) -> None:
    chosen = _choose_class(dataset)
    indexes = (
        np.arange(dataset.image_count)
        if chosen is None
        else np.flatnonzero(dataset.labels == dataset.classes.index(chosen))
    )
    pages = -(-len(indexes) // PAGE_SIZE)
    page = _page_number(pages)
    first = (page - 1) * PAGE_SIZE
    shown = indexes[first : first + PAGE_SIZE]
    st.caption(f"{first + 1:,} to {first + len(shown):,} of {count_text(len(indexes), 'image')}")
    show_tiles(dataset, shown.tolist(), "gallery")
    if pages > 1:
        # No key: with another default it is another widget, so it follows class and address.
        turned = st.pagination(pages, default=page)
        if turned != page:
            st.query_params["page"] = str(turned)
            st.rerun()


def _choose_class(dataset: Dataset) -> str | None:
    """The class that the address names, or None for all; a warning names a stale one."""
    wanted = st.query_params.get("class")
    if wanted is not None and wanted not in dataset.classes:
        st.warning(f"There is no class {escape_markdown(wanted)} in this dataset; all are shown.")
        wanted = None
    options = [None, *dataset.classes]
    counts = dataset.class_counts
    chosen = st.selectbox(
        "Class",
        options,
        index=options.index(wanted),
        format_func=lambda name: (
            f"All classes ({dataset.image_count:,})"
            if name is None
            else f"{name} ({counts[name]:,})"
        ),
        help="Type to search. The number behind each class counts its images.",
        width=FIELD_WIDTH,
    )
    if chosen != wanted:
        st.query_params.pop("page", None)
        if chosen is None:
            st.query_params.pop("class", None)
        else:
            st.query_params["class"] = chosen
        st.rerun()
    return chosen


def _page_number(pages: int) -> int:
    """The page that the address names, from 1; beyond the ends, the nearest there is."""
    wanted = st.query_params.get("page", "1")
    return min(max(int(wanted), 1), pages) if wanted.isdecimal() else 1


def _show_one(dataset: Dataset, index: int) -> None:
    same_class = np.flatnonzero(dataset.labels == dataset.labels[index])
    place = int(np.searchsorted(same_class, index))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All images", icon=":material/grid_view:", on_click=_close_image)
        _step_button("Previous", ":material/chevron_left:", same_class[:place][-1:])
        _step_button("Next", ":material/chevron_right:", same_class[place + 1 :][:1])
        st.caption(f"{place + 1:,} of {count_text(len(same_class), 'image')} of this class")
    left, right = st.columns([3, 2], gap="large")
    left.image(reads.large_image(dataset, index), alt=_alt(dataset, index))
    with right:
        _show_image_facts(dataset, index)
    _show_near(dataset, index)


def _step_button(label: str, icon: str, target: np.ndarray) -> None:
    """``target`` int ``(1,)`` is the image to go to, or empty at the end of the class."""
    st.button(
        label,
        icon=icon,
        disabled=not len(target),
        on_click=open_image,
        args=(int(target[0]),) if len(target) else (),
    )


def _close_image() -> None:
    st.query_params.pop("image", None)


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
    show_tiles(dataset, near[:MOST_NEAR_SHOWN].tolist(), "near", name=False)


def _label(dataset: Dataset, index: int) -> str:
    """Class and, if there is one, the subset of the predefined split; the end of a long one cut."""
    label = dataset.classes[dataset.labels[index]]
    if dataset.predefined_subsets is not None:
        label = f"{SUBSETS[dataset.predefined_subsets[index]]}: {label}"
    return shorten(label, LONGEST_TILE_NAME)


def _alt(dataset: Dataset, index: int) -> str:
    return f"{dataset.file_names[index]}, class {dataset.classes[dataset.labels[index]]}"


def _name(dataset: Dataset, index: int) -> str:
    """The file's own name; of a long one the end, where it differs from its neighbours."""
    name = dataset.file_names[index].rsplit("/", 1)[-1]
    return shorten_start(name, LONGEST_TILE_NAME)

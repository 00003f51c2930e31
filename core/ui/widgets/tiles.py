"""Images with a few lines below each, page by page; each opens large."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.datasets.dataset import Dataset
from core.text import count_text, escape_markdown, shorten_start
from core.ui.frame import reads
from core.ui.frame.address import remember

PAGE_SIZE = 24
# Two with their gap fill a telephone of 390 pixels.
TILE_SIZE = 160
LETTERS_PER_PIXEL = 0.12
_TOGETHER = re.compile(r"(?<=\d) (?=%|of \d)|(?<=\d of) (?=\d)")


@dataclass(frozen=True)
class Tile:
    """One image: its position in the dataset, the plain lines below it, and the label of its
    button, which is the file name where there is none."""

    image: int
    lines: tuple[str, ...] = ()
    label: str = ""


def show_tiles(dataset: Dataset, tiles: Sequence[Tile], prefix: str) -> None:
    """The page of ``tiles`` that the address names, with how many there are."""
    pages = max(1, -(-len(tiles) // PAGE_SIZE))
    page = page_number(pages)
    first = (page - 1) * PAGE_SIZE
    shown = tiles[first : first + PAGE_SIZE]
    if pages > 1:
        st.caption(
            f"{first + 1:,} to {first + len(shown):,} of {count_text(len(tiles), 'picture')}"
        )
    draw_tiles(dataset, shown, prefix)
    turn_page(pages, page)


def turn_page(pages: int, page: int) -> None:
    """The choice of another page, which the address then names; nothing for a single page."""
    if pages > 1:
        # No key: with another default it is another widget, so it follows the address.
        turned = st.pagination(pages, default=page)
        if turned != page:
            remember(page=turned)
            st.rerun()


def draw_tiles(
    dataset: Dataset, tiles: Sequence[Tile], prefix: str, size: int = TILE_SIZE, **address: str
) -> None:
    """All of ``tiles`` in rows, squares of ``size`` pixels; ``prefix`` keeps the keys apart.

    A click writes the image, and ``address``, into the address.
    """
    squares = reads.tiles(dataset, [tile.image for tile in tiles], size)
    longest_name = round(LETTERS_PER_PIXEL * size)
    with st.container(horizontal=True, gap="small"):
        for tile, square in zip(tiles, squares, strict=True):
            with st.container(width=size, gap=None):
                # The height is fixed, so that nothing below moves when the image arrives.
                with st.container(height=size, border=False):
                    st.image(square, width=size, alt=image_words(dataset, tile))
                st.button(
                    escape_markdown(tile.label or _short_name(dataset, tile.image, longest_name)),
                    key=f"open.{prefix}.{tile.image}",
                    type="tertiary",
                    width="stretch",
                    help=f"Open {escape_markdown(dataset.file_names[tile.image])}",
                    on_click=remember,
                    kwargs={"image": tile.image} | address,
                )
                if tile.lines:
                    st.caption("  \n".join(_unbroken(line) for line in tile.lines))


def tiles_or_words(
    dataset: Dataset | None, tiles: Sequence[Tile], prefix: str, nothing: str | None
) -> None:
    """The images; without the dataset, a table of their numbers and lines."""
    if not tiles:
        if nothing is not None:
            st.info(nothing)
    elif dataset is not None:
        show_tiles(dataset, tiles, prefix)
    else:
        st.dataframe(
            {
                "picture number": [tile.image for tile in tiles],
                "predicted": ["; ".join(tile.lines) for tile in tiles],
            },
            hide_index=True,
            key=f"numbers.{prefix}",
            alt="The pictures by their number in the dataset, with what was predicted for them.",
        )


def image_words(dataset: Dataset, tile: Tile) -> str:
    """The image in words, for those who do not see it."""
    label = dataset.classes[dataset.labels[tile.image]]
    predicted = "".join(f"; {line}" for line in tile.lines)
    return f"{dataset.file_names[tile.image]}, class {label}{predicted}"


def _unbroken(line: str) -> str:
    """Shown as it is; ``95 %`` and ``2 of 3`` are never on two lines."""
    return _TOGETHER.sub("\N{NO-BREAK SPACE}", escape_markdown(line))


def _short_name(dataset: Dataset, index: int, longest: int) -> str:
    """The file's own name; of a long one the end, where it differs from its neighbours."""
    return shorten_start(dataset.file_names[index].rsplit("/", 1)[-1], longest)


def page_number(pages: int) -> int:
    """The page that the address names, from 1; beyond the ends, the nearest there is."""
    wanted = st.query_params.get("page", "1")
    # Nine digits are more than there can be pages; Python refuses to read thousands of them.
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else 1
    return min(max(number, 1), pages)

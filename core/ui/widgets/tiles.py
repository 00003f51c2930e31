"""Pictures with what was said about them, page by page; each opens large."""

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
LONGEST_NAME = 19
_TOGETHER = re.compile(r"(?<=\d) (?=%|of \d)|(?<=\d of) (?=\d)")


@dataclass(frozen=True)
class Tile:
    """One picture: its position in the dataset, and what stands below it, as plain lines."""

    image: int
    lines: tuple[str, ...] = ()


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
    if pages > 1:
        # No key: with another default it is another widget, so it follows the address.
        turned = st.pagination(pages, default=page)
        if turned != page:
            remember(page=turned)
            st.rerun()


def draw_tiles(dataset: Dataset, tiles: Sequence[Tile], prefix: str) -> None:
    """All of ``tiles`` in rows; ``prefix`` keeps the keys apart."""
    squares = reads.tiles(dataset, [tile.image for tile in tiles], TILE_SIZE)
    with st.container(horizontal=True, gap="small"):
        for tile, square in zip(tiles, squares, strict=True):
            with st.container(width=TILE_SIZE, gap=None):
                # As high as the picture before it is there, so that nothing below moves.
                with st.container(height=TILE_SIZE, border=False):
                    st.image(square, width=TILE_SIZE, alt=image_words(dataset, tile))
                st.button(
                    escape_markdown(_short_name(dataset, tile.image)),
                    key=f"open.{prefix}.{tile.image}",
                    type="tertiary",
                    width="stretch",
                    help=f"Open {escape_markdown(dataset.file_names[tile.image])}",
                    on_click=remember,
                    kwargs={"image": tile.image},
                )
                if tile.lines:
                    st.caption("  \n".join(_unbroken(line) for line in tile.lines))


def tiles_or_words(
    dataset: Dataset | None, tiles: Sequence[Tile], prefix: str, nothing: str | None
) -> None:
    """The pictures; without the dataset, what is known of them in lines."""
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
    """The picture for those who do not see it."""
    label = dataset.classes[dataset.labels[tile.image]]
    predicted = "".join(f"; {line}" for line in tile.lines)
    return f"{dataset.file_names[tile.image]}, label {label}{predicted}"


def _unbroken(line: str) -> str:
    """Shown as it is; ``95 %`` and ``2 of 3`` are never on two lines."""
    return _TOGETHER.sub("\N{NO-BREAK SPACE}", escape_markdown(line))


def _short_name(dataset: Dataset, index: int) -> str:
    """The file's own name; of a long one the end, where it differs from its neighbours."""
    name = dataset.file_names[index].rsplit("/", 1)[-1]
    return shorten_start(name, LONGEST_NAME)


def page_number(pages: int) -> int:
    """The page that the address names, from 1; beyond the ends, the nearest there is."""
    wanted = st.query_params.get("page", "1")
    # Nine digits are more than there can be pages; Python refuses to read thousands of them.
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else 1
    return min(max(number, 1), pages)

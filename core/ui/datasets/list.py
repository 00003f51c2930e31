"""All datasets, a card each."""

import streamlit as st

from core.datasets.dataset import Dataset
from core.text import escape_markdown
from core.ui.datasets.facts import (
    address_of,
    images_text,
    majority_text,
    show_severities,
    sizes_text,
)
from core.ui.frame import reads
from core.ui.frame.errors import error_box
from core.ui.frame.page import link_to

CARD_IMAGES = 5
CARD_IMAGE_WIDTH = 72
CARDS_A_PAGE = 12


def show_datasets() -> None:
    """Cards in two columns, page by page; a sentence where there is none."""
    found = reads.datasets()
    st.header("Datasets")
    if not found:
        st.info(
            "There are no datasets yet. Drop your images above; they appear here when they are "
            "read.",
            icon=":material/photo_library:",
        )
        return
    pages = -(-len(found) // CARDS_A_PAGE)
    page = st.pagination(pages, key="datasets.page") if pages > 1 else 1
    shown = found[(page - 1) * CARDS_A_PAGE : page * CARDS_A_PAGE]
    for first in range(0, len(shown), 2):
        columns = st.columns(2, gap="small")
        for column, dataset in zip(columns, shown[first : first + 2], strict=False):
            with column.container(border=True, height="stretch"), error_box():
                _show_card(dataset)


def _show_card(dataset: Dataset) -> None:
    st.subheader(escape_markdown(dataset.name), anchor=False)
    show_severities(reads.findings(dataset))
    with st.container(horizontal=True, gap="xsmall"):
        for name, _, picture in reads.class_images(dataset, CARD_IMAGES):
            st.image(picture, width=CARD_IMAGE_WIDTH, alt=f"A picture of the class {name}")
    st.markdown(f"{images_text(dataset)}  \n{sizes_text(dataset)}")
    st.caption(majority_text(dataset))
    with st.container(horizontal=True):
        link_to("datasets", "Open", dataset=address_of(dataset))
        link_to("benchmark", "Benchmark it", dataset=address_of(dataset))

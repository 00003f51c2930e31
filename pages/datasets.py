"""Datasets: add images, see all datasets, open one: health, images, results, clean up, manage."""

import streamlit as st

from core.datasets.dataset import Dataset
from core.errors import HeadstartError, UnknownName
from core.text import escape_markdown
from core.ui.datasets.cleanup import show_cleanup
from core.ui.datasets.facts import (
    CLEAN_UP,
    HEALTH,
    IMAGES,
    MANAGE,
    OLD_SECTIONS,
    RESULTS,
    address_of,
    draw_card_facts,
    show_head,
)
from core.ui.datasets.health import show_health
from core.ui.datasets.images import page_of, show_images
from core.ui.datasets.imports import watch_imports
from core.ui.datasets.manage import REMOVED_NOTE, show_manage
from core.ui.datasets.results import show_results
from core.ui.datasets.uploads import offer_upload, show_formats
from core.ui.frame import reads
from core.ui.frame.address import in_text_colour
from core.ui.frame.drawing import draw_once
from core.ui.frame.errors import error_box
from core.ui.frame.page import link_to, show_page

SECTIONS = {
    HEALTH: show_health,
    IMAGES: show_images,
    RESULTS: show_results,
    CLEAN_UP: show_cleanup,
    MANAGE: show_manage,
}
CARDS_A_PAGE = 12


def body() -> None:
    wanted = st.query_params.get("dataset")
    if wanted is None:
        show_all()
        return
    try:
        dataset = reads.dataset(wanted)
    except HeadstartError as error:
        show_all(error)
    else:
        show_one(dataset)


def show_all(error: HeadstartError | None = None) -> None:
    """How to add images, the imports, the list; ``error`` is why a wanted dataset is not shown."""
    st.title("Datasets")
    if isinstance(error, UnknownName):
        st.warning(escape_markdown(error))
    elif error is not None:
        st.error(escape_markdown(error), icon=":material/error:")
    removed = st.session_state.pop(REMOVED_NOTE, None)
    if removed:
        st.info(escape_markdown(removed))
    st.markdown("Add your own images; they become a dataset that every strategy can be tried on.")
    with error_box():
        offer_upload()
    watch_imports()
    show_formats()
    show_datasets()


def show_datasets() -> None:
    """Cards in two columns, page by page; a sentence where there is none."""
    found = reads.datasets()
    st.header("All datasets")
    if not found:
        st.info(
            "There are no datasets yet. Drop your images above; they appear here when they have "
            "been read.",
            icon=":material/photo_library:",
        )
        return
    shown = page_of(found, CARDS_A_PAGE, "datasets.page")
    for first in range(0, len(shown), 2):
        columns = st.columns(2, gap="small")
        for column, dataset in zip(columns, shown[first : first + 2], strict=False):
            with column.container(border=True, height="stretch"), error_box():
                _show_card(dataset)


def _show_card(dataset: Dataset) -> None:
    draw_once(reads.dataset_key(dataset), draw_card_facts, dataset)
    with st.container(horizontal=True):
        link_to("datasets", "Open", dataset=address_of(dataset))
        link_to("benchmark", "Benchmark it", dataset=address_of(dataset))


def show_one(dataset: Dataset) -> None:
    # The link may have used its name, which may change.
    st.query_params["dataset"] = address_of(dataset)
    show_head(dataset)
    names = list(SECTIONS)
    # The address decides, so that a link can lead to a section.
    wanted = st.query_params.get("section")
    wanted = OLD_SECTIONS.get(wanted or "", wanted)
    chosen = wanted if wanted in names else names[0]
    labels = {in_text_colour(name): name for name in names}
    st.session_state["section"] = in_text_colour(chosen)
    tabs = st.tabs(list(labels), key="section", on_change=remember_section, args=(labels,))
    for name, tab in zip(names, tabs, strict=True):
        if tab.open:  # the others are drawn when they are opened
            with tab, error_box():
                SECTIONS[name](dataset)


def remember_section(labels: dict[str, str]) -> None:
    st.query_params["section"] = labels[st.session_state["section"]]


show_page("datasets", body)

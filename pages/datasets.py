"""Datasets: add images, see all datasets, open one: health, pictures, clean up, manage."""

import streamlit as st

from core.datasets.dataset import Dataset
from core.errors import HeadstartError, UnknownName
from core.text import escape_markdown
from core.ui.datasets.cleanup import show_cleanup
from core.ui.datasets.facts import (
    CLEAN_UP,
    HEALTH,
    MANAGE,
    PICTURES,
    address_of,
    show_head,
)
from core.ui.datasets.health import show_health
from core.ui.datasets.images import show_images
from core.ui.datasets.imports import watch_imports
from core.ui.datasets.list import show_datasets
from core.ui.datasets.manage import REMOVED_NOTE, show_manage
from core.ui.datasets.uploads import offer_upload, show_formats
from core.ui.frame import reads
from core.ui.frame.errors import error_box
from core.ui.frame.page import show_page
from core.ui.widgets.texts import in_text_colour

SECTIONS = {
    HEALTH: show_health,
    PICTURES: show_images,
    CLEAN_UP: show_cleanup,
    MANAGE: show_manage,
}


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


def show_one(dataset: Dataset) -> None:
    # The link may have named it; a name may change, what stands in the address does not.
    st.query_params["dataset"] = address_of(dataset)
    show_head(dataset)
    names = list(SECTIONS)
    wanted = st.query_params.get("section")
    # The address decides, so that a section can be shared as a link, and links lead to one.
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

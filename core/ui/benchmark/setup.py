"""The first and the last step of setting up a benchmark: the pictures, and how long it takes."""

import streamlit as st

from core.analysis.comparison import title_of
from core.datasets.dataset import Dataset
from core.errors import HeadstartError
from core.experiments.forecast import Forecast
from core.text import count_text, escape_markdown, rough_seconds_text
from core.ui.datasets.facts import address_of, majority_text
from core.ui.frame import reads
from core.ui.frame.page import link_to

IMAGE_WIDTH = 84


def choose_dataset() -> Dataset | None:
    """A dataset with one picture and the count of each class; None where there is none.

    The one that the address names is chosen at first; the address follows the choice.
    """
    found = {dataset.id: dataset for dataset in reads.datasets()}
    if not found:
        st.info(
            "There are no datasets. Add your own images: a zip, a folder or a CSV is enough.",
            icon=":material/photo_library:",
        )
        link_to("datasets", "Add images")
        return None
    wanted = _wanted_dataset()
    if wanted is not None:
        found.setdefault(wanted.id, wanted)
    ids = list(found)
    chosen = st.selectbox(
        "Dataset",
        ids,
        index=ids.index(wanted.id) if wanted is not None else 0,
        format_func=lambda key: dataset_label(found[key]),
        help="A named set of labelled images. It never changes: its id is a fingerprint of its "
        "content.",
    )
    dataset = found[chosen]
    if wanted is None or chosen != wanted.id:
        st.query_params["dataset"] = address_of(dataset)
    _show_dataset(dataset)
    return dataset


def _wanted_dataset() -> Dataset | None:
    """The dataset that the address names; a stale one is said, and gives None."""
    wanted = st.query_params.get("dataset")
    if wanted is None:
        return None
    try:
        return reads.dataset(wanted)
    except HeadstartError as error:
        st.warning(escape_markdown(error))
        return None


def _show_dataset(dataset: Dataset) -> None:
    st.caption(f"{majority_text(dataset)}. Always predicting it is the first rung of the ladder.")
    pictures = reads.class_images(dataset)
    with st.container(horizontal=True, gap="small"):
        for name, count, picture in pictures:
            st.image(
                picture,
                caption=f"{escape_markdown(name)} · {count:,}",
                width=IMAGE_WIDTH,
                alt=f"A picture of the class {name}, which has {count_text(count, 'image')}",
            )
    left_out = len(dataset.classes) - len(pictures)
    if left_out:
        st.caption(f"The largest {len(pictures)} classes; {left_out} more are not shown.")
    if dataset.provenance:
        st.caption(f"Where they come from: {escape_markdown(dataset.provenance)}")
    with st.container(horizontal=True):
        link_to("datasets", "Look at this dataset", dataset=address_of(dataset))
        link_to("datasets", "Add your own images")


def dataset_label(dataset: Dataset) -> str:
    """``themes16 (1,347 images, 16 classes)``."""
    return (
        f"{dataset.name} ({count_text(dataset.image_count, 'image')}, "
        f"{count_text(len(dataset.classes), 'class')})"
    )


def show_forecast(forecast: Forecast) -> None:
    """How long it will take and what says so, or plainly that nothing is known yet."""
    names = ", ".join(title_of(name) for name in forecast.unknown)
    if forecast.seconds is None:
        st.markdown(
            f"**Time: not known yet.** {escape_markdown(forecast.basis)} The time left is shown as "
            "soon as the first epoch ran."
        )
        return
    more = " and more" if forecast.unknown else ""
    st.markdown(
        f"**Time: about {rough_seconds_text(forecast.seconds)}{more}.** "
        f"{escape_markdown(forecast.basis)}"
    )
    if forecast.extraction_seconds:
        st.caption(
            f"About {rough_seconds_text(forecast.extraction_seconds)} of it for extracting "
            "features, which is saved where they are in the cache already."
        )
    if forecast.unknown:
        st.caption(f"Not counted, because it never ran here: {escape_markdown(names)}.")

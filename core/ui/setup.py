"""The first and the last step of setting up a benchmark: the pictures, and how long it takes."""

import streamlit as st

from core.comparison.appearance import percent_text, rough_seconds_text
from core.comparison.tables import title_of
from core.datasets.model import Dataset
from core.runs.forecast import Forecast
from core.ui import reads
from core.ui.texts import literal, plural

PICTURE_WIDTH = 84


def choose_dataset() -> Dataset | None:
    """A dataset with one picture and the count of each class; None where there is none."""
    found = {dataset.id: dataset for dataset in reads.datasets()}
    if not found:
        st.info(
            "There are no datasets. Add a folder with one folder of images for each class: "
            "`python -m core datasets add PATH`",
            icon=":material/photo_library:",
        )
        return None
    chosen = st.selectbox(
        "Dataset",
        list(found),
        format_func=lambda key: dataset_label(found[key]),
        key="dataset",
        help="A named set of labelled images. It never changes: its id is a fingerprint of its "
        "content.",
    )
    st.caption(
        "Your own images: put them into one folder for each class and type "
        "`python -m core datasets add FOLDER`; they appear in this list within seconds."
    )
    dataset = found[chosen]
    st.caption(
        f"Commonest class: {literal(dataset.majority_class)}, "
        f"{percent_text(dataset.majority_share)} of the images. Always saying so is the first "
        "rung of the ladder."
    )
    pictures = reads.class_pictures(dataset)
    with st.container(horizontal=True, gap="small"):
        for name, count, picture in pictures:
            st.image(
                picture,
                caption=f"{literal(name)} · {count:,}",
                width=PICTURE_WIDTH,
                alt=f"A picture of the class {name}, which has {plural(count, 'image')}",
            )
    left_out = len(dataset.classes) - len(pictures)
    if left_out:
        st.caption(f"The largest {len(pictures)} classes; {left_out} more are not shown.")
    if dataset.provenance:
        st.caption(f"Where they come from: {literal(dataset.provenance)}")
    return dataset


def dataset_label(dataset: Dataset) -> str:
    """``themes16 (1,347 images, 16 classes)``."""
    return (
        f"{dataset.name} ({plural(dataset.image_count, 'image')}, "
        f"{plural(len(dataset.classes), 'class')})"
    )


def show_forecast(forecast: Forecast) -> None:
    """How long it will take and what says so, or plainly that nothing is known yet."""
    names = ", ".join(title_of(name) for name in forecast.unknown)
    if forecast.seconds is None:
        st.markdown(
            f"**Time: not known yet.** {literal(forecast.basis)} The time left is shown as soon "
            "as the first epoch ran."
        )
        return
    more = " and more" if forecast.unknown else ""
    st.markdown(
        f"**Time: about {rough_seconds_text(forecast.seconds)}{more}.** {literal(forecast.basis)}"
    )
    if forecast.extraction_seconds:
        st.caption(
            f"About {rough_seconds_text(forecast.extraction_seconds)} of it for extracting "
            "features, which is saved where they are in the cache already."
        )
    if forecast.unknown:
        st.caption(f"Not counted, because it never ran here: {literal(names)}.")

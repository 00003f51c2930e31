"""Augmentation on the page Benchmark: eight images of the dataset as it varies them.

Computed with numpy by the arithmetic that trains (``core.layers.augmentation``): the web process
loads no TensorFlow.
"""

import streamlit as st

from core.analysis.comparison import title_of
from core.datasets.dataset import Dataset
from core.layers.augmentation import Augmentation
from core.strategies.augmentation import LEVELS, OFF, augmentation_of, mirror_warning
from core.text import escape_markdown, list_text
from core.ui.frame import reads
from core.ui.widgets.forms import Choices, chosen_settings

IMAGE_WIDTH = 84


def show_augmentation(dataset: Dataset, choices: Choices) -> None:
    """Eight images as augmentation varies them, folded; begins with what was chosen."""
    used = {
        title_of(name): settings
        for name, settings in chosen_settings(choices).items()
        if settings.get("augment", OFF) != OFF
    }
    folded = st.expander(
        "Augmentation: eight varied images",
        icon=":material/auto_awesome_motion:",
        key="augmentation",
        on_change="rerun",
    )
    if not folded.open:
        return
    with folded:
        first = next(iter(used.values()), {"augment": "light", "flip": "auto"})
        left, right = st.columns(2)
        settings = {
            "augment": left.segmented_control(
                "Augmentation", list(LEVELS), default=first["augment"], required=True
            ),
            "flip": right.segmented_control(
                "Mirrored images", ("auto", "on", "off"), default=first["flip"], required=True
            ),
        }
        amounts = augmentation_of(settings, dataset.classes)
        if amounts is not None:
            _show_varied(dataset, choices, amounts)
        names = list_text(list(used))
        st.caption(
            f"Used by {escape_markdown(names)}; shown here it changes nothing."
            if used
            else "No chosen strategy uses it: it is one of their settings. Strategies on cached "
            "features do not have it, because their features are computed once."
        )


def _show_varied(dataset: Dataset, choices: Choices, amounts: Augmentation) -> None:
    seed = st.session_state.setdefault("augmentation.seed", 0)
    shown = reads.varied_images(dataset, (choices.image_size, choices.resize), seed, amounts)
    with st.container(horizontal=True, gap="small"):
        for place, image in enumerate(shown, start=1):
            alt = f"Image {place} of {len(shown)} as augmentation varies it"
            st.image(image, width=IMAGE_WIDTH, alt=alt)
    warning = mirror_warning(dataset.classes)
    if amounts.mirror and warning:
        st.warning(escape_markdown(warning))
    elif amounts.mirror:
        st.caption("Half of the images, at random, are mirrored left to right.")
    else:
        st.caption(f"No image is mirrored. {escape_markdown(warning or '')}")
    st.button("Other variations", icon=":material/refresh:", on_click=_vary_again)


def _vary_again() -> None:
    st.session_state["augmentation.seed"] += 1

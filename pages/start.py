"""Start: what this is, the recorded result, two links."""

import streamlit as st

from core.ui import reads
from core.ui.frame import link_to, show_page
from core.ui.results import recorded_text, show_accuracy
from core.ui.texts import literal, plural


def body() -> None:
    st.title("How much of a head start does a pre-trained model give?")
    st.markdown(
        "Headstart trains a ladder of classifiers on the same split of the same pictures, from "
        "always naming the commonest class to a fine-tuned VGG16.\n\n"
        "It shows what each rung reaches on pictures that it never saw, how sure that number is, "
        "and what it costs in time.\n\n"
        "Everything runs on this machine; your pictures stay here."
    )
    with st.container(horizontal=True):
        link_to("benchmark", "Benchmark a dataset")
        link_to("compare", "Compare results")
    show_headline()


def show_headline() -> None:
    """The recorded result, or the newest that has one; otherwise what to do."""
    comparison = reads.headline()
    if comparison is None:
        st.info(
            "No results yet. Open Benchmark and press Start: the first rungs take a minute.",
            icon=":material/flag:",
        )
        return
    st.subheader(f"For example: {literal(comparison.dataset)}")
    recorded = recorded_text(comparison) or "Made on this machine"
    st.caption(
        f"{literal(recorded)} · {comparison.image_size} px · "
        f"preset {literal(comparison.preset)} · precision {literal(comparison.precision)} · "
        f"{plural(len(comparison.seeds), 'seed')} · "
        f"n = {comparison.images.get('test', 0):,} test images · bars are 95 % intervals"
    )
    show_accuracy(comparison, key="headline")
    link_to("compare", "All numbers of this result", experiment=comparison.experiment)


show_page("start", body)

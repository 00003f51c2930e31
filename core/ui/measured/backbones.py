"""How it is measured: what each pre-trained network is, and whether its weights are here."""

import pandas as pd
import streamlit as st

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES, own
from core.backbones.weights.access import WeightsStatus, status_of, what_to_do
from core.text import escape_markdown, percent_text, size_text
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to


def show_backbones(_subject: Subject | None) -> None:
    offered = [backbone for backbone in BACKBONES.values() if backbone.is_offered]
    found = {backbone: status_of(backbone.weights) for backbone in offered}
    st.markdown(
        "A backbone is a network that was trained before: on the photographs of ImageNet, or here, "
        "in an earlier experiment. Published weights come from where they were published; all are "
        "checked before they are used. Parameters and file are those of the network without its "
        "top, multiply-adds those of the whole network for one image of the size in brackets."
    )
    st.markdown(
        "A convolutional network that was trained here becomes a backbone of your own on the page "
        "Try it, under Export a model, or with `python -m core backbones add RUN`; "
        "`python -m core backbones remove NAME` takes it away again."
    )
    link_to("try_it", "Choose a trained network", view="keep")
    st.table(pd.DataFrame([_row(*pair) for pair in found.items()]).set_index("backbone"))
    for backbone, status in found.items():
        st.subheader(escape_markdown(backbone.title), anchor=backbone.name)
        st.markdown(escape_markdown(f"{backbone.about} {backbone.accuracy_words}"))
        st.markdown(escape_markdown(f"Licence: {backbone.licence}."))
        checked = backbone.weights.how_checked
        if status.available:
            st.markdown(f"Its weights are on this machine ({status.source}). {checked}")
        else:
            refused = " ".join(status.refused)
            st.markdown(
                f"Its weights are not on this machine. {escape_markdown(refused)} "
                f"{what_to_do(backbone.weights)} {checked}"
            )
    for reason in own().unreadable.values():
        st.warning(escape_markdown(reason))


def _row(backbone: Backbone, status: WeightsStatus) -> dict[str, str]:
    return {
        "backbone": escape_markdown(backbone.title),
        "trained on": escape_markdown(backbone.trained_on),
        "top-1": percent_text(backbone.published_accuracy),
        "parameters": f"{backbone.parameters() / 1e6:.1f} M",
        "multiply-adds": f"{backbone.multiply_adds / 1e9:.2f} G ({backbone.published_size})",
        "file": size_text(backbone.weights.size_bytes),
        "here": "yes" if status.available else "no",
    }

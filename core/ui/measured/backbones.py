"""How it is measured: what each pre-trained network is, and whether its weights are here."""

import pandas as pd
import streamlit as st

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES
from core.backbones.weights.access import WeightsStatus, status_of, what_to_do
from core.text import percent_text, size_text
from core.ui.frame.evidence_reads import Subject


def show_backbones(_subject: Subject | None) -> None:
    found = {backbone: status_of(backbone.weights) for backbone in BACKBONES.values()}
    st.markdown(
        "A backbone is a network that was trained on the photographs of ImageNet. Its weights come "
        "from where they were published, and are checked before they are used. Parameters and file "
        "are those of the network without its top, multiply-adds those of the whole network for "
        "one image of the size in brackets."
    )
    st.table(pd.DataFrame([_row(*pair) for pair in found.items()]).set_index("backbone"))
    for backbone, status in found.items():
        st.subheader(backbone.title, anchor=backbone.name)
        st.markdown(f"{backbone.about} {backbone.accuracy_words}")
        st.markdown(f"Licence: {backbone.licence}.")
        checked = backbone.weights.how_checked
        if status.available:
            st.markdown(f"Its weights are on this machine ({status.source}). {checked}")
        else:
            refused = " ".join(status.refused)
            st.markdown(
                f"Its weights are not on this machine. {refused} {what_to_do(backbone.weights)} "
                f"{checked}"
            )


def _row(backbone: Backbone, status: WeightsStatus) -> dict[str, str]:
    return {
        "backbone": backbone.title,
        "top-1": percent_text(backbone.published_accuracy),
        "parameters": f"{backbone.parameters() / 1e6:.1f} M",
        "multiply-adds": f"{backbone.multiply_adds / 1e9:.2f} G ({backbone.published_size})",
        "file": size_text(backbone.weights.size_bytes),
        "here": "yes" if status.available else "no",
    }

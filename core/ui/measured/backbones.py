"""How it is measured: what each pre-trained network is, and whether its weights are here; those
of one's own can be removed."""

import pandas as pd
import streamlit as st

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES, own
from core.backbones.weights.access import WeightsStatus, status_of, what_to_do
from core.errors import HeadstartError
from core.experiments.own_backbones import why_not_removed
from core.experiments.used_backbones import experiments_with
from core.text import count_text, escape_markdown, percent_text, size_text
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to

REMOVED_NOTE = "backbones.removed"


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
        "Try it, under Export a model, or with `python -m core backbones add RUN`. It can be "
        "removed again below, or with `python -m core backbones remove NAME`."
    )
    link_to("try_it", "Choose a trained network", view="keep")
    if note := st.session_state.pop(REMOVED_NOTE, None):
        st.info(escape_markdown(note), icon=":material/delete:")
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
        if backbone.origin is not None:
            _offer_removal(backbone)
    for reason in own().unreadable.values():
        st.warning(escape_markdown(reason))


def _offer_removal(backbone: Backbone) -> None:
    """What is lost, a box to confirm it and the button; the reason where it cannot go now."""
    if not may_edit():
        show_viewer_note("remove a backbone")
        return
    used = experiments_with(reads.store(), backbone.name)
    if reason := why_not_removed(backbone.name, used):
        st.warning(f"It cannot be removed now. {escape_markdown(reason)}", icon=":material/lock:")
        return
    with st.expander(f"Remove {escape_markdown(backbone.title)}", icon=":material/delete:"):
        st.markdown(_what_goes(backbone, len(used)))
        confirmed = st.checkbox("Yes, remove it for good", key=f"sure.{backbone.name}")
        st.button(
            "Remove this backbone",
            icon=":material/delete:",
            key=f"remove.{backbone.name}",
            disabled=not confirmed,
            on_click=_remove,
            args=(backbone,),
        )


def _what_goes(backbone: Backbone, experiments: int) -> str:
    lost = (
        f"Its weights ({size_text(backbone.weights.size_bytes)}) and the list of images that it "
        "has seen are removed."
    )
    if experiments:
        lost += (
            f" The results of {count_text(experiments, 'experiment')} on it stay, with its name, "
            "but the networks on it cannot be tried, explained or exported any more."
        )
    return f"{lost} {backbone.weights.how_to_get}"


def _remove(backbone: Backbone) -> None:
    try:
        actions.remove_backbone(backbone.name)
    except HeadstartError as error:  # somebody may have started a run since the page was drawn
        st.session_state[REMOVED_NOTE] = str(error)
    else:
        st.session_state[REMOVED_NOTE] = f"{backbone.title} was removed."


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

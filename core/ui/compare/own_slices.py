"""Slices that people name: put together from the others, kept with the experiment."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.image_properties import ImageProperty
from core.analysis.slices import Slicing
from core.analysis.words.slices import slice_title
from core.experiments.records import ExperimentRecord
from core.text import escape_markdown, list_text
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.errors import error_box

HELP = (
    "Pictures that are in all of the parts; of several parts by the same property one is enough. "
    "“Dark cats and dogs” are the darkest quarter, the class cat and the class dog."
)


def show_own_slices(experiment: ExperimentRecord, slicing: Slicing, classes: Sequence[str]) -> None:
    own = experiment.labels.slices
    parts = {
        one.key: slice_title(one, classes)
        for one in slicing.slices
        if one.kind is not ImageProperty.OWN
    }
    with st.expander("Slices with a name of your own", icon=":material/bookmark:"):
        for place, one in enumerate(own):
            with st.container(horizontal=True, vertical_alignment="center"):
                made_of = list_text([parts.get(part, part) for part in one.parts])
                st.markdown(f"**{escape_markdown(one.name)}**: {escape_markdown(made_of)}")
                if may_edit():
                    st.button(
                        "Remove",
                        key=f"slices.remove.{place}",
                        on_click=_remove,
                        args=(experiment.id, one.name),
                    )
        if not may_edit():
            show_viewer_note("name slices")
        elif parts:
            _offer_form(experiment, parts)


def _offer_form(experiment: ExperimentRecord, parts: dict[str, str]) -> None:
    with st.form(f"slices.own.{experiment.id}", clear_on_submit=True):
        name = st.text_input("Name", max_chars=80, key=f"slices.own.name.{experiment.id}")
        chosen = st.multiselect(
            "Parts",
            list(parts),
            format_func=lambda key: parts[key],
            key=f"slices.own.parts.{experiment.id}",
            help=HELP,
        )
        if st.form_submit_button("Save", icon=":material/save:"):
            with error_box():
                new = {"name": name, "parts": chosen}
                kept = [*experiment.labels.slices, new]
                actions.label_experiments([experiment.id], slices=kept)
                st.rerun()


def _remove(experiment_id: str, name: str) -> None:
    """Others may have named slices since the page was drawn: those stay."""
    with error_box():
        own = reads.store().experiment(experiment_id).labels.slices
        kept = [one for one in own if one.name != name]
        actions.label_experiments([experiment_id], slices=kept)

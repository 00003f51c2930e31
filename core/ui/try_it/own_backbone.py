"""Try it, Export a model: a trained network as the backbone of other experiments."""

import streamlit as st

from core.backbones.backbone import Backbone
from core.experiments.own_backbones import (
    backbone_of_run,
    backbone_work,
    usual_name,
    why_no_backbone,
)
from core.text import escape_markdown
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.page import link_to
from core.ui.widgets.glossary import explain_all

# The run and the name that somebody asked for.
ASKED = "backbone.asked"


def show_backbone_action(subject: Subject, run_id: str) -> None:
    """Make the network of a run a backbone, follow that, and lead to what can be done with it."""
    st.header("Use it as a backbone", help=explain_all("backbone", "features"))
    if (made := backbone_of_run(run_id)) is not None:
        _show_made(made)
        return
    run = reads.store().run(run_id)
    if (reason := why_no_backbone(run, subject.experiment)) is not None:
        st.info(escape_markdown(reason), icon=":material/layers_clear:")
        return
    st.markdown(
        "What this network learned can be a head start for other images: it becomes a backbone of "
        "your own, which every benchmark offers beside those from ImageNet. It stays also where "
        "this experiment goes."
    )
    asked = st.session_state.get(ASKED)
    if asked is not None and asked[0] == run_id:
        work = ready_or_words(lambda: backbone_work(reads.store(), *asked), f"backbone.{run_id}")
        if work is not None:
            del st.session_state[ASKED]
            st.rerun()
        return
    name = st.text_input(
        "Name",
        usual_name(run, subject.experiment),
        key=f"backbone.name.{run_id}",
        help="It begins the names of its strategies on the command line.",
        width=320,
    )
    pressed = st.button(
        "Make it a backbone",
        icon=":material/layers:",
        key=f"backbone.make.{run_id}",
        disabled=not may_edit(),
        help="It takes some seconds, in a process of its own.",
    )
    show_viewer_note("make backbones")
    if pressed:
        _make(run_id, name.strip())


def _make(run_id: str, name: str) -> None:
    with error_box():
        st.session_state[ASKED] = (run_id, actions.make_backbone(run_id, name))
        st.rerun()


def _show_made(backbone: Backbone) -> None:
    st.success(
        f"This network is the backbone **{escape_markdown(backbone.title)}** "
        f"(`{backbone.name}`). {escape_markdown(backbone.about)}",
        icon=":material/layers:",
    )
    with st.container(horizontal=True):
        link_to("benchmark", "Benchmark with it", strategies=f"{backbone.name}_probe,majority,cnn")
        link_to("measured", "All backbones", section="backbones")

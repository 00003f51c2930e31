"""How it is measured: what a doubter wants to read, each section under an address of its own."""

import streamlit as st

from core.experiments.records import ExperimentRecord
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to, show_page
from core.ui.measured.sections import SECTIONS
from core.ui.widgets.results import choose_experiment

WITHOUT_EXAMPLE = ("backbones", "glossary")
# What was chosen inside one section, or of one experiment, means nothing in another.
OF_ONE_SECTION = ("strategy", "preset", "size", "k", "first", "second")


def body() -> None:
    st.title("How it is measured")
    section = choose_in_row(
        Choice(
            "section",
            "Section",
            "section",
            {name: title for name, (title, _) in SECTIONS.items()},
            "split",
            clears=OF_ONE_SECTION,
        ),
        label_visible=False,
    )
    subject = None if section in WITHOUT_EXAMPLE else chosen_subject(reads.store().experiments())
    title, show = SECTIONS[section]
    st.header(title, anchor=section)
    with error_box():
        show(subject)


def chosen_subject(experiments: list[ExperimentRecord]) -> Subject | None:
    """The experiment that serves as the example; None, with a sentence, where there is none."""
    if not experiments:
        st.info(
            "No results yet, so the rules stand here without an example of your own.",
            icon=":material/info:",
        )
        link_to("benchmark", "Benchmark a dataset")
        return None
    finished = [entry for entry in experiments if entry.state_counts.get("finished")]
    default = (finished or experiments)[0].id
    chosen = choose_experiment(experiments, default, OF_ONE_SECTION, label="Example")
    return evidence_reads.subject(chosen)


show_page("measured", body)

"""Try it, Export a model: a trained network as one zip, with its model card and a program."""

from collections.abc import Sequence

import streamlit as st

from core.reports.export_model import (
    ExportableRun,
    exportable_runs,
    model_package,
    package_name,
    read_package,
    ready_package,
    snippet,
    why_nothing_to_export,
)
from core.reports.model_card import CONTENTS, SNIPPET
from core.text import escape_markdown, size_text
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row
from core.ui.frame.errors import file_or_error
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.page import link_to
from core.ui.try_it.own_backbone import show_backbone_action

# Above this the server would hold too much while a browser fetches it.
LARGEST_DOWNLOAD_BYTES = 600_000_000
ASKED = "keep.asked"
INTRODUCTION = (
    "Take a trained network home: one zip with the network, the names of its classes, a model card "
    "that tells how good it is and where not to trust it, and a short program that asks it about a "
    "picture. It needs no Headstart, and no network connection once its libraries are installed."
)
CARD_HELP = (
    "One page on what the network was trained on, how good it is on pictures it had never seen, "
    "and what it cannot do (Mitchell et al. 2019)."
)
SEED_HELP = "The number that the random start of the training came from: each gave another network."


def show_export(subject: Subject) -> None:
    """Choose a trained network of this experiment and take it home."""
    store = reads.store()
    runs = exportable_runs(store, subject.id)
    st.header("Export a model", help=CARD_HELP)
    if not runs:
        reason = escape_markdown(why_nothing_to_export(store, subject.id))
        st.info(reason, icon=":material/inventory_2:")
        link_to("benchmark", "Train one here")
        return
    st.markdown(INTRODUCTION)
    run = _choose(runs)
    st.caption(f"About {size_text(run.expected_bytes)}, half of it the ONNX file.")
    if run.expected_bytes > LARGEST_DOWNLOAD_BYTES:
        st.info(
            "This one is too large to come through the browser. On the machine that runs "
            "Headstart, this command writes it into a file:"
        )
        command = f"python -m core runs export {run.run_id} --output model.zip"
        st.code(command, language=None, wrap_lines=True)
    elif st.session_state.get(ASKED) == run.run_id or ready_package(store, run.run_id) is not None:
        _show_package(subject, run)
    else:
        st.button(
            "Make the package",
            type="primary",
            icon=":material/inventory_2:",
            key=f"keep.make.{run.run_id}",
            help="It takes half a minute or more, in a process of its own.",
            on_click=st.session_state.update,
            args=({ASKED: run.run_id},),
        )
    _show_contents()
    show_backbone_action(subject, run.run_id)


def _choose(runs: Sequence[ExportableRun]) -> ExportableRun:
    titles = {run.strategy: run.title for run in runs}
    # By validation: who takes the best on the test images would find the card too kind to it.
    best = max(runs, key=lambda run: run.validation_accuracy)
    strategy = choose_in_list(
        Choice("strategy", "Strategy", "strategy", titles, best.strategy, clears=("seed",))
    )
    seeds = {str(run.seed): run for run in runs if run.strategy == strategy}
    chosen = next(iter(seeds))
    if len(seeds) > 1:
        options = {seed: seed for seed in seeds}
        chosen = choose_in_row(Choice("seed", "Seed", "seed", options, chosen, help=SEED_HELP))
    return seeds[chosen]


def _show_package(subject: Subject, run: ExportableRun) -> None:
    """How far the package is; then its download."""
    work = ready_or_words(lambda: model_package(reads.store(), run.run_id), f"keep.{run.run_id}")
    if work is None:
        return
    # Read when it is clicked: until then no session holds it.
    st.download_button(
        f"Download ({size_text(work.result.stat().st_size)})",
        data=file_or_error(lambda: read_package(work.result)),
        file_name=package_name(subject.experiment.spec.dataset_name, run.strategy, run.seed),
        mime="application/zip",
        type="primary",
        icon=":material/download:",
        key=f"keep.download.{run.run_id}",
        on_click="ignore",
    )


def _show_contents() -> None:
    st.markdown("**What is in it**")
    st.markdown(
        "\n".join(f"- `{name}`: {escape_markdown(what)}" for name, what in CONTENTS.items())
    )
    st.caption("Where a network cannot be made into ONNX, the model card tells why.")
    st.markdown("**How to use it**")
    # Without colours: those of Streamlit's code have too little contrast. Wrapped: keys cannot
    # scroll its boxes.
    st.code(
        "pip install -r requirements.txt\npython predict.py my-picture.jpg my-folder", language=None
    )
    with st.expander(f"The program `{SNIPPET}`, as it lies in the zip"):
        st.code(snippet(), language=None, wrap_lines=True)

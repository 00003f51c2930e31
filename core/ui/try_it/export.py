"""Try it, Keep a model: a trained network as one zip, with its model card and a program."""

import streamlit as st

from core.reports.export_model import (
    KeepableRun,
    keepable_runs,
    kept_package,
    package_name,
    read_package,
    ready_package,
    snippet,
    why_nothing_to_keep,
)
from core.reports.model_card import CONTENTS, SNIPPET
from core.text import escape_markdown, size_text
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row
from core.ui.frame.errors import file_or_error
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.page import link_to

MEGABYTE = 1_000_000
# Above this the server would hold too much while a browser fetches it.
LARGEST_DOWNLOAD_BYTES = 600 * MEGABYTE
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


def show_keep(experiment_id: str) -> None:
    """Choose a trained network of this experiment and take it home.

    ``UnknownName`` for an experiment that is not in the store.
    """
    store = reads.store()
    runs = keepable_runs(store, experiment_id)
    st.header("Keep a model", help=CARD_HELP)
    if not runs:
        st.info(
            escape_markdown(why_nothing_to_keep(store, experiment_id)),
            icon=":material/inventory_2:",
        )
        link_to("benchmark", "Train one here")
        return
    st.markdown(INTRODUCTION)
    run = _choose(runs)
    st.caption(f"About {size_text(run.expected_bytes)}, half of it the ONNX file.")
    _show_package(experiment_id, run)
    _show_contents()


def _choose(runs: list[KeepableRun]) -> KeepableRun:
    titles = {run.strategy: run.title for run in runs}
    # By validation: who takes the best on the test images would find the card too kind to it.
    best = max(runs, key=lambda run: run.validation_accuracy)
    strategy = choose_in_list(
        Choice("strategy", "Strategy", "strategy", titles, best.strategy, clears=("seed",))
    )
    seeds = {str(run.seed): run for run in runs if run.strategy == strategy}
    chosen = next(iter(seeds))
    if len(seeds) > 1:
        chosen = choose_in_row(
            Choice(
                "seed",
                "Seed",
                "seed",
                {seed: seed for seed in seeds},
                chosen,
                help="The number that the random start of the training came from: each gave "
                "another network.",
            )
        )
    return seeds[chosen]


def _show_package(experiment_id: str, run: KeepableRun) -> None:
    store = reads.store()
    if run.expected_bytes > LARGEST_DOWNLOAD_BYTES:
        st.info(
            "This one is too large to come through the browser. On the machine that runs "
            "Headstart, this command writes it into a file:"
        )
        st.code(
            f"python -m core runs keep {run.run_id} --output model.zip",
            language=None,
            wrap_lines=True,
        )
        return
    if st.session_state.get(ASKED) != run.run_id and ready_package(store, run.run_id) is None:
        st.button(
            "Make the package",
            type="primary",
            icon=":material/inventory_2:",
            key=f"keep.make.{run.run_id}",
            help="It takes half a minute or more, in a process of its own.",
            on_click=_ask,
            args=(run.run_id,),
        )
        return
    work = ready_or_words(lambda: kept_package(store, run.run_id), f"keep.{run.run_id}")
    if work is None:
        return
    dataset_name = store.experiment(experiment_id).spec.dataset_name
    size_bytes = work.result.stat().st_size
    # Read when it is clicked: until then no session holds it.
    st.download_button(
        f"Download ({size_text(size_bytes)})",
        data=file_or_error(lambda: read_package(work.result)),
        file_name=package_name(dataset_name, run.strategy, run.seed),
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
    st.code("pip install -r requirements.txt\npython predict.py my-picture.jpg", language=None)
    with st.expander(f"The program `{SNIPPET}`, as it lies in the zip"):
        st.code(snippet(), language=None, wrap_lines=True)


def _ask(run_id: str) -> None:
    st.session_state[ASKED] = run_id

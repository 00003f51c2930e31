"""An experiment as a file: made for another Headstart, and taken in from one."""

import tempfile
from pathlib import Path

import streamlit as st

from core.errors import BadInput, HeadstartError
from core.experiments.records import ExperimentRecord
from core.experiments.removal import loss_of
from core.experiments.sharing import export_file
from core.text import size_text
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import LARGEST_DOWNLOAD_BYTES, error_box, file_or_error


def offer_export(experiment: ExperimentRecord) -> None:
    """A file with results and weights, and one with the images too."""
    is_whole = experiment.state_counts.get("finished") == sum(experiment.state_counts.values())
    with st.popover(
        "Export …",
        icon=":material/download:",
        disabled=not is_whole,
        help="One file for another Headstart, with name, note and tags. All runs must have "
        "finished.",
    ):
        kept_bytes = loss_of([experiment], reads.store()).size_bytes
        _offer_file(experiment, "Results and weights", kept_bytes)
        try:
            images_bytes = int(reads.dataset(experiment.spec.dataset_id).sizes.sum())
        except HeadstartError:
            st.caption("Its images are not here.")
        else:
            _offer_file(experiment, "The same with the images", kept_bytes + images_bytes, True)


def _offer_file(
    experiment: ExperimentRecord, label: str, size_bytes: int, with_images: bool = False
) -> None:
    if size_bytes > LARGEST_DOWNLOAD_BYTES:
        flag = " --with-images" if with_images else ""
        st.caption(
            f"{label}: {size_text(size_bytes)} are more than a browser should fetch. Type "
            f"`python -m core experiments export {experiment.id} --output FILE.zip{flag}`."
        )
        return
    st.download_button(
        f"{label}, about {size_text(size_bytes)}",
        data=file_or_error(lambda: _exported(experiment.id, with_images)),
        file_name=f"headstart-{experiment.id}.zip",
        mime="application/zip",
        key=f"experiments.export.{with_images}",
        on_click="ignore",
    )


def _exported(experiment_id: str, with_images: bool) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "experiment.zip"
        export_file(reads.store(), experiment_id, file, with_images)
        return file.read_bytes()


def show_import() -> None:
    """Take in an experiment that somebody exported."""
    if not may_edit():
        return
    with (
        st.expander("Import an experiment", icon=":material/upload:"),
        st.form("experiments.import", clear_on_submit=True),
    ):
        file = st.file_uploader("A file that Export made", type="zip")
        if st.form_submit_button("Import"):
            with error_box():
                if file is None:
                    raise BadInput("Choose a file first.", "file")
                imported = actions.import_experiment(file)
                reads.wake_worker()  # images in it are read by a job
                # Among many, or behind a filter, it would not be seen.
                st.query_params.from_dict({"words": imported})
                st.rerun()

"""Manage a dataset: rename it, download it or the list of what was left out, remove it."""

import io
from typing import Any

import numpy as np
import streamlit as st

from core.datasets.dataset import ENCODED, Dataset
from core.datasets.export import export_zip, quarantine_csv
from core.datasets.storage import LONGEST_DATASET_NAME
from core.errors import BadInput, HeadstartError
from core.experiments.imports import list_imports
from core.experiments.uploads import safe_file_name
from core.text import count_text, escape_markdown, size_text
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.address import FIELD_WIDTH
from core.ui.frame.errors import LARGEST_DOWNLOAD_BYTES, error_box, file_or_error
from core.ui.frame.page import link_to
from core.ui.widgets.results import experiment_label

REMOVED_NOTE = "datasets.removed"


def show_manage(dataset: Dataset) -> None:
    """The three parts, in the order of how much they change."""
    _show_downloads(dataset)
    if not may_edit():
        show_viewer_note("rename or remove a dataset")
        return
    _show_rename(dataset)
    _show_read_again(dataset)
    _show_remove(dataset)


def _show_downloads(dataset: Dataset) -> None:
    st.header("Download")
    st.markdown(
        "A zip with one folder for each class. Files that could not be read are not in it, and the "
        "images carry no place, date or camera. The zip can be added again."
    )
    size_bytes = int(dataset.sizes.sum())
    if size_bytes > LARGEST_DOWNLOAD_BYTES:
        st.info(
            f"The images take {size_text(size_bytes)}, more than a browser should fetch from here. "
            f"Type `python -m core datasets export {escape_markdown(dataset.folder.name)}` instead."
        )
    elif _may_grow_too_large(dataset):
        st.caption(
            "Images that are not JPEG become PNG, which may be larger. For a zip of more than "
            f"{LARGEST_DOWNLOAD_BYTES // 1024**2} MB, type "
            f"`python -m core datasets export {escape_markdown(dataset.folder.name)}` instead."
        )
    with st.container(horizontal=True):
        st.download_button(
            "The images as a zip",
            data=file_or_error(lambda: _exported(dataset)),
            file_name=safe_file_name(f"{dataset.name}.zip"),
            mime="application/zip",
            icon=":material/download:",
            key=f"zip.{dataset.id}",
            disabled=size_bytes > LARGEST_DOWNLOAD_BYTES,
        )
        offer_quarantine_list(dataset, "manage")


def offer_quarantine_list(dataset: Dataset, place: str) -> None:
    """The download of the files that could not be used; ``place`` keeps the keys apart."""
    quarantined = len(dataset.health.quarantined)
    st.download_button(
        "List of the files left out",
        data=file_or_error(lambda: quarantine_csv(dataset)),
        file_name=safe_file_name(f"{dataset.name}-left-out.csv"),
        mime="text/csv",
        icon=":material/download:",
        key=f"quarantine.{place}.{dataset.id}",
        disabled=not quarantined,
        help=f"{count_text(quarantined, 'line')}, each a file with the reason"
        if quarantined
        else "Every file could be used.",
    )


def _may_grow_too_large(dataset: Dataset) -> bool:
    """Whether the pixels alone, not packed, are more than a download may have."""
    pixels = int((dataset.widths.astype(np.int64) * dataset.heights).sum())
    return dataset.encoding == ENCODED and 3 * pixels > LARGEST_DOWNLOAD_BYTES


class _Download(io.BytesIO):
    """A file in memory with a limit: a WebP becomes a PNG of many times its size."""

    def write(self, data: Any, /) -> int:
        if self.tell() + memoryview(data).nbytes > LARGEST_DOWNLOAD_BYTES:
            raise BadInput(
                f"The zip has more than {LARGEST_DOWNLOAD_BYTES // 1024**2} MB, which is more"
                " than a browser should fetch from here. Type: python -m core datasets export",
                "export",
            )
        return super().write(data)


def _exported(dataset: Dataset) -> bytes:
    target = _Download()
    export_zip(dataset, target)
    return target.getvalue()


def _show_rename(dataset: Dataset) -> None:
    st.header("Rename")
    with st.form(f"rename.{dataset.id}", border=False):
        name = st.text_input(
            "Name", value=dataset.name, max_chars=LONGEST_DATASET_NAME, width=FIELD_WIDTH
        )
        pressed = st.form_submit_button("Rename", icon=":material/edit:")
    if not pressed:
        return
    try:
        actions.rename_dataset(dataset.id, name)
    except BadInput as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    st.rerun()


def _show_read_again(dataset: Dataset) -> None:
    """Offer the other ways to read the files, while they are kept."""
    if dataset.reading is None:
        return
    st.header("Read the files another way")
    for other in dataset.reading.others:
        st.markdown(f"- It could also be read so: {escape_markdown(other.title)}")
    found = [entry for entry in list_imports(reads.store()) if entry.dataset_id == dataset.id]
    kept = next((entry for entry in found if entry.source_present), None)
    if kept is None:
        st.caption("The files that it was read from are not kept here any more; add them again.")
        return
    st.markdown(
        "The files are still here. Look at the ways to read them, and choose the classes, the "
        "split and what is left out yourself. This dataset stays as it is; another one is made."
    )
    pressed = st.button(
        "Read it another way", icon=":material/alt_route:", key=f"again.{dataset.id}"
    )
    if pressed:
        try:
            actions.read_again(kept.id)
        except HeadstartError as error:
            st.error(escape_markdown(error), icon=":material/error:")
            return
        st.query_params.clear()
        st.rerun()


def _show_remove(dataset: Dataset) -> None:
    st.header("Remove")
    users = reads.store().active_runs_of_dataset(dataset.id)
    if users:
        st.warning(
            f"It cannot be removed now: {count_text(len(users), 'run uses', 'runs use')} it. Wait "
            "for them, or cancel them.",
            icon=":material/lock:",
        )
        for experiment_id in dict.fromkeys(run.experiment_id for run in users):
            names = [run.id for run in users if run.experiment_id == experiment_id]
            link_to("benchmark", escape_markdown(", ".join(names)), experiment=experiment_id)
        return
    st.markdown(_what_goes(dataset))
    confirmed = st.checkbox("Yes, remove it for good", key=f"sure.{dataset.id}")
    st.button(
        "Remove this dataset",
        icon=":material/delete:",
        key=f"remove.{dataset.id}",
        disabled=not confirmed,
        on_click=_remove,
        args=(dataset,),
    )


def _what_goes(dataset: Dataset) -> str:
    """What is lost and what stays, ready for Markdown."""
    lines = [
        f"- **{escape_markdown(dataset.name)}** is removed, with its "
        f"{count_text(dataset.image_count, 'image')} and its splits. Your own files stay."
    ]
    experiments = [
        entry for entry in reads.store().experiments() if entry.spec.dataset_id == dataset.id
    ]
    if experiments:
        labels = "; ".join(escape_markdown(experiment_label(entry)) for entry in experiments)
        lines.append(
            f"- The numbers of {count_text(len(experiments), 'experiment')} stay, but not the "
            f"images behind them: {labels}"
        )
    versions = [entry for entry in reads.datasets() if entry.version_of == dataset.id]
    if versions:
        names = ", ".join(escape_markdown(entry.name) for entry in versions)
        lines.append(f"- Versions made from it stay: {names}")
    return "\n".join(lines)


def _remove(dataset: Dataset) -> None:
    with error_box():
        # Asked again: somebody may have started a run since the page was drawn.
        if reads.store().active_runs_of_dataset(dataset.id):
            return
        try:
            actions.remove_dataset(dataset.id)
        except HeadstartError as error:
            st.session_state[REMOVED_NOTE] = str(error)
        else:
            st.session_state[REMOVED_NOTE] = f"{dataset.name} was removed."
        st.query_params.clear()

"""Experiments, Disk use: what each part of the home, each dataset and each experiment takes."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.experiments.records import ExperimentRecord
from core.operations.disk import Part, disk_use
from core.settings import current_settings
from core.text import count_text, size_text
from core.ui.experiments.listed import listed, make_missing
from core.ui.frame import reads
from core.ui.widgets.exhibit import show_table

MEGABYTE = 10**6
MOST_LISTED = 50
HELP = (
    "On the machine of this page. Caches are made again when they are needed: `storage clean "
    "--unused-days 30` on the command line says what it would drop, and with `--yes` drops it."
)


def show_disk(experiments: Sequence[ExperimentRecord]) -> None:
    parts = _parts(str(current_settings().home))
    st.header("What takes room", help=HELP)
    total = sum(part.size_bytes for part in parts)
    st.markdown(f"Headstart keeps {size_text(total)} here.")
    show_table(
        pd.DataFrame(
            {
                "part": [part.name for part in parts],
                "size (MB)": [part.size_bytes / MEGABYTE for part in parts],
                "what it is": [part.meaning for part in parts],
            }
        ),
        "disk.parts",
        "What each part of the home takes, the largest first.",
        height="content",
    )
    sizes = {one.name: int(one.sizes.sum()) for one in reads.datasets()}
    _show_largest("Datasets", "dataset", sizes)
    found, missing = listed(experiments)
    names = {
        f"{one.labels.name or one.spec.dataset_name} · {one.id}": result.size_bytes
        for one, result in found
        if result is not None
    }
    _show_largest("Experiments", "experiment", names)
    st.caption(
        "Predictions and trained weights. Choose rows in the table of all to remove experiments, "
        "or to drop their weights alone."
    )
    make_missing(missing)


def _show_largest(title: str, kind: str, sizes: dict[str, int]) -> None:
    """The largest of them by name, their sizes in bytes."""
    if not sizes:
        return
    st.header(title)
    largest = sorted(sizes.items(), key=lambda entry: -entry[1])[:MOST_LISTED]
    if len(largest) < len(sizes):
        st.caption(f"The largest {len(largest)} of {count_text(len(sizes), kind)}.")
    frame = pd.DataFrame(
        {
            kind: [name for name, _ in largest],
            "size (MB)": [size_bytes / MEGABYTE for _, size_bytes in largest],
        }
    )
    show_table(frame, f"disk.{kind}", f"What each {kind} takes, the largest first.")


# The folders of a home that was used for years have very many files.
@st.cache_data(max_entries=4, ttl=60, show_spinner="Measuring the folders")
def _parts(home: str) -> list[Part]:
    return disk_use()

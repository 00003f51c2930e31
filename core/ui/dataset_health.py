"""The health of a dataset: findings with their pictures and what can be done, and two charts."""

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from core.charts.dataset import (
    charted_classes,
    class_counts_chart,
    counts_by_side,
    sizes_chart,
)
from core.charts.style import percent_text
from core.datasets.health.findings import Finding, size_summary
from core.datasets.health.sizes import size_text
from core.datasets.model import Dataset
from core.ui import reads
from core.ui.dataset_cleanup import ACTION_LABELS, prepare_changes
from core.ui.dataset_facts import SEVERITY_LOOKS, majority_text
from core.ui.dataset_manage import offer_quarantine_list
from core.ui.dataset_pictures import PAGE_SIZE, show_tiles
from core.ui.texts import literal, plural

GROUPS_A_PAGE = 6
MOST_TILES_A_GROUP = 12
MOST_FILES_LISTED = 1000

Entry = TypeVar("Entry")


def show_health(dataset: Dataset) -> None:
    """What needs a look, then counts and sizes, then what else was noticed."""
    found = list(enumerate(reads.findings(dataset)))
    for number, finding in found:
        if finding.severity != "note":
            with st.container(border=True):
                _show_finding(dataset, finding, number)
    _show_counts(dataset)
    _show_sizes(dataset)
    notes = [(number, finding) for number, finding in found if finding.severity == "note"]
    if notes:
        st.header("Also noticed")
    for number, finding in notes:
        with st.container(border=True):
            _show_finding(dataset, finding, number)


def _show_finding(dataset: Dataset, finding: Finding, number: int) -> None:
    word, icon, colour = SEVERITY_LOOKS[finding.severity]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]
        st.markdown(f"**{literal(finding.title)}**")
    if finding.advice:
        st.markdown(literal(finding.advice))
    if finding.actions:
        with st.container(horizontal=True):
            for action in finding.actions:
                st.button(
                    ACTION_LABELS[action],
                    key=f"act.{dataset.id}.{number}.{action}",
                    help="Opens Clean up with this chosen. Nothing changes yet.",
                    on_click=prepare_changes,
                    args=(dataset, action, finding),
                )
    if finding.kind == "quarantined":
        _show_quarantined(dataset)
    if finding.image_groups:
        _show_groups(dataset, finding, number)


def _show_groups(dataset: Dataset, finding: Finding, number: int) -> None:
    groups = finding.image_groups
    label = "See the pictures"
    if finding.count > len(groups) > 1:
        label = f"See the first {len(groups):,} of {finding.count:,}"
    # Drawn on demand: what is folded decodes no pictures.
    key = f"groups.{dataset.id}.{number}"
    folded = st.expander(label, icon=":material/photo_library:", key=key, on_change="rerun")
    if not folded.open:
        return
    with folded:
        if all(len(group) == 1 for group in groups):
            shown = _page_of([group[0] for group in groups], PAGE_SIZE, key)
            show_tiles(dataset, shown, key, name=False)
            return
        for place, group in enumerate(_page_of(groups, GROUPS_A_PAGE, key)):
            with st.container(border=True):
                show_tiles(dataset, group[:MOST_TILES_A_GROUP], f"{key}.{place}", name=False)
                if len(group) > MOST_TILES_A_GROUP:
                    st.caption(f"{len(group) - MOST_TILES_A_GROUP:,} more are not shown.")


def _page_of(entries: Sequence[Entry], size: int, key: str) -> Sequence[Entry]:
    """The entries of the page that is chosen, with the choice where there are several."""
    pages = -(-len(entries) // size)
    page = st.pagination(pages, key=f"page.{key}") if pages > 1 else 1
    return entries[(page - 1) * size : page * size]


def _show_quarantined(dataset: Dataset) -> None:
    entries = dataset.health["quarantined"]
    with st.expander("See the files", icon=":material/list:"):
        st.dataframe(
            {
                "file": [entry["file"] for entry in entries[:MOST_FILES_LISTED]],
                "reason": [entry["reason"] for entry in entries[:MOST_FILES_LISTED]],
            },
            hide_index=True,
            key=f"quarantined.{dataset.id}",
            alt="The files that could not be used, each with the reason.",
        )
        if len(entries) > MOST_FILES_LISTED:
            st.caption(f"The first {MOST_FILES_LISTED:,}; the download has all.")
        offer_quarantine_list(dataset, "health")


def _show_counts(dataset: Dataset) -> None:
    st.header("Images of each class")
    st.markdown(f"{majority_text(dataset)}: that is what always saying its name gets right.")
    _, left_out = charted_classes(dataset)
    if left_out:
        st.caption(
            f"The largest and the smallest classes; {plural(left_out, 'class')} between them are "
            "in the table."
        )
    st.plotly_chart(
        class_counts_chart(dataset),
        key=f"counts.{dataset.id}",
        alt=f"Images of each class. {majority_text(dataset)}. The table below has every number.",
    )
    with st.expander("The numbers as a table", icon=":material/table:"):
        st.dataframe(
            _counts_table(dataset),
            hide_index=True,
            column_config={"share (%)": st.column_config.NumberColumn(format="%.1f")},
            key=f"table.{dataset.id}",
            alt="Every class with its images and its share of the dataset.",
        )


def _counts_table(dataset: Dataset) -> dict[str, list]:
    counts = dataset.class_counts
    table: dict[str, list] = {
        "class": list(counts),
        "images": list(counts.values()),
        "share (%)": [100 * count / dataset.image_count for count in counts.values()],
    }
    if dataset.given_sides is not None:
        table |= {side: of_side.tolist() for side, of_side in counts_by_side(dataset).items()}
    return table


def _show_sizes(dataset: Dataset) -> None:
    st.header("Sizes")
    sizes = size_summary(dataset)
    if sizes.smallest == sizes.largest:
        st.markdown(f"Every picture has {size_text(sizes.smallest)} pixels.")
        return
    words = (
        f"Smallest {size_text(sizes.smallest)}, median {size_text(sizes.median)}, largest "
        f"{size_text(sizes.largest)} pixels (width × height). Upright: "
        f"{percent_text(sizes.portrait)}, wide: {percent_text(sizes.landscape)}, square: "
        f"{percent_text(sizes.square)}."
    )
    st.markdown(f"{words} The benchmark brings them all to one size, so nothing needs to be done.")
    st.plotly_chart(
        sizes_chart(dataset),
        key=f"sizes.{dataset.id}",
        alt=f"Width against height of the pictures. {words}",
    )

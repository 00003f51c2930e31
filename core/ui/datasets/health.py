"""The health of a dataset: findings with their images and what can be done, and two charts."""

import streamlit as st

from core.charts.dataset import charted_classes, class_counts_chart, sizes_chart, sizes_words
from core.datasets.dataset import Dataset
from core.datasets.health.finding import Finding, size_summary
from core.text import count_text, dimensions_text, escape_markdown
from core.ui.datasets.cleanup import ACTION_LABELS, prepare_changes
from core.ui.datasets.facts import SEVERITY_LOOKS, majority_text
from core.ui.datasets.images import PAGE_SIZE, page_of, show_images_of
from core.ui.datasets.manage import offer_quarantine_list
from core.ui.frame import reads
from core.ui.frame.drawing import draw_once
from core.ui.widgets.exhibit import show_exhibit

GROUPS_A_PAGE = 6
MOST_TILES_A_GROUP = 12
MOST_FILES_LISTED = 1000


def show_health(dataset: Dataset) -> None:
    """Problems and warnings, then counts and sizes, then notes."""
    found = list(enumerate(reads.findings(dataset)))
    notes = [(number, finding) for number, finding in found if finding.severity == "note"]
    for number, finding in found:
        if finding.severity != "note":
            _show_finding(dataset, finding, number)
    draw_once(reads.dataset_key(dataset), _draw_counts_and_sizes, dataset)
    if notes:
        st.header("Also noticed")
    for number, finding in notes:
        _show_finding(dataset, finding, number)


def _show_finding(dataset: Dataset, finding: Finding, number: int) -> None:
    word, icon, colour = SEVERITY_LOOKS[finding.severity]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]
            st.markdown(f"**{escape_markdown(finding.title)}**")
        if finding.advice:
            st.markdown(escape_markdown(finding.advice))
        if finding.actions:
            with st.container(horizontal=True):
                for action in finding.actions:
                    st.button(
                        _action_label(finding, action),
                        key=f"act.{dataset.id}.{number}.{action}",
                        help="Opens Clean up with this chosen. Nothing changes yet.",
                        on_click=prepare_changes,
                        args=(dataset, action, finding),
                    )
        if finding.kind == "quarantined":
            _show_quarantined(dataset)
        if finding.image_groups:
            _show_groups(dataset, finding, number)


def _action_label(finding: Finding, action: str) -> str:
    shown = len(finding.image_groups)
    if action == "drop_images" and finding.count > shown:
        return f"Leave out the first {shown:,}"
    return ACTION_LABELS[action]


def _show_groups(dataset: Dataset, finding: Finding, number: int) -> None:
    groups = finding.image_groups
    label = "See the images"
    if finding.count > len(groups) > 1:
        label = f"See the first {len(groups):,} of {finding.count:,}"
    # Drawn on demand: a folded group decodes no image.
    key = f"groups.{dataset.id}.{number}"
    folded = st.expander(label, icon=":material/photo_library:", key=key, on_change="rerun")
    if not folded.open:
        return
    with folded:
        if all(len(group) == 1 for group in groups):
            shown = page_of([group[0] for group in groups], PAGE_SIZE, f"page.{key}")
            show_images_of(dataset, shown, key)
            return
        for place, group in enumerate(page_of(groups, GROUPS_A_PAGE, f"page.{key}")):
            with st.container(border=len(groups) > 1):
                show_images_of(dataset, group[:MOST_TILES_A_GROUP], f"{key}.{place}")
                if len(group) > MOST_TILES_A_GROUP:
                    st.caption(f"{len(group) - MOST_TILES_A_GROUP:,} more are not shown.")


def _show_quarantined(dataset: Dataset) -> None:
    entries = dataset.health.quarantined
    with st.expander("See the files", icon=":material/list:"):
        st.dataframe(
            {
                "file": [entry.file for entry in entries[:MOST_FILES_LISTED]],
                "reason": [entry.reason for entry in entries[:MOST_FILES_LISTED]],
            },
            hide_index=True,
            key=f"quarantined.{dataset.id}",
            alt="The files that could not be used, each with the reason.",
        )
        if len(entries) > MOST_FILES_LISTED:
            st.caption(f"The first {MOST_FILES_LISTED:,}; the download has all.")
        offer_quarantine_list(dataset, "health")


def _draw_counts_and_sizes(dataset: Dataset) -> None:
    _draw_counts(dataset)
    _draw_sizes(dataset)


def _draw_counts(dataset: Dataset) -> None:
    st.header("Images of each class")
    st.markdown(f"{majority_text(dataset)}: the accuracy of always predicting it.")
    _, left_out = charted_classes(dataset)
    if left_out:
        st.caption(
            f"The largest and the smallest classes; {count_text(left_out, 'class')} between them "
            "are in the table."
        )
    exhibit = class_counts_chart(dataset)
    show_exhibit(exhibit, f"counts.{dataset.id}", table=False, config={})
    with st.expander("The numbers as a table", icon=":material/table:"):
        st.dataframe(
            exhibit.frame,
            hide_index=True,
            column_config={"fraction (%)": st.column_config.NumberColumn(format="%.1f")},
            key=f"table.{dataset.id}",
            alt="Every class with its images and its fraction of the dataset.",
        )


def _draw_sizes(dataset: Dataset) -> None:
    st.header("Sizes")
    sizes = size_summary(dataset)
    if sizes.smallest == sizes.largest:
        st.markdown(f"Every image has {dimensions_text(sizes.smallest)} pixels.")
        return
    st.markdown(
        f"{sizes_words(dataset)} The benchmark resizes all images to one size, so nothing needs to "
        "be done."
    )
    show_exhibit(sizes_chart(dataset), f"sizes.{dataset.id}", table=False, config={})
    st.caption(
        "A point shows the images of about one size, a larger point more of them. Above the dotted "
        "line images are portrait, below it landscape."
    )

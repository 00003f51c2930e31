"""Compare, Report: everything as one file to send on, every table as a zip, how to repeat it."""

import streamlit as st

from core.reports.export import run_command
from core.reports.report import report_html
from core.reports.tables import export_zip_of_tables
from core.text import escape_markdown
from core.ui.frame import reads
from core.ui.frame.errors import file_or_error
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.results import show_downloads

HTML_HELP = (
    "One HTML file of about 5 MB with everything in it: the summary, the ladder, the table, "
    "statistics in words, the time breakdown, curves, the confusion matrix, pictures that differ, "
    "the health of the dataset, versions and seeds. It opens without a network and prints well."
)
ZIP_HELP = (
    "Every table as CSV (safe to open in a spreadsheet) and as JSON: results, every metric by "
    "strategy and seed, pairs, the time breakdown, confusion matrices, classes, pictures that "
    "differ, doubtful labels."
)


def show_report(subject: Subject) -> None:
    if not subject.comparison.finished_rows:
        st.info(
            "No run of this experiment has finished yet, so a report would be empty.",
            icon=":material/hourglass_empty:",
        )
    else:
        _show_downloads(subject)
    spec = subject.experiment.spec
    st.header("Repeat it")
    st.markdown(
        "This command runs the same strategies on the same split again, where the dataset "
        f"{escape_markdown(spec.dataset_name)} is."
    )
    st.code(run_command(spec), language=None, wrap_lines=True)
    if spec.split_fingerprint:
        st.caption(
            f"Split fingerprint `{spec.split_fingerprint}`: the same images in the same parts."
        )


def _show_downloads(subject: Subject) -> None:
    store, name = reads.store(), f"headstart-{subject.id}"
    st.header("Report")
    st.markdown(HTML_HELP)
    # Built when it is asked for: it takes a second or two.
    st.download_button(
        "Download the report",
        data=file_or_error(lambda: report_html(store, subject.id)),
        file_name=f"{name}.html",
        mime="text/html",
        type="primary",
        icon=":material/description:",
        on_click="ignore",
    )
    st.header("Tables")
    st.markdown(ZIP_HELP)
    st.download_button(
        "Download all tables",
        data=file_or_error(lambda: export_zip_of_tables(store, subject.id)),
        file_name=f"{name}-tables.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
    )
    show_downloads(subject.comparison)

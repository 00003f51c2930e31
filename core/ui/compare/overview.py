"""Compare, Overview and Report: what was found, in words first, and files to take away."""

import streamlit as st

from core.analysis.comparison import Comparison, title_of
from core.analysis.curves import Curve
from core.analysis.evidence import ExperimentPredictions
from core.analysis.families import FEW
from core.analysis.metrics import METRICS, TOP, TOP_METRIC, defined_metrics
from core.analysis.scores import score_table
from core.analysis.summary import summary_of
from core.analysis.verdicts import ladder_steps
from core.analysis.words.answer import answer_cards
from core.analysis.words.own_backbones import describe_gone
from core.analysis.words.ranking import describe_left_out
from core.analysis.words.summary import describe_findings
from core.charts.accuracy import accuracy_scores, ladder_chart, scores_chart
from core.charts.curves import CURVE_METRICS, curve_chart
from core.experiments.planning import below_title
from core.experiments.records import ExperimentRecord
from core.reports.export import run_command, to_csv, to_json
from core.reports.report import report_html
from core.reports.tables import export_zip_of_tables
from core.text import count_text, escape_markdown, list_text
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.drawing import digest_of, draw_once
from core.ui.frame.errors import file_or_error
from core.ui.frame.evidence_reads import Subject, breakdown_of, computed, drawn
from core.ui.frame.page import link_to
from core.ui.widgets.answer import show_cards
from core.ui.widgets.exhibit import evidence_or_words, sentences, show_exhibit
from core.ui.widgets.glossary import explain_all
from core.ui.widgets.results import (
    INTERVAL_HELP,
    show_facts,
    show_note,
    show_results_table,
    show_seeds,
)

LADDER_HELP = (
    "From always predicting the commonest class, at the bottom of the ladder, to the best "
    "strategy, in order of accuracy. Each bar is what a step adds to the one before; the whisker "
    "is the 95 % interval of that step over images and seeds. A whisker that reaches back over the "
    "start of its bar is a step that may be luck."
)
OTHER_INTERVAL_HELP = (
    "The bar is the 95 % interval over test images like these (of ROC AUC by DeLong's formula, of "
    "others from drawing the images anew many times). Small open markers are the single seeds."
)
CURVES_HELP = (
    "One line a run, the seeds of a strategy in one colour. Training accuracy is measured while "
    "the weights move and with dropout on, validation after the epoch."
)
HTML_HELP = (
    "One HTML file of about 5 MB with everything in it: the summary, the ladder, the table, "
    "statistics in words, the time breakdown, curves, classes, the confusion matrix, pictures that "
    "differ, the health of the dataset, versions and seeds. It opens without a network and prints "
    "well."
)
ZIP_HELP = (
    "Every table as CSV (safe to open in a spreadsheet) and as JSON: results, every metric by "
    "strategy and seed, pairs, slices, the time breakdown, confusion matrices, classes, pictures "
    "that differ, doubtful labels."
)


def show_overview(subject: Subject) -> None:
    comparison = subject.comparison
    for sentence in describe_gone(subject.comparison.backbones):
        st.info(escape_markdown(sentence), icon=":material/link_off:")
    evidence = evidence_or_words(subject) if comparison.finished_rows else None
    if evidence is not None:
        # Of all strategies, whichever are shown below.
        drawn(subject.with_all, _draw_findings)
    drawn(subject, _draw_facts)
    _show_written(subject.experiment)
    if comparison.is_active:
        st.info("This experiment is still at work; its rows appear as they finish.")
        link_to("benchmark", "Watch it", experiment=subject.id)
    if not comparison.finished_rows:
        st.warning("No run of this experiment has finished, so there is nothing to show yet.")
        drawn(subject, _draw_seeds)
        return
    if evidence is not None:
        drawn(subject, _draw_scores, choose_metric(evidence))
        drawn(subject, _draw_ladder)
    else:
        drawn(subject, _draw_accuracies)
    drawn(subject, _draw_results)
    _show_downloads(comparison)
    for name, reason in comparison.unavailable.items():
        why = escape_markdown(below_title(name, reason))
        st.caption(f":material/lock: **{escape_markdown(title_of(name))}** was left out. {why}")
    if _curves_of(subject):
        _show_curves(subject)
    drawn(subject, _draw_seeds)


def _curves_of(subject: Subject) -> list[Curve]:
    return [one for one in reads.curves(subject.id) if one.strategy in subject.strategies]


def _draw_findings(subject: Subject) -> None:
    words_help = explain_all("strategy", "baseline", "majority class", "seed")
    st.header("What was found", help=words_help)
    evidence = evidence_reads.evidence(subject)
    summary = summary_of(evidence, breakdown_of(subject))
    if summary is not None:
        show_cards(answer_cards(summary))
    sentences(describe_findings(evidence, summary))


def _draw_facts(subject: Subject) -> None:
    show_facts(subject.comparison)


def _show_written(experiment: ExperimentRecord) -> None:
    """The note, and the way to the experiment that this one repeats with changes."""
    labels = experiment.labels
    if labels.repeats and labels.repeats in {one.id for one in reads.store().experiments()}:
        link_to(
            "compare",
            "Compare with the one it repeats",
            experiment=experiment.id,
            view="several",
            several=f"{labels.repeats},{experiment.id}",
        )
    if labels.note:
        st.header("Note")
        show_note(labels.note)


def _draw_accuracies(subject: Subject) -> None:
    """Where the answers cannot be read: from the stored results alone."""
    st.header("Test accuracy", help=INTERVAL_HELP)
    scores = accuracy_scores(subject.comparison)
    show_exhibit(scores_chart(scores), f"accuracy.{subject.id}")


def _draw_results(subject: Subject) -> None:
    st.header("All results", help=explain_all("epoch", "features", "confidence interval"))
    show_results_table(subject.comparison, key=subject.id)


def _draw_seeds(subject: Subject) -> None:
    show_seeds(subject.comparison)


def choose_metric(evidence: ExperimentPredictions) -> str:
    """The metric that a chart shows; the address keeps it.

    Top 3 accuracy is not offered for three classes or fewer: it would always be 100 %.
    """
    offered = {
        name: metric
        for name, metric in defined_metrics(evidence).items()
        if name != TOP_METRIC or len(evidence.classes) > TOP
    }
    chosen = choose_in_row(
        Choice(
            name="metric",
            label="Metric",
            kind="metric",
            options={name: metric.title for name, metric in offered.items()},
            default="accuracy",
            help="\n\n".join(f"**{metric.title}**: {metric.help}" for metric in offered.values()),
        )
    )
    metric = METRICS[chosen]
    left_out = escape_markdown(describe_left_out(evidence, chosen))
    st.caption(f"{escape_markdown(metric.help)} {metric.better.capitalize()} is better. {left_out}")
    return chosen


def _draw_scores(subject: Subject, name: str) -> None:
    scores = computed(subject, score_table, name)
    metric = METRICS[name]
    st.header(
        escape_markdown(metric.heading),
        help=INTERVAL_HELP if metric.is_fraction else OTHER_INTERVAL_HELP,
    )
    seeds = sorted({len(score.seeds) for score in scores})
    if seeds == [1]:
        st.caption("One seed.")
    else:
        counts = list_text([count_text(count, "seed") for count in seeds], last="or")
        st.caption(f"{counts}, each a small open marker below its mean.")
    show_exhibit(scores_chart(scores), f"{name}.{subject.id}")


def _draw_ladder(subject: Subject) -> None:
    steps = computed(subject, ladder_steps)
    st.header("The ladder, step by step", help=LADDER_HELP)
    show_exhibit(ladder_chart(steps), f"ladder.{subject.id}")
    lines = [
        f"- **{escape_markdown(step.title)}**: {escape_markdown(step.teaches)}"
        for step in steps
        if step.teaches
    ]
    few = len(lines) <= FEW
    with st.expander("What each step teaches", icon=":material/school:", expanded=few):
        st.markdown("\n".join(lines))


def _show_curves(subject: Subject) -> None:
    st.header("Training curves", help=CURVES_HELP)
    names = {str(name): title for name, title in CURVE_METRICS.items()}
    chosen = choose_in_row(
        Choice("curve", "Curve of", "training metric", names, "validation_accuracy"),
        label_visible=False,
    )
    key = digest_of(subject.key, reads.curves_key(subject.id))
    draw_once(key, _draw_curves, subject, chosen)


def _draw_curves(subject: Subject, chosen: str) -> None:
    metric = next(name for name in CURVE_METRICS if name == chosen)
    exhibit = curve_chart(_curves_of(subject), metric)
    show_exhibit(exhibit, f"curves.{subject.id}", table=False, config={})


def _show_downloads(comparison: Comparison) -> None:
    """The table as files, built when asked for."""
    name = f"headstart-{comparison.experiment}"
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV",
            data=file_or_error(lambda: to_csv(comparison, byte_order_mark=True)),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"csv.{comparison.experiment}",
            help="One line a strategy; fractions 0 to 1, times in seconds.",
        )
        st.download_button(
            "Everything as JSON",
            data=file_or_error(lambda: to_json(comparison)),
            file_name=f"{name}.json",
            mime="application/json",
            icon=":material/data_object:",
            key=f"json.{comparison.experiment}",
            help="With versions, seeds, split, and each run; fractions 0 to 1, times in seconds.",
        )


def show_report(subject: Subject) -> None:
    if subject.comparison.finished_rows:
        _show_files(subject)
    else:
        st.info(
            "No run of this experiment has finished yet, so a report would be empty.",
            icon=":material/hourglass_empty:",
        )
    spec = subject.experiment.spec
    st.header("Repeat it")
    st.markdown(
        "This command runs the same strategies on the same split again, on any machine that has "
        f"the dataset {escape_markdown(spec.dataset_name)}."
    )
    st.code(run_command(spec), language=None, wrap_lines=True)
    if spec.split_fingerprint:
        st.caption(
            f"Split fingerprint `{spec.split_fingerprint}`: the same images in the same subsets."
        )


def _show_files(subject: Subject) -> None:
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
    _show_downloads(subject.comparison)

"""The sections of a report that come from numbers: ladder, results, statistics, time, curves,
confusion matrix."""

from collections.abc import Sequence

import numpy as np

from core.analysis.comparison import Comparison, results_frame
from core.analysis.confusion import Confusion, confusion
from core.analysis.curves import Curve
from core.analysis.evidence import ExperimentPredictions
from core.analysis.scores import score_table
from core.analysis.time_breakdown import TimeBreakdown
from core.analysis.verdicts import against_majority, all_pairs, ladder_steps, ties
from core.analysis.words.verdicts import (
    NO_TIES,
    TOLD_APART,
    describe_majority,
    describe_power,
    describe_ties,
)
from core.charts.accuracy import ladder_chart, scores_chart
from core.charts.confusion import confusion_chart, left_out_sentence
from core.charts.curves import curve_chart
from core.charts.pairs import pairs_chart
from core.charts.time import (
    accuracy_time_chart,
    costs_frame,
    time_breakdown_chart,
    whole_run_seconds,
)
from core.reports.blocks import (
    Block,
    Chart,
    Paragraphs,
    Section,
    Table,
    shortened,
    table_of,
)
from core.strategies.registry import MAJORITY
from core.text import UNKNOWN, number_text, percent_text

# A matrix with more columns does not fit a printed page.
MOST_MATRIX_CLASSES = 20
MISTAKES_LISTED = 30
_RESULT_COLUMNS = (
    "strategy",
    "state",
    "test accuracy (%)",
    "low (%)",
    "high (%)",
    "over majority (points)",
    "log loss (nats)",
    "validation accuracy (%)",
    "training accuracy (%)",
)
_COST_COLUMNS = (
    "strategy",
    "first epoch (s)",
    "steady epoch (s)",
    "features (s)",
    "whole run (s)",
    "epochs",
    "parameters",
    "trained parameters",
)
_TIME_DETAILS = (
    "strategy",
    "seeds",
    "fastest (s)",
    "slowest (s)",
    "saved by the cache, all seeds (s)",
    "training speed (images/s)",
    "trained on",
    "peak memory (MB)",
)


def ladder_section(evidence: ExperimentPredictions) -> Section:
    steps = ladder_steps(evidence)
    chart = ladder_chart(steps)
    taught = tuple(f"{step.title}: {step.teaches}" for step in steps if step.teaches)
    return Section(
        "ladder",
        "The ladder",
        (
            Chart(
                "ladder-chart",
                "Test accuracy step by step; the line around each point is the 95 % interval of "
                "the step.",
                chart,
            ),
            table_of(
                chart.frame.drop(columns="what it teaches"),
                "The steps of the ladder, from the majority class up.",
            ),
            Paragraphs(("What each step teaches:",)),
            Paragraphs(taught, points=True),
        ),
    )


def results_section(evidence: ExperimentPredictions, comparison: Comparison) -> Section:
    """The table is also there if no predictions can be read."""
    frame = results_frame(comparison)
    scores = score_table(evidence)
    blocks: list[Block] = []
    if scores:
        chart = scores_chart(scores)
        blocks = [
            Chart(
                "seeds-chart",
                "Test accuracy: the mean with its 95 % interval, and each seed as an open point.",
                chart,
            ),
            table_of(chart.frame, "Test accuracy: mean, spread and every seed."),
        ]
    finished = all(row.status == "finished" for row in comparison.rows)
    columns = [name for name in _RESULT_COLUMNS if not (finished and name == "state")]
    blocks += [
        table_of(frame, "Results; means over the seeds.", columns),
        table_of(frame, "Size and time; medians over the seeds.", _COST_COLUMNS),
    ]
    return Section("results", "Results", tuple(blocks))


def statistics_section(evidence: ExperimentPredictions) -> Section:
    pairs = all_pairs(evidence)
    against = tuple(
        describe_majority(against_majority(evidence, answers.strategy))
        for answers in evidence.answers
        if answers.strategy != MAJORITY
    )
    tied = tuple(map(describe_ties, ties(evidence))) or (NO_TIES,)
    blocks: list[Block] = [
        Paragraphs((*tied, describe_power(evidence))),
        Paragraphs(("Against always predicting the majority class:",)),
        Paragraphs(against, points=True),
    ]
    if pairs:
        chart = pairs_chart(pairs)
        blocks += [
            Chart(
                "pairs-chart",
                "How many points each row is ahead of each column. ▲: clearly ahead; ▼: clearly "
                f"behind; ≈: they cannot be {TOLD_APART}.",
                chart,
            ),
            table_of(
                chart.frame.drop(columns=["p", "in words"]),
                "Every pair: exact paired test on the shared test images, adjusted for the number "
                "of pairs (Holm).",
            ),
        ]
    return Section("differences", "Which differences are real", tuple(blocks))


def time_section(evidence: ExperimentPredictions, breakdown: TimeBreakdown) -> Section:
    chart = time_breakdown_chart(breakdown)
    parts = [name for name in chart.frame.columns if name not in _TIME_DETAILS[1:]]
    blocks: list[Block] = [
        Chart(
            "time-chart", "One whole run of each strategy, by what the time was spent on.", chart
        ),
        table_of(chart.frame, "Where the time of one run went.", parts),
        table_of(chart.frame, "Spread, cache, speed and memory.", _TIME_DETAILS),
        table_of(
            costs_frame(breakdown), "Time until validation accuracy first reached each target."
        ),
    ]
    scores = score_table(evidence, with_intervals=False)
    if scores:
        bought = accuracy_time_chart(scores, whole_run_seconds(breakdown))
        blocks += [
            Chart(
                "pareto-chart",
                "Test accuracy against the time of a whole run. Filled: on the Pareto front, no "
                "other strategy is both better and faster.",
                bought,
            ),
            table_of(bought.frame, "Accuracy and time, the fastest first."),
        ]
    return Section("time", "What it costs in time", tuple(blocks))


def curves_section(curves: Sequence[Curve]) -> Section:
    trained = [curve for curve in curves if curve.main_epochs]
    if not trained:
        nothing = Paragraphs(("No network was trained, so there are no curves.",))
        return Section("curves", "Training curves", (nothing,))
    headings = (
        "strategy",
        "seed",
        "epochs",
        "best validation accuracy",
        "after epoch",
        "last validation accuracy",
        "last training accuracy",
    )
    chart = curve_chart(trained, "validation_accuracy")
    return Section(
        "curves",
        "Training curves",
        (
            Chart("curves-chart", "Validation accuracy after each epoch, one line a seed.", chart),
            Table(
                "The best and the last epoch of each run.",
                headings,
                tuple(_best_and_last(curve) for curve in trained),
            ),
        ),
    )


def _best_and_last(curve: Curve) -> tuple[str, ...]:
    epochs = curve.main_epochs
    best = max(epochs, key=lambda epoch: epoch.validation_accuracy)
    return (
        curve.title,
        str(curve.seed),
        str(len(epochs)),
        percent_text(best.validation_accuracy),
        str(best.epoch),
        percent_text(epochs[-1].validation_accuracy),
        percent_text(epochs[-1].train_accuracy),
    )


def confusion_section(evidence: ExperimentPredictions) -> Section:
    """The confusion matrix of the best strategy."""
    best = evidence.best
    if best is None:
        nothing = Paragraphs(("No predictions can be read, so there is no matrix.",))
        return Section("confusion", "Confusion matrix", (nothing,))
    matrix = confusion(evidence, best.strategy)
    chart = confusion_chart(matrix)
    left_out = left_out_sentence(matrix, "the exported tables have")
    return Section(
        "confusion",
        "Confusion matrix",
        (
            Paragraphs((chart.words, *((left_out,) if left_out else ()))),
            Chart(
                "confusion-chart",
                f"Confusion matrix of {best.title}: rows are labels, columns are predictions; "
                "test images (means over the seeds).",
                chart,
            ),
            _confusion_table(matrix),
        ),
    )


def _confusion_table(matrix: Confusion) -> Table:
    if len(matrix.classes) > MOST_MATRIX_CLASSES:
        return _mistakes_table(matrix)
    return Table(
        "Rows are labels, columns are predictions; test images.",
        ("label", "correct", *(shortened(name) for name in matrix.classes)),
        tuple(
            (
                name,
                UNKNOWN if np.isnan(recall) else percent_text(float(recall)),
                *("·" if count == 0 else number_text(count) for count in counts),
            )
            for name, recall, counts in zip(
                matrix.classes, np.diagonal(matrix.fractions), matrix.counts, strict=True
            )
        ),
        upright=True,
    )


def _mistakes_table(matrix: Confusion) -> Table:
    wrong = matrix.wrong
    worst = np.argsort(-wrong.ravel(), kind="stable")[:MISTAKES_LISTED]
    cells = [divmod(int(cell), len(matrix.classes)) for cell in worst]
    return Table(
        f"The {MISTAKES_LISTED} most frequent mistakes; all are in the exported table.",
        ("label", "predicted", "images"),
        tuple(
            (matrix.classes[true], matrix.classes[predicted], number_text(wrong[true, predicted]))
            for true, predicted in cells
            if wrong[true, predicted] > 0
        ),
    )

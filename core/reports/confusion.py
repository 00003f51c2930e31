"""The section of a report that says which class was taken for which."""

import numpy as np

from core.charts.confusion import MOST_CLASSES, confusion_chart
from core.charts.style import percent_text
from core.comparison.choice import best_answers
from core.comparison.confusion import Confusion, confusion, confusion_words, number_text
from core.comparison.evidence import Evidence
from core.reports.blocks import UNKNOWN, Chart, Paragraphs, Section, Table

# A matrix with more columns does not fit a printed page.
MOST_MATRIX_CLASSES = 20
MISTAKES_LISTED = 30
LONGEST_HEADING = 22


def confusion_section(evidence: Evidence) -> Section:
    """Of the best strategy."""
    best = best_answers(evidence)
    if best is None:
        nothing = Paragraphs(("No predictions can be read, so there is no matrix.",))
        return Section("confusion", "What is taken for what", (nothing,))
    matrix = confusion(evidence, best.strategy)
    left_out = _left_out(matrix)
    words = confusion_words(matrix)
    return Section(
        "confusion",
        "What is taken for what",
        (
            Paragraphs((words, *((left_out,) if left_out else ()))),
            Chart(
                "confusion-chart",
                f"Confusion matrix of {best.title}: label downwards, answer across, test images "
                "(means over the seeds).",
                words,
                confusion_chart(matrix),
            ),
            _confusion_table(matrix),
        ),
    )


def _left_out(matrix: Confusion) -> str | None:
    if len(matrix.classes) <= MOST_CLASSES:
        return None
    return (
        f"There are {len(matrix.classes):,} classes. The chart shows the {MOST_CLASSES} with most "
        "mistakes; the exported tables have all of them."
    )


def _confusion_table(matrix: Confusion) -> Table:
    if len(matrix.classes) > MOST_MATRIX_CLASSES:
        return _mistakes_table(matrix)
    return Table(
        "Label downwards, answer across; test images.",
        ("label", "right", *(_short(name) for name in matrix.classes)),
        tuple(
            (
                name,
                UNKNOWN if np.isnan(share) else percent_text(float(share)),
                *("·" if count == 0 else number_text(count) for count in counts),
            )
            for name, share, counts in zip(
                matrix.classes, np.diagonal(matrix.shares), matrix.counts, strict=True
            )
        ),
        upright=True,
    )


def _mistakes_table(matrix: Confusion) -> Table:
    wrong = matrix.wrong
    worst = np.argsort(-wrong.ravel(), kind="stable")[:MISTAKES_LISTED]
    cells = [divmod(int(cell), len(matrix.classes)) for cell in worst]
    return Table(
        f"The {MISTAKES_LISTED} mistakes that were made most often; all are in the exported table.",
        ("label", "taken for", "images"),
        tuple(
            (matrix.classes[true], matrix.classes[said], number_text(wrong[true, said]))
            for true, said in cells
            if wrong[true, said] > 0
        ),
    )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_HEADING else f"{name[: LONGEST_HEADING - 1]}…"

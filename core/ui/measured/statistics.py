"""How it is measured: the statistics. In plain words first, formula and source folded."""

import pandas as pd
import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.evidence import ExperimentPredictions
from core.analysis.measured import four_cells, widths
from core.analysis.significance import RESAMPLES, SIGNIFICANCE, wilson_interval
from core.analysis.words.verdicts import TOLD_APART, luck_words, p_text
from core.charts.exhibit import Exhibit
from core.charts.measured import bootstrap_chart, widths_chart
from core.text import count_text, percent_text
from core.ui.frame import evidence_reads
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.measured.document import Values, show_text
from core.ui.widgets.exhibit import (
    ONE_STRATEGY,
    choose_pair,
    evidence_or_words,
    sentences,
    show_exhibit,
    show_table,
    titles_of,
)

# From this p value on, luck is given as so many of a hundred comparisons.
FEW = 0.01


def show_statistics(subject: Subject | None) -> None:
    values = {
        "resamples": f"{RESAMPLES:,}",
        "significance": percent_text(SIGNIFICANCE, 0),
        "told_apart": TOLD_APART,
    }
    show_text("statistics", _Statistics(subject), values)


class _Statistics:
    """The figures of the section; without predictions they draw nothing."""

    def __init__(self, subject: Subject | None) -> None:
        self.subject = subject
        self.found: ExperimentPredictions | None = None
        self.drawn: Exhibit | None = None
        self.steps: pd.DataFrame | None = None

    def evidence(self) -> Values:
        self.found = evidence_or_words(self.subject) if self.subject else None
        best = self.found.best if self.found else None
        if self.found is None or best is None:
            return {}
        correct = round(best.accuracy * self.found.images)
        low, high = wilson_interval(correct, self.found.images)
        return {
            "best": best.title,
            "average": "on average" if len(best.seeds) > 1 else "",
            "correct": f"{correct:,}",
            "images": f"{self.found.images:,}",
            "accuracy": percent_text(best.accuracy),
            "low": percent_text(low),
            "high": percent_text(high),
        }

    def widths(self) -> None:
        best = self.found.best if self.found else None
        if self.found is not None and best is not None:
            found = widths(best.accuracy, self.found.images)
            exhibit = widths_chart(found, best.accuracy, best.strategy)
            show_exhibit(exhibit, "measured.widths", table=False)

    def pair(self) -> Values:
        if self.found is None:
            return {}
        default = headline_pair(self.found)
        if default is None:
            st.info(ONE_STRATEGY)
            return {}
        names = choose_pair(titles_of(self.found), default)
        if names is None:
            return {}
        first, second = (self.found.of(name) for name in names)
        cells = four_cells(first, second)
        differences = self.found.drawn_differences(*names)
        self.drawn = bootstrap_chart(differences, self.found.images, second.strategy)
        return {
            "first": first.title,
            "second": second.title,
            "both_correct": f"{cells.both_correct:,}",
            "fixed": f"{cells.fixed:,}",
            "regressed": f"{cells.regressed:,}",
            "both_wrong": f"{cells.both_wrong:,}",
            "differing": count_text(cells.fixed + cells.regressed, "image"),
            "luck": _luck(cells.p_value),
            "difference": self.drawn.words,
        }

    def bootstrap(self) -> None:
        if self.drawn is not None:
            show_exhibit(self.drawn, "measured.bootstrap", table=False)

    def pairs(self) -> Values:
        pairs = evidence_reads.pairs(self.subject) if self.subject and self.found else ()
        if not pairs:
            return {}
        # The smallest p value is multiplied by the number of pairs, the next by one less, ...
        steps = sorted(pairs, key=lambda pair: pair.p_value)
        self.steps = pd.DataFrame(
            {
                "pair": [f"{step.second_title} against {step.first_title}" for step in steps],
                "p": [p_text(step.p_value) for step in steps],
                "times": list(range(len(steps), 0, -1)),
                "after Holm": [p_text(step.adjusted_p_value) for step in steps],
                TOLD_APART: ["yes" if step.told_apart else "no" for step in steps],
            }
        )
        real = sum(step.told_apart for step in steps)
        return {"pairs": count_text(len(steps), "pair"), "real": real}

    def holm(self) -> None:
        if self.subject is not None and self.steps is not None:
            alt = "Each pair with its p value before and after Holm's correction."
            show_table(self.steps, f"holm.{self.subject.id}", alt)
            sentences([evidence_reads.power(self.subject)])

    def seeds(self) -> Values:
        if self.found is None:
            return {}
        several = [entry for entry in self.found.answers if len(entry.seeds) > 1]
        if not several:
            return {"single_seed": True}
        accuracies = [100 * entry.correct.mean(axis=1) for entry in several]
        table = {
            "strategy": [entry.title for entry in several],
            "seeds": [len(values) for values in accuracies],
            "lowest (%)": [float(values.min()) for values in accuracies],
            "highest (%)": [float(values.max()) for values in accuracies],
            "apart (points)": [float(values.max() - values.min()) for values in accuracies],
        }
        show_table(
            pd.DataFrame(table),
            f"seeds.{self.found.experiment_id}",
            "Lowest and highest test accuracy over the seeds of each strategy.",
        )
        return {}

    def link(self) -> None:
        if self.subject:
            link_to("compare", "All differences", experiment=self.subject.id, view="differences")


def _luck(p_value: float) -> str:
    if p_value < FEW:
        return f"Between equals {luck_words(p_value)}."
    return (
        f"Between equals {100 * p_value:.0f} of 100 such comparisons differ at least as much "
        f"({p_text(p_value)})."
    )

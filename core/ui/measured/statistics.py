"""How it is measured: the statistics. In plain words first, formula and source folded."""

import pandas as pd

from core.analysis.evidence import ExperimentPredictions
from core.analysis.measured import four_cells, widths
from core.analysis.scores import score_table
from core.analysis.significance import RESAMPLES, SIGNIFICANCE, wilson_interval
from core.analysis.slices import FEWEST_IMAGES
from core.analysis.verdicts import all_pairs
from core.analysis.words.verdicts import TOLD_APART, describe_power, luck_words, p_text
from core.charts.measured import bootstrap_chart, widths_chart
from core.text import count_text, percent_text
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.frame.page import link_to
from core.ui.measured.document import Text
from core.ui.widgets.exhibit import (
    choose_headline_pair,
    evidence_or_words,
    sentences,
    show_exhibit,
    show_table,
)

# From this p value on, luck is given as so many of a hundred comparisons.
FEW = 0.01


def show_statistics(subject: Subject | None) -> None:
    text = Text(
        "statistics",
        resamples=f"{RESAMPLES:,}",
        significance=percent_text(SIGNIFICANCE, 0),
        told_apart=TOLD_APART,
        fewest=FEWEST_IMAGES,
    )
    if subject is None:
        text.rest()
        return
    text.until("evidence")
    single_seed = False
    evidence = evidence_or_words(subject)
    if evidence is not None:
        _show_accuracy(text, evidence)
        _show_pair(text, subject, evidence)
        _show_correction(text, subject)
        _show_ranking(text, subject, evidence)
        single_seed = not _show_seeds(evidence)
    text.until("link", single_seed=single_seed)
    link_to("compare", "All differences", experiment=subject.id, view="differences")


def _show_accuracy(text: Text, evidence: ExperimentPredictions) -> None:
    best, images = evidence.best, evidence.images
    if best is None:
        return
    correct = round(best.accuracy * images)
    low, high = wilson_interval(correct, images)
    text.until(
        "widths",
        best=best.title,
        average="on average" if len(best.seeds) > 1 else "",
        correct=f"{correct:,}",
        images=f"{images:,}",
        accuracy=percent_text(best.accuracy),
        low=percent_text(low),
        high=percent_text(high),
    )
    exhibit = widths_chart(widths(best.accuracy, images), best.accuracy, best.strategy)
    show_exhibit(exhibit, "measured.widths", table=False)


def _show_pair(text: Text, subject: Subject, evidence: ExperimentPredictions) -> None:
    text.until("pair")
    names = choose_headline_pair(subject)
    if names is None:
        return
    first, second = (evidence.of(name) for name in names)
    cells = four_cells(first, second)
    differences = evidence.drawn_differences(*names)
    exhibit = bootstrap_chart(differences, evidence.images, second.strategy)
    text.until(
        "bootstrap",
        first=first.title,
        second=second.title,
        both_correct=f"{cells.both_correct:,}",
        fixed=f"{cells.fixed:,}",
        regressed=f"{cells.regressed:,}",
        both_wrong=f"{cells.both_wrong:,}",
        differing=count_text(cells.fixed + cells.regressed, "image"),
        luck=_luck(cells.p_value),
        difference=exhibit.words,
    )
    show_exhibit(exhibit, "measured.bootstrap", table=False)


def _show_correction(text: Text, subject: Subject) -> None:
    text.until("pairs")
    # The smallest p value is multiplied by the number of pairs, the next by one less, and so on.
    steps = sorted(computed(subject, all_pairs), key=lambda pair: pair.p_value)
    if not steps:
        return
    text.until(
        "holm", pairs=count_text(len(steps), "pair"), real=sum(step.told_apart for step in steps)
    )
    table = {
        "pair": [f"{step.second_title} against {step.first_title}" for step in steps],
        "p": [p_text(step.p_value) for step in steps],
        "times": list(range(len(steps), 0, -1)),
        "after Holm": [p_text(step.adjusted_p_value) for step in steps],
        TOLD_APART: ["yes" if step.told_apart else "no" for step in steps],
    }
    alt = "Each pair with its p value before and after Holm's correction."
    show_table(pd.DataFrame(table), f"holm.{subject.id}", alt)
    sentences([computed(subject, describe_power)])


def _show_ranking(text: Text, subject: Subject, evidence: ExperimentPredictions) -> None:
    scores = {score.strategy: score for score in computed(subject, score_table, "roc_auc")}
    best = scores.get(evidence.fair.ranked[0].strategy)
    text.until(
        "seeds",
        best=best and best.title,
        auc=best and percent_text(best.mean),
        auc_low=best and best.low and percent_text(best.low),
        auc_high=best and best.high and percent_text(best.high),
    )


def _show_seeds(evidence: ExperimentPredictions) -> bool:
    """How far the seeds of each strategy lie apart; False where each has only one."""
    several = [entry for entry in evidence.answers if len(entry.seeds) > 1]
    if not several:
        return False
    accuracies = [100 * entry.correct.mean(axis=1) for entry in several]
    table = {
        "strategy": [entry.title for entry in several],
        "seeds": [len(values) for values in accuracies],
        "lowest (%)": [float(values.min()) for values in accuracies],
        "highest (%)": [float(values.max()) for values in accuracies],
        "apart (points)": [float(values.max() - values.min()) for values in accuracies],
    }
    alt = "Lowest and highest test accuracy over the seeds of each strategy."
    show_table(pd.DataFrame(table), f"seeds.{evidence.experiment_id}", alt)
    return True


def _luck(p_value: float) -> str:
    if p_value < FEW:
        return f"Between equals {luck_words(p_value)}."
    return (
        f"Between equals {100 * p_value:.0f} of 100 such comparisons differ at least as much "
        f"({p_text(p_value)})."
    )

"""The sections of a report that come from the numbers: ladder, results, statistics, time,
curves."""

from core.charts.accuracy import (
    ladder_chart,
    ladder_frame,
    ladder_words,
    seeds_chart,
    seeds_words,
)
from core.charts.accuracy import seeds_frame as score_frame
from core.charts.curves import curve_chart
from core.charts.pairs import pairs_chart, pairs_frame, pairs_words
from core.charts.style import percent_text
from core.charts.time import (
    costs_frame,
    ledger_chart,
    ledger_frame,
    ledger_words,
    pareto_chart,
    pareto_frame,
    pareto_words,
)
from core.comparison.choice import MAJORITY
from core.comparison.curves import Curve
from core.comparison.evidence import Evidence
from core.comparison.frames import results_frame
from core.comparison.ladder import ladder_steps
from core.comparison.ledger import Ledger
from core.comparison.model import Comparison
from core.comparison.scores import score_table
from core.comparison.verdicts import against_majority, all_pairs, power_sentence, ties
from core.reports.blocks import (
    Block,
    Chart,
    Paragraphs,
    Section,
    Table,
    table_of,
)

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
_LEDGER_REST = (
    "strategy",
    "seeds",
    "fastest (s)",
    "slowest (s)",
    "saved by the cache, all seeds (s)",
    "training speed (images/s)",
    "trained on",
    "peak memory (MB)",
)
_PAIR_COLUMNS = (
    "first",
    "second",
    "second minus first (points)",
    "told apart",
    "p after Holm",
    "put right (images)",
    "broken (images)",
)


def ladder_section(evidence: Evidence) -> Section:
    steps = ladder_steps(evidence)
    frame = ladder_frame(steps)
    table = table_of(
        frame, "The steps of the ladder, from the commonest class up.", list(frame.columns)[:-1]
    )
    taught = tuple(f"{step.title}: {step.teaches}" for step in steps if step.teaches)
    return Section(
        "ladder",
        "The ladder",
        (
            Chart(
                "ladder-chart",
                "Test accuracy step by step; the line around each point is the 95 % interval of "
                "the step.",
                ladder_words(steps),
                ladder_chart(steps),
            ),
            table,
            Paragraphs(("What each step teaches:",)),
            Paragraphs(taught, points=True),
        ),
    )


def results_section(evidence: Evidence, comparison: Comparison) -> Section:
    """The table stands also where no predictions can be read."""
    frame = results_frame(comparison)
    scores = score_table(evidence)
    blocks: list[Block] = []
    if scores:
        blocks = [
            Chart(
                "seeds-chart",
                "Test accuracy: the mean with its 95 % interval, and each seed as an open point.",
                seeds_words(scores),
                seeds_chart(scores),
            ),
            table_of(score_frame(scores), "Test accuracy: mean, spread and every seed."),
        ]
    finished = all(row.status == "finished" for row in comparison.rows)
    columns = [name for name in _RESULT_COLUMNS if not (finished and name == "state")]
    blocks += [
        table_of(frame, "Results; means over the seeds.", columns),
        table_of(frame, "Size and time; medians over the seeds.", _COST_COLUMNS),
    ]
    return Section("results", "Results", tuple(blocks))


def statistics_section(evidence: Evidence) -> Section:
    pairs = all_pairs(evidence)
    against = [
        against_majority(evidence, answers.strategy).words
        for answers in evidence.answers
        if answers.strategy != MAJORITY
    ]
    tied = tuple(group.words for group in ties(evidence)) or (
        "Every neighbour in the ranking can be told apart from the next.",
    )
    blocks: list[Block] = [
        Paragraphs((*tied, power_sentence(evidence))),
        Paragraphs(("Against always saying the commonest class:",)),
        Paragraphs(tuple(against), points=True),
    ]
    if pairs:
        blocks += [
            Chart(
                "pairs-chart",
                "How many points each row is ahead of each column. ▲: clearly ahead; ▼: clearly "
                "behind; ≈: they cannot be told apart.",
                pairs_words(pairs),
                pairs_chart(pairs),
            ),
            table_of(
                pairs_frame(pairs),
                "Every pair: exact paired test on the shared test images, adjusted for the number "
                "of pairs (Holm).",
                _PAIR_COLUMNS,
            ),
        ]
    return Section("differences", "Which differences are real", tuple(blocks))


def time_section(evidence: Evidence, ledger: Ledger) -> Section:
    frame = ledger_frame(ledger)
    parts = [name for name in frame.columns if name not in _LEDGER_REST[1:]]
    blocks: list[Block] = [
        Chart(
            "ledger-chart",
            "One whole run of each strategy, by what the time was spent on.",
            ledger_words(ledger),
            ledger_chart(ledger),
        ),
        table_of(frame, "Where the time of one run went.", parts),
        table_of(frame, "Spread, cache, speed and memory.", _LEDGER_REST),
        table_of(costs_frame(ledger), "Time until validation first reached a mark."),
    ]
    scores = score_table(evidence, with_intervals=False)
    if scores:
        blocks += [
            Chart(
                "pareto-chart",
                "Test accuracy against the time of a whole run. Filled: no other is better in "
                "both; open: another is.",
                pareto_words(ledger, scores),
                pareto_chart(ledger, scores),
            ),
            table_of(pareto_frame(ledger, scores), "Accuracy and time, the quickest first."),
        ]
    return Section("time", "What it costs in time", tuple(blocks))


def curves_section(curves: list[Curve]) -> Section:
    rows = []
    for curve in curves:
        main = curve.main_epochs
        if main:
            best = max(main, key=lambda epoch: epoch["validation_accuracy"])
            rows.append(
                (
                    curve.title,
                    str(curve.seed),
                    str(len(main)),
                    percent_text(best["validation_accuracy"]),
                    str(best["epoch"]),
                    percent_text(main[-1]["validation_accuracy"]),
                    percent_text(main[-1]["train_accuracy"]),
                )
            )
    if not rows:
        nothing = Paragraphs(("No network was trained, so there are no curves.",))
        return Section("curves", "Training curves", (nothing,))
    words = "; ".join(
        f"{row[0]}, seed {row[1]}: best {row[3]} after epoch {row[4]} of {row[2]}" for row in rows
    )
    headings = ("strategy", "seed", "epochs", "best validation accuracy", "after epoch",
                "last validation accuracy", "last training accuracy")  # fmt: skip
    return Section(
        "curves",
        "Training curves",
        (
            Chart(
                "curves-chart",
                "Validation accuracy after each epoch, one line a seed.",
                f"Validation accuracy after each epoch. {words}.",
                curve_chart(curves, "validation_accuracy"),
            ),
            Table("The best and the last epoch of each run.", headings, tuple(rows)),
        ),
    )

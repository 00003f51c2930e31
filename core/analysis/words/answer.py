"""The answer of an experiment on four cards, before any chart: the same everywhere."""

from dataclasses import dataclass

from core.analysis.summary import Summary
from core.analysis.verdicts import Outcome, PairVerdict
from core.analysis.words.verdicts import (
    TIED,
    adjusted_p_words,
    always,
    interval_words,
    one_seed_words,
    points_words,
    quoted,
)
from core.text import percent_text, seconds_text


@dataclass(frozen=True)
class Card:
    """Plain text: what is asked, the answer in a few letters, and what it rests on."""

    title: str
    answer: str
    detail: str


def answer_cards(summary: Summary) -> tuple[Card, Card, Card, Card]:
    """The best strategy, the majority class, what pre-training gained, the cheapest as good."""
    verdict = summary.verdict
    low, high = (percent_text(end) for end in summary.best_interval)
    return (
        Card(
            "Best strategy",
            percent_text(summary.best.accuracy),
            f"{summary.best.title}: {low} to {high} on {verdict.images:,} test images",
        ),
        Card(
            "Majority class",
            percent_text(verdict.majority_accuracy),
            f"Always predicting {quoted(verdict.majority_name)}, the commonest class",
        ),
        _head_start(summary.head_start),
        _cheapest(summary),
    )


def _head_start(pair: PairVerdict | None) -> Card:
    title = "Does pre-training help?"
    if pair is None:
        return Card(title, "Not tried", "It takes one strategy from scratch and one pre-trained")
    answer = {
        Outcome.AHEAD: f"Yes, by {points_words(pair.difference)}",
        Outcome.BEHIND: f"No, {points_words(-pair.difference)} behind",
        Outcome.TIED: "Cannot tell",
    }[pair.settled_outcome]
    is_tied = pair.settled_outcome is Outcome.TIED
    seeds = (pair.first_title, pair.first_seeds), (pair.second_title, pair.second_seeds)
    details = [
        f"difference {points_words(pair.difference)}" if is_tied else "",
        "" if pair.low is None or pair.high is None else interval_words(pair.low, pair.high),
        adjusted_p_words(pair.adjusted_p_value, pair.pairs),
        "the seeds disagree" if pair.seeds_agree is False else "",
        one_seed_words(*seeds),
    ]
    known = ", ".join(detail for detail in details if detail)
    return Card(title, answer, f"{pair.second_title} against {pair.first_title}: {known}")


def _cheapest(summary: Summary) -> Card:
    title = "Cheapest that is as good"
    found = summary.cheapest
    if found is None:
        baseline = always(summary.verdict.majority_name)
        return Card(title, "None", f"No strategy is clearly better than {baseline}")
    if found.seconds is None:
        return Card(title, found.title, "How long a run takes is not known")
    time = seconds_text(found.seconds, found.is_disturbed)
    if found is summary.best:
        return Card(title, time, f"{found.title}, the best itself: a whole run")
    return Card(
        title,
        time,
        f"{found.title}, {percent_text(found.accuracy)}: a whole run; it {TIED} from the best",
    )

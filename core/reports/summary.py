"""An experiment in three sentences: which strategy wins, what it costs, what is enough."""

from core.text import percent_text, seconds_text
from core.comparison.choice import MAJORITY, best_answers
from core.comparison.consensus import good_strategies
from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.comparison.ledger import TimeBreakdown
from core.comparison.verdict_words import (
    closed,
    interval_words,
    number_word,
    one_seed_words,
    p_text,
    points_words,
    quoted,
)
from core.comparison.verdicts import (
    MajorityVerdict,
    PairVerdict,
    against_majority,
    all_pairs,
    pair_verdict,
)

NOTHING_YET = (
    "No run of this experiment has finished with predictions, so there is nothing to compare yet.",
    "Once a run has finished, this sentence says what it costs in time.",
    "The last one says if a faster strategy is enough.",
)


def summary_sentences(
    evidence: ExperimentPredictions, ledger: TimeBreakdown
) -> tuple[str, str, str]:
    """Three sentences, each with its numbers behind the words."""
    best = best_answers(evidence)
    if best is None:
        return NOTHING_YET
    verdict = against_majority(evidence, best.strategy)
    rivals = _rivals(evidence, best)
    seconds = {row.strategy: row.parts.end_to_end for row in ledger.rows}
    return (
        _what_won(evidence, best, verdict, rivals),
        _what_it_costs(evidence, best, seconds),
        _when_less_is_enough(evidence, best, rivals, seconds),
    )


def _rivals(
    evidence: ExperimentPredictions, best: StrategyPredictions
) -> list[tuple[StrategyPredictions, PairVerdict]]:
    """Every other strategy with the verdict of the pair, the nearest first."""
    found = []
    for pair in all_pairs(evidence):
        if best.strategy in (pair.first, pair.second):
            other = pair.second if pair.first == best.strategy else pair.first
            if other != MAJORITY:
                found.append((evidence.of(other), pair))
    return sorted(found, key=lambda entry: -entry[0].accuracy)


def _what_won(
    evidence: ExperimentPredictions,
    best: StrategyPredictions,
    verdict: MajorityVerdict,
    rivals: list[tuple[StrategyPredictions, PairVerdict]],
) -> str:
    always = f"always predicting {quoted(evidence.majority_name)}"
    correct = f"{percent_text(best.accuracy)} of the {evidence.images:,} test images correctly"
    details = [one_seed_words(best), interval_words(verdict.low, verdict.high)]
    known = ", ".join(detail for detail in details if detail)
    if not verdict.is_better:
        about = f"difference {points_words(verdict.difference)}, {known}, {p_text(verdict.p_value)}"
        if verdict.difference < 0:
            return (
                f"{closed(best.title)} classifies {correct}, more than the others, but "
                f"{always} reaches {percent_text(evidence.majority_accuracy)} ({about})."
            )
        return (
            f"{closed(best.title)} is the most accurate and classifies {correct}, but it is no "
            f"better than {always} ({about})."
        )
    won = (
        f"{closed(best.title)} classifies {correct}, {points_words(verdict.difference)} more "
        f"than {always} ({known})"
    )
    tied = [answers.title for answers, pair in rivals if not pair.told_apart]
    if tied:
        these = "" if len(tied) == 1 else f"these {number_word(len(tied))}: "
        return f"{won}; it cannot be told apart from {these}{'; '.join(tied)}."
    if not rivals:
        return f"{won}."
    nearest = rivals[0][0]
    pair = pair_verdict(evidence, nearest.strategy, best.strategy)
    between = f"{points_words(pair.difference)}, {p_text(pair.adjusted_p_value)} after Holm"
    doubt = ", though its seeds disagree" if pair.seeds_agree is False else ""
    return f"{won}; it is ahead of the next, {nearest.title}, by {between}{doubt}."


def _what_it_costs(
    evidence: ExperimentPredictions, best: StrategyPredictions, seconds: dict[str, float]
) -> str:
    own = seconds.get(best.strategy)
    if own is None:
        return f"What a run of {best.title} takes is not known."
    cost = f"One run takes {seconds_text(own)} from start to score, feature extraction included"
    useful = [
        answers
        for answers in good_strategies(evidence)
        if answers is not best and seconds.get(answers.strategy, own) < own
    ]
    if not useful:
        return f"{cost}; no faster strategy is clearly better than the majority class."
    fastest = min(useful, key=lambda answers: seconds[answers.strategy])
    return (
        f"{cost}; the fastest strategy that is clearly better than the majority class, "
        f"{fastest.title}, takes {seconds_text(seconds[fastest.strategy])} and classifies "
        f"{percent_text(fastest.accuracy)} correctly."
    )


def _when_less_is_enough(
    evidence: ExperimentPredictions,
    best: StrategyPredictions,
    rivals: list[tuple[StrategyPredictions, PairVerdict]],
    seconds: dict[str, float],
) -> str:
    always = f"always predicting {quoted(evidence.majority_name)}"
    good = good_strategies(evidence)
    if not good:
        return (
            f"No strategy is clearly better than {always}, so none is worth its time on these "
            "images yet."
        )
    useless = [
        answers.title
        for answers in evidence.answers
        if answers.strategy != MAJORITY
        and not against_majority(evidence, answers.strategy).is_better
    ]
    behind = f"; no better than {always}: {'; '.join(useless)}" if useless else ""
    own = seconds.get(best.strategy, 0.0)
    faster = [
        (answers, pair) for answers, pair in rivals if seconds.get(answers.strategy, own) < own
    ]
    # With few images even a useless strategy cannot be told apart from the best.
    enough = [answers for answers, pair in faster if not pair.told_apart and answers in good]
    if enough:
        cheapest = min(enough, key=lambda answers: seconds[answers.strategy])
        return (
            f"A faster strategy is enough here: {closed(cheapest.title)} takes "
            f"{seconds_text(seconds[cheapest.strategy])} with {percent_text(cheapest.accuracy)}, "
            f"and the difference cannot be seen on these images{behind}."
        )
    if not faster:
        return f"No strategy that was tried is both faster and as good{behind}."
    nearest, pair = faster[0]
    if not pair.told_apart:
        return (
            f"No faster strategy is enough here: the nearest, {nearest.title}, is not clearly "
            "better "
            f"than {always}."
        )
    return (
        f"No faster strategy is enough here: the nearest, {nearest.title}, is clearly behind, "
        f"by {points_words(best.accuracy - nearest.accuracy)}{behind}."
    )

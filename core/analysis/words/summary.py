"""An experiment in three sentences: what won, how certainly, at what cost; when less is enough.

``describe_findings`` makes the first sentences of the overview of an experiment.
"""

from core.analysis.evidence import ExperimentPredictions
from core.analysis.families import FEW
from core.analysis.summary import Summary
from core.analysis.verdicts import Outcome, outcome_of, ties
from core.analysis.words.own_backbones import describe_seen
from core.analysis.words.verdicts import (
    NO_TIES,
    adjusted_p_words,
    always,
    closed,
    describe_power,
    describe_ties,
    interval_words,
    number_word,
    one_seed_words,
    outcome_phrase,
    p_text,
    points_words,
)
from core.text import count_text, percent_text, seconds_text

# Of many strategies, which overlap in many groups, those with the best ones say enough.
MOST_GROUPS = 3
NOTHING_YET = (
    "No run of this experiment has finished with its predictions, so there is nothing to "
    "summarise yet.",
    "The time that it costs will appear here once a run has finished.",
    "Whether something quicker is enough will appear here too.",
)


def describe_summary(summary: Summary | None) -> tuple[str, str, str]:
    """Three sentences, each with its numbers behind the words."""
    if summary is None:
        return NOTHING_YET
    return _what_won(summary), _what_it_costs(summary), _when_less_is_enough(summary)


def describe_findings(evidence: ExperimentPredictions, summary: Summary | None = None) -> list[str]:
    """Who leads, what cannot be told apart, what the images can show, and single seeds.

    Of many strategies groups that cannot be told apart are too many to read: there the first
    sentences are those of the ``summary``. Those that have seen test images are left out, which is
    said.
    """
    if evidence.best is None:
        return [describe_power(evidence)]
    if summary is not None and len(evidence.fair.answers) > FEW:
        found = [*describe_summary(summary), describe_power(evidence.fair)]
    else:
        found = _who_leads(evidence.fair)
    seen = [one.title for one in evidence.answers if one not in evidence.fair.answers]
    if seen:
        found.append(f"Left out of this: {describe_seen(seen)}")
    single = [answers.title for answers in evidence.answers if len(answers.seeds) == 1]
    if single and len(single) == len(evidence.answers):
        found.append(
            "One seed each: how much of a difference comes from the luck of training is not known."
        )
    elif single:
        found.append(
            f"One seed: {'; '.join(single)}. How much of their differences comes from the luck of "
            "training is not known."
        )
    return found


def _who_leads(evidence: ExperimentPredictions) -> list[str]:
    """The best beside the majority class, groups that cannot be told apart, the power."""
    best = evidence.ranked[0]
    gain = best.accuracy - evidence.majority_accuracy
    baseline = always(evidence.majority_name)
    where = (
        outcome_phrase(outcome_of(gain, gain != 0), gain, baseline)
        if gain
        else f"equals {baseline}"
    )
    found = [
        f"{closed(best.title)} got the most test images right: {percent_text(best.accuracy)}, "
        f"which {where}."
    ]
    groups = ties(evidence)
    found += [describe_ties(group) for group in groups[:MOST_GROUPS]]
    more = len(groups) - MOST_GROUPS
    if more > 0:
        verb = "is" if more == 1 else "are"
        found.append(f"{count_text(more, 'more such group')} {verb} listed under Differences.")
    if len(evidence.answers) > 1 and not groups:
        found.append(NO_TIES)
    return [*found, describe_power(evidence)]


def _what_won(summary: Summary) -> str:
    best, verdict = summary.best, summary.verdict
    baseline = always(verdict.majority_name)
    fraction = f"{percent_text(best.accuracy)} of the {verdict.images:,} test images"
    details = [
        one_seed_words((best.title, verdict.seeds)),
        interval_words(verdict.low, verdict.high),
    ]
    known = ", ".join(detail for detail in details if detail)
    start = f"{closed(best.title)} gets {fraction} right"
    found = outcome_phrase(verdict.outcome, verdict.difference, baseline)
    if not verdict.is_better:
        about = f"difference {points_words(verdict.difference)}, {known}, {p_text(verdict.p_value)}"
        return f"{start}, the most of what was tried, but {found} ({about})."
    won = f"{start} and {found} ({known})"
    if summary.tied:
        names = "; ".join(summary.tied)
        count = len(summary.tied)
        others = names if count == 1 else f"these {number_word(count)}: {names}"
        return f"{won}; it {outcome_phrase(Outcome.TIED, 0.0, others)}."
    lead = summary.lead
    if lead is None:
        return f"{won}."
    doubt = ", though its seeds disagree" if lead.seeds_agree is False else ""
    ahead = outcome_phrase(lead.outcome, lead.difference, f"the next, {lead.first_title}")
    return f"{won}; it {ahead}, {adjusted_p_words(lead.adjusted_p_value, lead.pairs)}{doubt}."


def _what_it_costs(summary: Summary) -> str:
    best = summary.best
    if best.seconds is None:
        return f"How long a run of {best.title} takes is not known."
    cost = (
        f"One run of it takes {seconds_text(best.seconds, best.is_disturbed)} from start to score, "
        "the extraction of features counted"
    )
    if best.is_disturbed:
        return f"{cost}: other work on the machine made it longer, so nothing is compared with it."
    quickest = summary.quickest_good
    if quickest is None:
        return f"{cost}; nothing that is clearly better than the commonest class is quicker."
    return (
        f"{cost}; the quickest that is clearly better than the commonest class, "
        f"{quickest.title}, takes {seconds_text(quickest.seconds)} and gets "
        f"{percent_text(quickest.accuracy)} right."
    )


def _when_less_is_enough(summary: Summary) -> str:
    baseline = always(summary.verdict.majority_name)
    if not summary.any_good:
        return f"No strategy is clearly better than {baseline}, so none is worth its time here yet."
    behind = ""
    if len(summary.useless) == 1:
        behind = f" {closed(summary.useless[0])} is no better than {baseline}."
    elif summary.useless:
        these = f"These {number_word(len(summary.useless))}"
        behind = f" {these} are no better than {baseline}: {'; '.join(summary.useless)}."
    enough, nearest = summary.enough, summary.nearest_quicker
    if enough is not None:
        return (
            f"Something quicker is enough here: {closed(enough.title)} takes "
            f"{seconds_text(enough.seconds)} with {percent_text(enough.accuracy)}, "
            f"and the difference cannot be seen on these images.{behind}"
        )
    if nearest is None:
        return f"Nothing that was tried is both quicker and as good.{behind}"
    start = f"Nothing quicker is enough here: the nearest, {nearest.title},"
    if not summary.nearest_told_apart:
        return f"{start} is not clearly better than {baseline}."
    gap = points_words(summary.best.accuracy - nearest.accuracy)
    return f"{start} is clearly behind, by {gap}.{behind}"

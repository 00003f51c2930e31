"""The sentences of the story. "Ahead" and "behind" appear only where the paired test finds them."""

from dataclasses import dataclass

from core.analysis.choice import backbone_of, is_probe, needs_pretrained
from core.analysis.comparison import Row
from core.analysis.story import (
    COMMONEST,
    ELSEWHERE,
    FILTERS,
    HEAD_START,
    IMAGES,
    PIXELS,
    TIME,
    StoryFacts,
    Visual,
    accuracy_of,
    strategy_of,
    visual_of,
)
from core.analysis.verdicts import Outcome
from core.analysis.words.grades import describe_quote
from core.analysis.words.verdicts import (
    always,
    closed,
    describe_majority,
    describe_pair,
    outcome_phrase,
    points_words,
    quoted,
)
from core.strategies.registry import STRATEGIES, names_with
from core.strategies.strategy import Role
from core.text import count_text, list_text, percent_text

TITLES = {
    IMAGES: "The pictures",
    COMMONEST: "The line to beat",
    PIXELS: "Raw pixels",
    FILTERS: "Its own filters",
    HEAD_START: "A head start",
    TIME: "What it costs",
    ELSEWHERE: "Other pictures",
}
NOT_KEPT = (
    "The predictions of these runs for each single image were not kept, so whether the difference "
    "is more than luck could not be tested."
)
# Who appears, as the subject of a sentence.
_SUBJECTS = {
    PIXELS: "A network that sees only raw pixels",
    FILTERS: "A network that learns its own filters",
}
_PRETRAINED = "A network that has seen a million other pictures"
_FROM_NOTHING = "the best that started from nothing"
_ON_PIXELS = "the one on raw pixels"
# The images tell two apart, but the interval over images and seeds includes zero.
_DOUBT = ", though training again could reverse that"


@dataclass(frozen=True)
class Scene:
    """``key`` and ``title`` say which it is; ``small_print`` holds n, seeds, interval and test."""

    key: str
    title: str
    sentence: str
    small_print: str
    visual: Visual


def scene_of(key: str, facts: StoryFacts, other: StoryFacts | None) -> Scene:
    """One of ``scene_keys``; ``KeyError`` for any other, a programmer's error."""
    visual = visual_of(key, facts, other)
    if key == IMAGES:
        texts = _images_texts(facts)
    elif key == COMMONEST:
        texts = _commonest_texts(facts)
    elif key == TIME:
        texts = _time_sentence(facts), _time_small_print(facts)
    elif key == ELSEWHERE and other is not None:
        texts = _elsewhere_sentence(facts, other), _elsewhere_small_print(other)
    else:
        strategy = strategy_of(key, facts)
        texts = _network_sentence(facts, strategy), _network_small_print(facts, strategy)
    return Scene(key, TITLES[key], *texts, visual)


def missing_sentence(facts: StoryFacts) -> str | None:
    """What to run so that the story has all its scenes; None where nothing is missing."""
    missing = [STRATEGIES[name].title for name in (PIXELS, FILTERS) if name not in facts.rows]
    if not facts.has_pretrained:
        probe = STRATEGIES[names_with(Role.LINEAR_PROBE)[0]]
        missing.append(f"a pre-trained one, such as the {probe.title}")
    if not missing:
        return None
    return f"Left out, because there is no result on these pictures yet: {list_text(missing)}."


def _images_texts(facts: StoryFacts) -> tuple[str, str]:
    images, classes = facts.comparison.images, len(facts.comparison.classes)
    count = f"{sum(images.values()):,} pictures" if images else "pictures"
    kinds = "one kind" if classes == 1 else f"{classes:,} kinds"
    sentence = f"These are {count} of {kinds}: can a computer learn to tell which is which?"
    small_print = f"Dataset {facts.name}."
    if images:
        small_print = (
            f"Dataset {facts.name}: {images.get('train', 0):,} pictures to learn from, "
            f"{images.get('validation', 0):,} to choose by while learning, and "
            f"{facts.test_images:,} held back, on which every number of this story is measured."
        )
    return sentence, small_print


def _commonest_texts(facts: StoryFacts) -> tuple[str, str]:
    (bar,) = facts.baseline_bars
    baseline = _always(facts)
    return (
        f"{baseline[0].upper()}{baseline[1:]}, the commonest kind, already gets "
        f"{percent_text(bar.accuracy)} right.",
        f"Fraction of “{facts.comparison.majority_class}” among the {facts.test_images:,} test "
        f"images{_interval(bar.low, bar.high)}. This needs no look at a picture, so every "
        "network has to beat it.",
    )


def _network_sentence(facts: StoryFacts, strategy: str) -> str:
    """One network: against the commonest class first, then against the network before it."""
    subject = _pretrained(strategy) if needs_pretrained(strategy) else _SUBJECTS[strategy]
    majority = facts.verdict_on_majority(strategy)
    if majority is not None and majority.is_the_same:
        predicted = quoted(majority.majority_name)
        return f"{subject} learned nothing here: it predicts {predicted} for every picture."
    start = f"{subject} gets {percent_text(facts.rows[strategy].test_accuracy)} right"
    if majority is None or not facts.baseline_bars:
        return f"{start}{_untested(facts, strategy)}."
    before = facts.before(strategy)
    if before is None or not majority.is_better:
        doubt = _DOUBT if majority.is_better and majority.low <= 0 else ""
        found = outcome_phrase(majority.outcome, majority.difference, _always(facts))
        return f"{start}: it {found}{doubt}."
    pair = facts.verdict(strategy, over=before.strategy)
    if pair is None:
        return f"{start}{_untested(facts, strategy)}."
    doubt = _DOUBT if pair.seeds_agree is False else ""
    return f"{start}: it {outcome_phrase(pair.outcome, pair.difference, _rival(strategy))}{doubt}."


def _pretrained(strategy: str) -> str:
    """A pre-trained network as the subject of a sentence: by what it saw before."""
    backbone = backbone_of(strategy)
    if backbone is None or backbone.origin is None:
        return _PRETRAINED
    return f"A network that was first trained on {quoted(backbone.trained_on)}"


def _network_small_print(facts: StoryFacts, strategy: str) -> str:
    """The accuracy with interval, n and seeds, and the verdict in full."""
    row, majority = facts.rows[strategy], facts.verdict_on_majority(strategy)
    before = facts.before(strategy)
    words = NOT_KEPT if majority is None else describe_majority(majority)
    if majority is not None and majority.is_better and before is not None:
        pair = facts.verdict(strategy, over=before.strategy)
        words = NOT_KEPT if pair is None else describe_pair(pair)
    known = f"{_measured(facts, row)} {words}{_why_this_one(facts, strategy)}"
    if needs_pretrained(strategy) and facts.quote is not None:
        return f"{known} {describe_quote(facts.quote)}"
    return known


def _why_this_one(facts: StoryFacts, strategy: str) -> str:
    """Where several pre-trained networks were run: why the story tells about this one."""
    if not needs_pretrained(strategy) or len(facts.backbones) < 2:
        return ""
    why = (
        "this is the smallest whose probe no other strategy is really better than"
        if is_probe(strategy)
        else "this is the most accurate strategy, and really better than every probe"
    )
    return f" Of the pre-trained networks that were run ({list_text(facts.backbones)}) {why}."


def _untested(facts: StoryFacts, strategy: str) -> str:
    """The plain numbers beside each other, where no test was possible."""
    before = facts.before(strategy)
    if before is not None:
        return f"; {_rival(strategy)} gets {percent_text(before.test_accuracy)}"
    return "".join(
        f"; {_always(facts)} gets {percent_text(bar.accuracy)}" for bar in facts.baseline_bars
    )


def _rival(strategy: str) -> str:
    """What ``strategy`` is compared with, as people call it."""
    return _FROM_NOTHING if needs_pretrained(strategy) else _ON_PIXELS


def _time_sentence(facts: StoryFacts) -> str:
    """The seconds of a run of the headline pair; else of the quickest and the longest."""
    if facts.headline is not None:
        without, with_it = facts.headline
        if without.end_to_end_seconds is not None and with_it.end_to_end_seconds is not None:
            return (
                f"One run takes {with_it.time_text('end_to_end_seconds')} with the head start and "
                f"{without.time_text('end_to_end_seconds')} without."
            )
    quickest, longest = facts.timed_rows[0], facts.timed_rows[-1]
    return (
        f"One run of {closed(quickest.title)} takes {quickest.time_text('end_to_end_seconds')} "
        f"and one of {closed(longest.title)} {longest.time_text('end_to_end_seconds')}."
    )


def _time_small_print(facts: StoryFacts) -> str:
    start = ""
    if facts.headline is not None:
        without, with_it = facts.headline
        start = (
            f"With: {with_it.title}. Without: {without.title}. {_longest(facts, chosen=with_it)}"
        )
    seeds = len(facts.comparison.seeds)
    middle = f"; the median of {_seeds(seeds)}" if seeds > 1 else ", one seed"
    return (
        f"{start}Time from start to score, with the pre-trained network's pass over every "
        f"picture included, on {facts.comparison.device or 'a device that was not noted'}{middle}. "
        f"Accuracy on {facts.test_images:,} test images.{_left_out(facts)}"
    )


def _left_out(facts: StoryFacts) -> str:
    """Of many strategies the chart has the main ones."""
    shown, known = len(facts.timed_comparison.finished_rows), len(facts.rows)
    if shown == known:
        return ""
    return (
        f" Of {known} strategies the chart has {shown}: of each pre-trained network the least and "
        "the most training, and those without one."
    )


def _longest(facts: StoryFacts, chosen: Row) -> str:
    """The longest pre-trained run, where it is not the ``chosen`` one: is it better?"""
    longest = facts.longest_pretrained
    if longest is None or longest is chosen:
        return ""
    pair = facts.verdict(longest.strategy, over=chosen.strategy)
    start = (
        f"The longest with a head start ({longest.title}) takes "
        f"{longest.time_text('end_to_end_seconds')}"
    )
    if pair is None:
        return f"{start}. "
    return f"{start} and {outcome_phrase(pair.settled_outcome, pair.difference, chosen.title)}. "


def _elsewhere_sentence(facts: StoryFacts, other: StoryFacts) -> str:
    """Other pictures: where a head start helps less, not at all, or more."""
    own, there = facts.gain_outcome, other.gain_outcome
    name, gain = quoted(other.name), other.gain or 0.0
    if there is None:
        return (
            f"On other pictures, {name}, a head start makes a difference of {points_words(gain)}; "
            "whether that is luck could not be tested."
        )
    if there is not Outcome.AHEAD:
        lost = own in (Outcome.TIED, Outcome.BEHIND)
        wins = "does not win here, and" if lost else "does not always win:"
        return f"A head start {wins} on {name} it {outcome_phrase(there, gain, _FROM_NOTHING)}."
    doubt = _baseline_doubt(other)
    if own is Outcome.AHEAD:
        return (
            "A head start wins on other pictures too: it is worth "
            f"{points_words(facts.gain or 0.0)} here and {points_words(gain)} on {name}{doubt}."
        )
    return (
        f"On other pictures a head start does win: on {name} it is worth {points_words(gain)}"
        f"{doubt}."
    )


def _baseline_doubt(facts: StoryFacts) -> str:
    """A clause for a gain that does not reach beyond the commonest class; else empty."""
    chosen = facts.best_pretrained
    majority = None if chosen is None else facts.verdict_on_majority(chosen.strategy)
    if majority is None or majority.is_better or not facts.baseline_bars:
        return ""
    found = outcome_phrase(majority.outcome, majority.difference, _always(facts))
    return f", but there it {found}"


def _elsewhere_small_print(other: StoryFacts) -> str:
    if other.headline is None:
        return ""
    verdict = other.headline_verdict
    words = NOT_KEPT if verdict is None else describe_pair(verdict)
    return f"{_measured(other, other.headline[1])} {words}"


def _always(facts: StoryFacts) -> str:
    return always(facts.comparison.majority_class or "")


def _measured(facts: StoryFacts, row: Row) -> str:
    interval = _interval(row.test_accuracy_low, row.test_accuracy_high)
    seeds = sum(run.test_accuracy is not None for run in row.runs)
    return (
        f"{row.title}: {percent_text(accuracy_of(row))}{interval}, n = {facts.test_images:,} test "
        f"images, {_seeds(seeds)}."
    )


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" (95 % interval {100 * low:.1f} to {percent_text(high)})"


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else count_text(count, "seed")

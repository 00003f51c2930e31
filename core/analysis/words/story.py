"""The sentences of the story. "Ahead" and "behind" appear only where the paired test finds them."""

from dataclasses import dataclass

from core.analysis.choice import needs_pretrained
from core.analysis.comparison import Row
from core.analysis.story import (
    COMMONEST,
    ELSEWHERE,
    FILTERS,
    HEAD_START,
    PICTURES,
    PIXELS,
    TIME,
    Picture,
    StoryFacts,
    accuracy_of,
    picture_of,
    rung_of,
)
from core.analysis.verdicts import Outcome
from core.analysis.words.verdicts import (
    always,
    closed,
    describe_majority,
    describe_pair,
    points_words,
    quoted,
    standing,
)
from core.strategies.registry import STRATEGIES, names_with
from core.strategies.strategy import Role
from core.text import percent_text, seconds_text

# What stands above the sentence of each scene.
TITLES = {
    PICTURES: "The pictures",
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
# Where the images tell two apart, but the interval over images and seeds holds no difference.
_DOUBT = ", though training again could turn that round"


@dataclass(frozen=True)
class Scene:
    """``key`` and ``title`` say which it is; ``small_print`` holds n, seeds, interval and test."""

    key: str
    title: str
    sentence: str
    small_print: str
    picture: Picture


def scene_of(key: str, facts: StoryFacts, other: StoryFacts | None) -> Scene:
    """One of ``scene_keys``; ``KeyError`` for any other, a programmer's error."""
    picture = picture_of(key, facts, other)
    if key == PICTURES:
        texts = _images_sentence(facts), _images_small_print(facts)
    elif key == COMMONEST:
        texts = _commonest_sentence(facts), _commonest_small_print(facts)
    elif key == TIME:
        texts = _time_sentence(facts), _time_small_print(facts)
    elif key == ELSEWHERE and other is not None:
        texts = _elsewhere_sentence(facts, other), _elsewhere_small_print(other)
    else:
        rung = rung_of(key, facts)
        texts = _rung_sentence(facts, rung), _rung_small_print(facts, rung)
    return Scene(key, TITLES[key], *texts, picture)


def missing_sentence(facts: StoryFacts) -> str | None:
    """What to run so that the story has all its scenes; None where nothing is missing."""
    missing = [STRATEGIES[name].title for name in (PIXELS, FILTERS) if name not in facts.rows]
    if not facts.has_pretrained:
        probe = STRATEGIES[names_with(Role.LINEAR_PROBE)[0]]
        missing.append(f"a pre-trained one, such as the {probe.title}")
    if not missing:
        return None
    last = f" and {missing[-1]}" if len(missing) > 1 else missing[-1]
    return (
        "Left out, because there is no result on these pictures yet: "
        f"{', '.join(missing[:-1])}{last}."
    )


def _images_sentence(facts: StoryFacts) -> str:
    images, classes = facts.comparison.images, len(facts.comparison.classes)
    count = f"{sum(images.values()):,} pictures" if images else "pictures"
    kinds = "one kind" if classes == 1 else f"{classes:,} kinds"
    return f"These are {count} of {kinds}: can a computer learn to tell which is which?"


def _images_small_print(facts: StoryFacts) -> str:
    images = facts.comparison.images
    if not images:
        return f"Dataset {facts.name}."
    return (
        f"Dataset {facts.name}: {images.get('train', 0):,} pictures to learn from, "
        f"{images.get('validation', 0):,} to choose by while learning, and "
        f"{facts.test_images:,} held back, on which every number of this story is measured."
    )


def _commonest_sentence(facts: StoryFacts) -> str:
    fraction, baseline = percent_text(facts.comparison.majority_accuracy), _always(facts)
    start = baseline[0].upper() + baseline[1:]
    return f"{start}, the commonest kind, already gets {fraction} right."


def _commonest_small_print(facts: StoryFacts) -> str:
    (bar,) = facts.baseline_bars
    return (
        f"Fraction of “{facts.comparison.majority_class}” among the {facts.test_images:,} test "
        f"images{_interval(bar.low, bar.high)}. It looks at no picture at all, so every network "
        "has to beat it."
    )


def _rung_sentence(facts: StoryFacts, strategy: str) -> str:
    """One network: against the commonest class first, then against the rung before it."""
    subject = _PRETRAINED if needs_pretrained(strategy) else _SUBJECTS[strategy]
    majority = facts.verdict_on_majority(strategy)
    if majority is not None and majority.is_the_same:
        predicted = quoted(majority.majority_name)
        return f"{subject} learned nothing here: it predicts {predicted} for every picture."
    start = f"{subject} gets {percent_text(facts.rows[strategy].test_accuracy)} right"
    if majority is None or not facts.has_baseline:
        return f"{start}{_untested(facts, strategy)}."
    before = facts.before(strategy)
    if before is None or not majority.is_better:
        doubt = _DOUBT if majority.is_better and majority.low <= 0 else ""
        found = standing(majority.outcome, majority.difference, _always(facts))
        return f"{start}: it {found}{doubt}."
    pair = facts.verdict(strategy, over=before.strategy)
    if pair is None:
        return f"{start}{_untested(facts, strategy)}."
    doubt = _DOUBT if pair.seeds_agree is False else ""
    return f"{start}: it {standing(pair.outcome, pair.difference, _called(strategy))}{doubt}."


def _rung_small_print(facts: StoryFacts, strategy: str) -> str:
    """The accuracy with interval, n and seeds, and the verdict in full."""
    row, verdict = facts.rows[strategy], facts.verdict_on_majority(strategy)
    before = facts.before(strategy)
    words = NOT_KEPT if verdict is None else describe_majority(verdict)
    if verdict is not None and verdict.is_better and before is not None:
        pair = facts.verdict(strategy, over=before.strategy)
        words = NOT_KEPT if pair is None else describe_pair(pair)
    return f"{_measured(facts, row)} {words}"


def _time_sentence(facts: StoryFacts) -> str:
    """What a run of the two heroes takes; else of the quickest and the longest."""
    heroes = facts.best_pretrained, facts.best_from_scratch
    known = [row.end_to_end_seconds for row in heroes if row is not None]
    if len(known) == len(heroes) and None not in known:
        return (
            f"One run takes {seconds_text(known[0])} with the head start and "
            f"{seconds_text(known[1])} without."
        )
    timed = sorted(facts.timed_rows, key=lambda row: row.end_to_end_seconds or 0.0)
    return (
        f"One run of {closed(timed[0].title)} takes "
        f"{seconds_text(timed[0].end_to_end_seconds)} and one of {closed(timed[-1].title)} "
        f"{seconds_text(timed[-1].end_to_end_seconds)}."
    )


def _time_small_print(facts: StoryFacts) -> str:
    heroes = ""
    if facts.best_pretrained is not None and facts.best_from_scratch is not None:
        heroes = (
            f"With: {facts.best_pretrained.title}. Without: {facts.best_from_scratch.title}. "
            f"{_longest(facts, facts.best_pretrained)}"
        )
    seeds = facts.comparison.seeds
    middle = f"; the median of {_seeds(seeds)}" if len(seeds) > 1 else ", one seed"
    return (
        f"{heroes}Time from start to score, looking at every picture with the pre-trained network "
        f"always counted, on {facts.comparison.device or 'a device that was not noted'}{middle}. "
        f"Accuracy on {facts.test_images:,} test images."
    )


def _longest(facts: StoryFacts, chosen: Row) -> str:
    """The longest pre-trained run, where it is not the ``chosen`` one: is it better?"""
    longest = max(
        (row for row in facts.timed_rows if needs_pretrained(row.strategy)),
        key=lambda row: row.end_to_end_seconds or 0.0,
        default=None,
    )
    if longest is None or longest is chosen:
        return ""
    pair = facts.verdict(longest.strategy, over=chosen.strategy)
    start = (
        f"The longest with a head start ({longest.title}) takes "
        f"{seconds_text(longest.end_to_end_seconds)}"
    )
    if pair is None:
        return f"{start}. "
    outcome = Outcome.TIED if pair.seeds_agree is False else pair.outcome
    return f"{start} and {standing(outcome, pair.difference, chosen.title)}. "


def _elsewhere_sentence(facts: StoryFacts, other: StoryFacts) -> str:
    """The other side: where it helps less, not at all, or (turned round) more."""
    own, there = facts.gain_outcome, other.gain_outcome
    name, gain = quoted(other.name), other.gain or 0.0
    if there is None:
        return (
            f"On other pictures, {name}, a head start makes a difference of {points_words(gain)}; "
            "whether that is luck could not be tested."
        )
    doubt = _baseline_doubt(other)
    if there is Outcome.AHEAD and own is Outcome.AHEAD:
        return (
            "A head start wins on other pictures too: it is worth "
            f"{points_words(facts.gain or 0.0)} here and {points_words(gain)} on {name}{doubt}."
        )
    if there is Outcome.AHEAD:
        return (
            f"On other pictures a head start does win: on {name} it is worth {points_words(gain)}"
            f"{doubt}."
        )
    wins = (
        "does not win here, and"
        if own in (Outcome.TIED, Outcome.BEHIND)
        else "does not always win:"
    )
    return f"A head start {wins} on {name} it {standing(there, gain, _FROM_NOTHING)}."


def _baseline_doubt(facts: StoryFacts) -> str:
    """A clause for a gain that does not reach beyond the commonest class; else empty."""
    chosen = facts.best_pretrained
    majority = None if chosen is None else facts.verdict_on_majority(chosen.strategy)
    if majority is None or majority.is_better or not facts.has_baseline:
        return ""
    found = standing(majority.outcome, majority.difference, _always(facts))
    return f", but there it {found}"


def _elsewhere_small_print(other: StoryFacts) -> str:
    chosen, rival = other.best_pretrained, other.best_from_scratch
    if chosen is None or rival is None:
        return ""
    pair = other.verdict(chosen.strategy, over=rival.strategy)
    return f"{_measured(other, chosen)} {NOT_KEPT if pair is None else describe_pair(pair)}"


def _untested(facts: StoryFacts, strategy: str) -> str:
    """The plain numbers beside each other, where no test was possible."""
    before = facts.before(strategy)
    if before is not None:
        return f"; {_called(strategy)} gets {percent_text(before.test_accuracy)}"
    if facts.has_baseline:
        return f"; {_always(facts)} gets {percent_text(facts.comparison.majority_accuracy)}"
    return ""


def _called(strategy: str) -> str:
    """What ``strategy`` is held against, as people call it."""
    return _FROM_NOTHING if needs_pretrained(strategy) else _ON_PIXELS


def _always(facts: StoryFacts) -> str:
    return always(facts.comparison.majority_class or "")


def _measured(facts: StoryFacts, row: Row) -> str:
    return (
        f"{row.title}: {percent_text(accuracy_of(row))}"
        f"{_interval(row.test_accuracy_low, row.test_accuracy_high)}, "
        f"n = {facts.test_images:,} test images, "
        f"{_seeds(tuple(run.seed for run in row.runs if run.test_accuracy is not None))}."
    )


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" (95 % interval {100 * low:.1f} to {percent_text(high)})"


def _seeds(seeds: tuple[int, ...]) -> str:
    return "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"

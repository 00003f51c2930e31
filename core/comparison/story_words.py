"""The sentences of the story. "More" and "less" are said only where the paired test says so."""

from core.text import percent_text, seconds_text
from core.comparison.choice import MAJORITY, needs_pretrained
from core.comparison.model import Row
from core.comparison.story_cast import FILTERS, PIXELS, Told, accuracy_of
from core.comparison.verdict_words import SIGNIFICANCE, closed, points_words, quoted
from core.strategies.registry import STRATEGIES

NOT_KEPT = (
    "What these runs said about each single image was not kept, so whether the difference is more "
    "than luck could not be tested."
)
# Who appears, as the subject of a sentence.
_SUBJECTS = {
    PIXELS: "A network that sees only raw pixels",
    FILTERS: "A network that learns its own filters",
}
_PRETRAINED = "A network that has seen a million other pictures"
_FROM_NOTHING = "the best that started from nothing"
# Where the images tell two apart, but the interval over images and seeds holds no difference.
_DOUBT = ", though training again could turn that round"


def pictures_sentence(told: Told) -> str:
    images, classes = told.comparison.images, len(told.comparison.classes)
    count = f"{sum(images.values()):,} pictures" if images else "pictures"
    kinds = "one kind" if classes == 1 else f"{classes:,} kinds"
    return f"These are {count} of {kinds}: can a computer learn to tell which is which?"


def pictures_small_print(told: Told) -> str:
    images = told.comparison.images
    if not images:
        return f"Dataset {told.name}."
    return (
        f"Dataset {told.name}: {images.get('train', 0):,} pictures to learn from, "
        f"{images.get('validation', 0):,} to choose by while learning, and "
        f"{told.test_images:,} held back, on which every number of this story is measured."
    )


def commonest_sentence(told: Told) -> str:
    share = percent_text(told.comparison.majority_accuracy)
    return f"Always saying {_commonest(told)}, the commonest, already gets {share} right."


def commonest_small_print(told: Told) -> str:
    (bar,) = told.baseline_bars
    return (
        f"Share of “{told.comparison.majority_class}” among the {told.test_images:,} test "
        f"images{_interval(bar.low, bar.high)}. It looks at no picture at all, so it is what every "
        "network has to beat."
    )


def rung_sentence(told: Told, strategy: str) -> str:
    """One network: against the commonest class first, then against the rung before it."""
    subject = _PRETRAINED if needs_pretrained(strategy) else _SUBJECTS[strategy]
    if told.learned_nothing(strategy):
        said = quoted(told.evidence.majority_name)
        return f"{subject} learned nothing here: it says {said} for every picture."
    start = f"{subject} names {percent_text(told.rows[strategy].test_accuracy)} right"
    majority = told.verdict_on_majority(strategy)
    if majority is None or not told.has_baseline:
        return f"{start}{_untested(told, strategy)}."
    if not majority.is_better:
        if majority.difference < 0 and majority.p_value < SIGNIFICANCE:
            return f"{start}: worse than {_always(told)}."
        return f"{start}: no better than {_always(told)}, as far as these pictures can tell."
    before = before_of(told, strategy)
    if before is None:
        doubt = _DOUBT if majority.low <= 0 else ""
        return f"{start}: {points_words(majority.difference)} more than {_always(told)}{doubt}."
    pair = told.verdict(strategy, over=before.strategy)
    if pair is None:
        return f"{start}{_untested(told, strategy)}."
    if not pair.told_apart:
        return f"{start}: on these pictures it cannot be told apart from {_called(strategy)}."
    more = "more" if pair.difference > 0 else "less"
    doubt = _DOUBT if pair.seeds_agree is False else ""
    size = points_words(abs(pair.difference))
    return f"{start}: {size} {more} than {_called(strategy)}{doubt}."


def rung_small_print(told: Told, strategy: str) -> str:
    """The accuracy with interval, n and seeds, and what the test says in full."""
    row, verdict = told.rows[strategy], told.verdict_on_majority(strategy)
    before = before_of(told, strategy)
    words = NOT_KEPT if verdict is None else verdict.words
    if verdict is not None and verdict.is_better and before is not None:
        pair = told.verdict(strategy, over=before.strategy)
        words = NOT_KEPT if pair is None else pair.words
    return f"{_measured(told, row)} {words}"


def before_of(told: Told, strategy: str) -> Row | None:
    """What a rung is held against, besides the commonest class."""
    if needs_pretrained(strategy):
        return told.rival
    return told.rows.get(PIXELS) if strategy == FILTERS else None


def time_sentence(told: Told) -> str:
    """What a run of the two heroes takes; else of the quickest and the longest."""
    if told.lead is not None and told.rival is not None:
        known = told.lead.end_to_end_seconds, told.rival.end_to_end_seconds
        if None not in known:
            return (
                f"One run takes {seconds_text(known[0])} with the head start and "
                f"{seconds_text(known[1])} without."
            )
    timed = sorted(timed_rows(told), key=lambda row: row.end_to_end_seconds or 0.0)
    return (
        f"One run of {closed(timed[0].title)} takes "
        f"{seconds_text(timed[0].end_to_end_seconds)} and {closed(timed[-1].title)} "
        f"{seconds_text(timed[-1].end_to_end_seconds)}."
    )


def time_small_print(told: Told) -> str:
    heroes = ""
    if told.lead is not None and told.rival is not None:
        heroes = f"With: {told.lead.title}. Without: {told.rival.title}. {_dearest(told)}"
    seeds = told.comparison.seeds
    middle = f"; the one in the middle of {_seeds(seeds)}" if len(seeds) > 1 else ", one seed"
    return (
        f"{heroes}Time from start to score, looking at every picture with the pre-trained network "
        f"always counted, on {told.comparison.device or 'a device that was not noted'}{middle}. "
        f"Accuracy on {told.test_images:,} test images."
    )


def timed_rows(told: Told) -> list[Row]:
    """What was trained and knows how long a whole run took."""
    return [
        row
        for row in told.rows.values()
        if row.strategy != MAJORITY and row.end_to_end_seconds is not None
    ]


def elsewhere_sentence(told: Told, other: Told) -> str:
    """The other side: where it helps less, not at all, or (turned round) more."""
    own, there = _standing(told), _standing(other)
    name, gain = quoted(other.name), other.gain or 0.0
    if there is None:
        return (
            f"On other pictures, {name}, a head start makes a difference of {points_words(gain)}; "
            "whether that is luck could not be tested."
        )
    doubt = _no_better_words(other)
    if there == 1 and own == 1:
        return (
            "A head start wins on other pictures too: it is worth "
            f"{points_words(told.gain or 0.0)} here and {points_words(gain)} on {name}{doubt}."
        )
    if there == 1:
        return (
            f"On other pictures a head start does win: on {name} it is worth {points_words(gain)}"
            f"{doubt}."
        )
    start = (
        "A head start does not win here, nor"
        if own in (0, -1)
        else ("A head start does not always win: not")
    )
    if there == 0:
        return f"{start} on {name}, where it cannot be told apart from {_FROM_NOTHING}."
    return f"{start} on {name}, where it is {points_words(-gain)} behind {_FROM_NOTHING}."


def _no_better_words(told: Told) -> str:
    """What is to be said beside a gain where the lead does not beat the commonest class."""
    majority = None if told.lead is None else told.verdict_on_majority(told.lead.strategy)
    if majority is None or majority.is_better or not told.has_baseline:
        return ""
    return f", but no better there than {_always(told)}"


def elsewhere_small_print(other: Told) -> str:
    lead, rival = other.lead, other.rival
    if lead is None or rival is None:
        return ""
    pair = other.verdict(lead.strategy, over=rival.strategy)
    return f"{_measured(other, lead)} {NOT_KEPT if pair is None else pair.words}"


def missing_sentence(told: Told) -> str | None:
    """What to run so that the story has all its scenes; None where nothing is missing."""
    missing = [STRATEGIES[name].title for name in (PIXELS, FILTERS) if name not in told.rows]
    if told.lead is None:
        missing.append("a pre-trained one, such as the VGG16 probe")
    if not missing:
        return None
    last = f" and {missing[-1]}" if len(missing) > 1 else missing[-1]
    return (
        "Left out, because there is no result on these pictures yet: "
        f"{', '.join(missing[:-1])}{last}."
    )


def _standing(told: Told) -> int | None:
    """1 where the lead is really ahead of the rival, -1 behind, 0 neither; None not known."""
    if told.lead is None or told.rival is None:
        return None
    pair = told.verdict(told.lead.strategy, over=told.rival.strategy)
    if pair is None:
        return None
    if not pair.told_apart or pair.seeds_agree is False:
        return 0
    return 1 if pair.difference > 0 else -1


def _dearest(told: Told) -> str:
    """The longest pre-trained run, where it is not the lead: does it bring more?"""
    lead = told.lead
    dear = max(
        (row for row in timed_rows(told) if needs_pretrained(row.strategy)),
        key=lambda row: row.end_to_end_seconds or 0.0,
        default=None,
    )
    if lead is None or dear is None or dear is lead:
        return ""
    pair = told.verdict(dear.strategy, over=lead.strategy)
    start = (
        f"The longest with a head start ({dear.title}) takes "
        f"{seconds_text(dear.end_to_end_seconds)}"
    )
    if pair is None:
        return f"{start}. "
    if not pair.told_apart or pair.seeds_agree is False:
        return f"{start} and is not clearly better. "
    if pair.difference < 0:
        return f"{start} and is worse. "
    return f"{start} and names {points_words(pair.difference)} more right. "


def _untested(told: Told, strategy: str) -> str:
    """The plain numbers beside each other, where no test was possible."""
    before = before_of(told, strategy)
    if before is not None:
        return f"; {_called(strategy)} {percent_text(before.test_accuracy)}"
    if told.has_baseline:
        return f"; {_always(told)} gets {percent_text(told.comparison.majority_accuracy)}"
    return ""


def _called(strategy: str) -> str:
    """What ``strategy`` is held against, as people call it."""
    if needs_pretrained(strategy):
        return _FROM_NOTHING
    return "the one on raw pixels"


def _commonest(told: Told) -> str:
    return quoted(told.comparison.majority_class or "")


def _always(told: Told) -> str:
    return f"always saying {_commonest(told)}"


def _measured(told: Told, row: Row) -> str:
    images = told.test_images
    return (
        f"{row.title}: {percent_text(accuracy_of(row))}"
        f"{_interval(row.test_accuracy_low, row.test_accuracy_high)}, n = {images:,} test images, "
        f"{_seeds(tuple(run.seed for run in row.runs if run.test_accuracy is not None))}."
    )


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" (95 % interval {100 * low:.1f} to {percent_text(high)})"


def _seeds(seeds: tuple[int, ...]) -> str:
    return "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"

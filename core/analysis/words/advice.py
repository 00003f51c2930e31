"""What is known before training, in sentences: each with its number and interval behind it."""

from collections.abc import Sequence

from core.analysis.advice.experience import ENOUGH_CASES
from core.analysis.advice.facts import BLOCKS_OF, BackboneFacts, Difference, Estimate, Facts
from core.analysis.advice.placing import (
    AS_GOOD,
    MANY_A_CLASS,
    Finding,
    FoundHere,
    Placement,
    Proposal,
    Scenario,
    Similarity,
    finding_of,
)
from core.analysis.comparison import title_of
from core.analysis.words.verdicts import interval_words, points_words, quoted
from core.backbones.registry import find_backbone
from core.text import count_text, list_text, percent_text

SCENARIO_TITLES = {
    Scenario.FEW_ALIKE: "few images, like ImageNet's photographs",
    Scenario.FEW_UNLIKE: "few images, unlike ImageNet's photographs",
    Scenario.MANY_ALIKE: "many images, like ImageNet's photographs",
    Scenario.MANY_UNLIKE: "many images, unlike ImageNet's photographs",
}
RULES = {
    Scenario.FEW_ALIKE: "train the last layers only",
    Scenario.FEW_UNLIKE: "freeze the first k layers and train the rest",
    Scenario.MANY_ALIKE: "start from the weights and train everything",
    Scenario.MANY_UNLIKE: "train from random weights",
}
CONVENTIONS = (
    f"Many means at least {MANY_A_CLASS:,} training images a class, about as many as ImageNet has; "
    "like ImageNet's photographs means that the last block of the network is ahead of the best "
    "block before it by more than luck. The tutorial names the four cases without numbers, so both "
    "limits are conventions of Headstart."
)


def describe_facts(facts: Facts) -> list[str]:
    """All that was measured, in the order in which it matters."""
    return [
        *describe_size(facts),
        *describe_backbones(facts),
        describe_similarity(facts),
        describe_curve(facts),
    ]


def describe_rule(facts: Facts, placement: Placement, proposed: Proposal | None) -> list[str]:
    """The case, how much to freeze, and what to run."""
    found = [describe_placement(placement), describe_frozen(facts, placement)]
    found.append(None if proposed is None else describe_proposal(proposed))
    return [sentence for sentence in found if sentence is not None]


def describe_size(facts: Facts) -> list[str]:
    """How many images there are to learn from, and what predicting the commonest class gives."""
    counts = dict(zip(facts.classes, facts.class_counts, strict=True))
    rarest, commonest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    spread = f"{counts[rarest]:,} in each"
    if counts[rarest] < counts[commonest]:
        spread = (
            f"{_rounded(facts.images_a_class)} a class on average: the rarest, {quoted(rarest)}, "
            f"has {counts[rarest]:,}, the commonest, {quoted(commonest)}, {counts[commonest]:,}"
        )
    found = [
        f"{count_text(facts.train_images, 'training image')} in "
        f"{count_text(len(counts), 'class')}, {spread}. Always predicting {quoted(commonest)} is "
        f"right for {percent_text(facts.majority_accuracy)} of them."
    ]
    if facts.images < facts.train_images:
        found.append(
            f"A sample of {facts.images:,} of them was measured, every class in proportion, so "
            "that it takes no longer than a minute or two."
        )
    if facts.near_duplicate_groups:
        found.append(
            f"In the whole dataset {count_text(facts.images_in_groups, 'image is', 'images are')} "
            f"near duplicates, in {count_text(facts.near_duplicate_groups, 'set')} (exact copies: "
            f"{facts.exact_duplicates:,}). No image is predicted from a near duplicate of itself, "
            "and in each interval such a set counts as one image."
        )
    return found


def describe_backbones(facts: Facts) -> list[str]:
    """Whose features fit best, and who cannot be told apart from it."""
    if not facts.backbones:
        return [
            "No pre-trained network could be measured on images of "
            f"{facts.image_size} pixels, so there is nothing to go by."
        ]
    best, *others = facts.backbones
    gain = best.probe.accuracy - facts.majority_accuracy
    ahead = "over" if gain >= 0 else "below"
    found = [
        f"A linear probe on the features of {best.title} is right for "
        f"{estimate_words(best.probe)} of the images, {points_words(abs(gain))} {ahead} the "
        f"commonest class; its nearest neighbours are right for {estimate_words(best.neighbours)}."
    ]
    return found + [_beside(one, one.behind, best) for one in others if one.behind is not None]


def _beside(one: BackboneFacts, behind: Difference, best: BackboneFacts) -> str:
    fraction, details = percent_text(one.probe.accuracy), interval_words(behind.low, behind.high)
    size = points_words(behind.difference)
    if finding_of(behind) is Finding.AHEAD:
        return f"{one.title} is {size} behind {best.title} ({fraction}, {details})."
    return (
        f"{one.title} cannot be told apart from {best.title} ({fraction}, difference {size}, "
        f"{details})."
    )


def describe_similarity(facts: Facts) -> str:
    """Whether the images are like those of ImageNet, by the blocks."""
    start = "Whether these images are like ImageNet's photographs"
    blocks = facts.blocks
    if blocks is None:
        title = find_backbone(BLOCKS_OF).title
        return f"{start} cannot be told: it needs the blocks of {title}, which was not measured."
    gain, last = blocks.gain, len(blocks.blocks)
    finding, earlier = finding_of(gain), f"block {blocks.best_earlier}"
    # Seen from the one that is ahead, so that no difference is below zero.
    ends = (gain.low, gain.high) if gain.difference >= 0 else (-gain.high, -gain.low)
    details = f"({interval_words(*ends)}, images of {facts.image_size} pixels)"
    if finding is Finding.AHEAD:
        return (
            f"These images are like ImageNet's photographs as {blocks.title} sees them: its last "
            f"block, {last}, is {points_words(gain.difference)} better than the best of the others,"
            f" {earlier} {details}."
        )
    size, where = abs(gain.difference), "ahead of" if gain.difference >= 0 else "behind"
    if finding is Finding.AS_GOOD:
        return (
            f"These images are unlike ImageNet's photographs as {blocks.title} sees them: {earlier}"
            f" is as good as the last one or better. The last one is {points_words(size)} {where} "
            f"it {details}: what it learned from ImageNet does not help here."
        )
    return (
        f"{start} cannot be told: the last block of {blocks.title} is {points_words(size)} {where} "
        f"{earlier}, which may be luck {details}."
    )


def describe_curve(facts: Facts) -> str:
    """Whether more images help the best probe."""
    best = facts.backbones[0] if facts.backbones else None
    if best is None or best.doubling is None:
        return "There are too few images to see whether more of them would help."
    doubling = best.doubling
    between = f"rom {best.curve[-2].images:,} to {best.curve[-1].images:,} images the probe on"
    size, details = points_words(doubling.difference), interval_words(doubling.low, doubling.high)
    finding = finding_of(doubling)
    if finding is Finding.AHEAD:
        return (
            f"F{between} {best.title} gained {size} ({details}), so still more images would most "
            "likely help it."
        )
    if finding is Finding.AS_GOOD:
        return (
            f"F{between} {best.title} gained less than {points_words(AS_GOOD)} ({details}): more "
            "images like these would hardly help it."
        )
    return (
        f"Whether more images would help cannot be told: f{between} {best.title} changed by "
        f"{size}, which may be luck ({details})."
    )


def describe_left_out(facts: Facts) -> list[str]:
    """Backbones that were not measured, and why."""
    found = []
    if facts.not_here:
        found.append(f"Not on this machine: {list_text(facts.not_here)}.")
    if facts.too_small:
        found.append(
            f"Made for larger images than {facts.image_size} pixels: {list_text(facts.too_small)}."
        )
    if facts.seen:
        found.append(
            "Left out, because it was trained on some of these images and would look too good: "
            f"{list_text(facts.seen)}."
        )
    return found


def describe_placement(placement: Placement) -> str:
    """The case, or the two that it may be, with what the rule says."""
    named = [f"“{SCENARIO_TITLES[one]}: {RULES[one]}”" for one in placement.scenarios]
    cases = "the case" if len(named) == 1 else "one of two cases:"
    size = "many" if placement.are_many else "few"
    similarity = {
        Similarity.ALIKE: "like ImageNet's photographs",
        Similarity.UNLIKE: "unlike ImageNet's photographs",
        Similarity.UNKNOWN: "of unknown similarity to ImageNet's photographs",
    }[placement.similarity]
    return (
        f"By the tutorial's rule this is {cases} {list_text(named, last='or')}, because the images "
        f"are {size} ({_rounded(placement.images_a_class)} a class) and {similarity}."
    )


def describe_frozen(facts: Facts, placement: Placement) -> str | None:
    """How many layers to freeze, by the curve of the blocks."""
    blocks = facts.blocks
    if blocks is None or placement.frozen_block is None:
        return None
    chosen = blocks.blocks[placement.frozen_block - 1]
    best = next(block for block in blocks.blocks if block.behind is None)
    if chosen.behind is None:
        why = "is the best of all"
    elif chosen.behind.low <= 0:
        why = (
            f"is the first that cannot be told apart from the best, block {best.number} "
            f"(difference {points_words(chosen.behind.difference)}, "
            f"{interval_words(chosen.behind.low, chosen.behind.high)})"
        )
    else:
        why = "is the last but one: every block before the last is clearly behind it"
    return (
        f"If layers of {blocks.title} are frozen: the first {placement.frozen_layers}, up to "
        f"{chosen.layer}, because block {chosen.number} {why}."
    )


def describe_proposal(proposed: Proposal) -> str:
    """What to run, and on which backbone."""
    titles = [title_of(name) for name in proposed.strategies]
    return (
        f"Proposed: {'; '.join(titles)}. {proposed.backbone.title} is the smallest network whose "
        "probe is not clearly behind the best."
    )


def scenario_words(placement: Placement | None) -> str:
    """For a cell of a table."""
    if placement is None:
        return "not measured"
    return list_text([SCENARIO_TITLES[one] for one in placement.scenarios], last="or")


def named_words(found: FoundHere) -> str:
    """Whether the rule named what was best, for a cell of a table."""
    if found.is_named is None:
        return "not known"
    return "yes" if found.is_named else "no"


def describe_found(found: Sequence[FoundHere]) -> str:
    """How often the rule named what was best here."""
    placed = [one for one in found if one.is_named is not None]
    if not found:
        return "No experiment has finished in this installation yet, so the rule was never tried."
    if not placed:
        return (
            "None of the datasets with finished experiments has been measured on this page yet, so "
            "nothing says how good the rule is here. Measure them, one by one."
        )
    named = sum(bool(one.is_named) for one in placed)
    found_words = (
        f"The rule names the best strategy, or the cheapest that cannot be told apart from it, for "
        f"{named} of {count_text(len(placed), 'dataset')} with experiments and facts here."
    )
    doubt = "" if len(placed) >= ENOUGH_CASES else " So few cases say little about the next one."
    return f"{found_words}{doubt}"


def estimate_words(found: Estimate) -> str:
    """``66.1 % (95 % interval 62.7 to 69.3)``."""
    return f"{percent_text(found.accuracy)} ({interval_words(found.low, found.high)})"


def how_measured(facts: Facts) -> str:
    """How the numbers came about, for whoever doubts them."""
    return (
        f"On {facts.images:,} training images of the default split, {facts.image_size} × "
        f"{facts.image_size} pixels; no validation or test image was used. The features of each "
        "network are those of its last layer, averaged over the places of the image. Each image is "
        f"predicted once, from the other {facts.folds - 1} of {facts.folds} parts of the images "
        "(cross-validation); near duplicates are in one part. The linear probe is a ridge "
        "classifier; the nearest neighbours are the five images with the most similar features. "
        "Intervals of accuracies are Wilson's over the distinct images; those of differences are a "
        "bootstrap over them, on the same images."
    )


def _rounded(images: float) -> str:
    return f"{round(images):,}" if images >= 1 else "under 1"

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
    Scenario,
    finding_of,
)
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
    Scenario.FEW_ALIKE: "keep the pre-trained network and train only its last layers",
    Scenario.FEW_UNLIKE: "keep its first layers as they are (frozen) and train the rest",
    Scenario.MANY_ALIKE: "start from the pre-trained network and train all of it",
    Scenario.MANY_UNLIKE: "train a network from random weights",
}
CONVENTIONS = (
    f"Many means at least {MANY_A_CLASS:,} training images a class, about as many as ImageNet has; "
    "like ImageNet's photographs means that the last block of VGG16 is ahead of every block before "
    "it by more than luck. The tutorial that Headstart goes back to names no numbers, so both "
    "limits are conventions of Headstart."
)
QUICK_TEST = (
    "The quick test: each pre-trained network looks at your training images as it is. From what it "
    "notices in them (its features) a simple classifier, a linear probe, learns your classes, and "
    "predicts images that it has not seen. Nearest neighbours is simpler still: the class of the "
    "most similar images."
)
BLOCK_BY_BLOCK = (
    "A network sees in steps, its blocks: the first notice edges and colours, the last whole "
    "things, such as the animals and tools of ImageNet's photographs. This is the quick test on "
    "what each block notices. Where an early block does as well as the last, your images are "
    "unlike those photographs."
)
INTERVALS = (
    "A 95 % interval holds the true value in 19 of 20 such measurements. A point is one image in a "
    "hundred."
)


def describe_facts(facts: Facts) -> list[str]:
    """What the images are like, in the order in which it matters."""
    return [*describe_size(facts), describe_similarity(facts), describe_curve(facts)]


def describe_rule(facts: Facts, placement: Placement) -> list[str]:
    """The case, and how much to freeze."""
    found = [describe_placement(placement), describe_frozen(facts, placement)]
    return [sentence for sentence in found if sentence is not None]


def describe_size(facts: Facts) -> list[str]:
    """How many images there are to learn from, and what predicting the commonest class gives."""
    counts = dict(zip(facts.classes, facts.class_counts, strict=True))
    rarest, commonest = min(counts, key=counts.__getitem__), facts.commonest
    spread = f"{counts[rarest]:,} in each"
    if counts[rarest] < counts[commonest]:
        spread = (
            f"{counts[rarest]:,} in the rarest, {quoted(rarest)}, and {counts[commonest]:,} in the "
            f"commonest, {quoted(commonest)}"
        )
    found = [
        f"{count_text(facts.train_images, 'training image')} in "
        f"{count_text(len(counts), 'class')}: {spread}. Always answering {quoted(commonest)} "
        f"would be right for {percent_text(facts.majority_accuracy)} of them."
    ]
    if facts.images < facts.train_images:
        found.append(
            f"A sample of {facts.images:,} of them was measured, every class in proportion, so "
            "that it takes no longer than a minute or two."
        )
    if facts.near_duplicate_groups:
        found.append(
            f"{count_text(facts.images_in_groups, 'image')} of the whole dataset look like another "
            f"({count_text(facts.near_duplicate_groups, 'set')} of near duplicates, "
            f"{facts.exact_duplicates:,} exact copies). Such a set counts as one image here."
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
    found = [
        f"{best.title} fits best: a linear probe on what it notices is right for "
        f"{estimate_words(best.probe)} of the images, nearest neighbours for "
        f"{estimate_words(best.neighbours)}."
    ]
    return found + [_beside(one, one.behind) for one in others if one.behind is not None]


def _beside(one: BackboneFacts, behind: Difference) -> str:
    details = f"{points_words(behind.difference)}, {interval_words(behind.low, behind.high)}"
    start = f"{one.title} is right for {percent_text(one.probe.accuracy)}:"
    if finding_of(behind) is Finding.AHEAD:
        return f"{start} behind by more than luck ({details})."
    return f"{start} it may be as good (difference {details})."


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
    where = "ahead of" if gain.difference >= 0 else "behind"
    size = f"{points_words(abs(gain.difference))} {where} {earlier}"
    details = f"({interval_words(*ends)})"
    if finding is Finding.AHEAD:
        return (
            "These images are like ImageNet's photographs, from which pre-trained networks have "
            f"learned: the last block of {blocks.title}, {last}, fits them better than any before "
            f"it, {size} {details}."
        )
    if finding is Finding.AS_GOOD:
        return (
            "These images are unlike ImageNet's photographs, from which pre-trained networks have "
            f"learned: {earlier} of {blocks.title} fits them as well as the last or better. Block "
            f"{last} is {size} {details}."
        )
    return (
        f"{start}, from which pre-trained networks have learned, cannot be told: the last block of "
        f"{blocks.title}, {last}, is {size}, which may be luck {details}."
    )


def describe_curve(facts: Facts) -> str:
    """Whether more images help the best probe."""
    best = facts.backbones[0] if facts.backbones else None
    if best is None or best.doubling is None:
        return "There are too few images to see whether more of them would help."
    doubling = best.doubling
    step = f"from {best.curve[-2].images:,} to {best.curve[-1].images:,} images the quick test"
    size, details = points_words(doubling.difference), interval_words(doubling.low, doubling.high)
    finding = finding_of(doubling)
    if finding is Finding.AHEAD:
        return f"More images would most likely help: {step} gained {size} ({details})."
    if finding is Finding.AS_GOOD:
        return (
            f"More images like these would hardly help: {step} gained less than "
            f"{points_words(AS_GOOD)} ({details})."
        )
    return (
        f"Whether more images would help cannot be told: {step} changed by {size}, which may be "
        f"luck ({details})."
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
    named = [f"{SCENARIO_TITLES[one]}: {RULES[one]}" for one in placement.scenarios]
    size = (
        f"the images are {'many' if placement.are_many else 'few'} "
        f"({_rounded(placement.images_a_class)} a class)"
    )
    if len(named) == 1:
        return f"The tutorial's rule of thumb: {named[0]}. Here {size}."
    return (
        f"The tutorial's rule of thumb has two answers, as it cannot be told whether these images "
        f"are like ImageNet's photographs: {'; or '.join(named)}. Here {size}."
    )


def describe_frozen(facts: Facts, placement: Placement) -> str | None:
    """How many layers to freeze, by the curve of the blocks."""
    blocks = facts.blocks
    if blocks is None or placement.frozen_block is None:
        return None
    chosen = blocks.blocks[placement.frozen_block - 1]
    best = next(block for block in blocks.blocks if block.behind is None)
    if chosen.behind is None:
        why = f"block {chosen.number} fits these images best"
    elif chosen.behind.low <= 0:
        why = (
            f"block {chosen.number} is the first that may fit as well as the best, block "
            f"{best.number} (difference {points_words(chosen.behind.difference)}, "
            f"{interval_words(chosen.behind.low, chosen.behind.high)})"
        )
    else:
        why = "every block before the last is clearly behind it"
    return (
        f"Whoever keeps the first layers of {blocks.title} as they are should keep "
        f"{placement.frozen_layers} (k = {placement.frozen_layers}), up to {chosen.layer}: {why}."
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
        return "No experiment has finished here yet, so the rule of thumb was never tried."
    if not placed:
        return (
            "None of the datasets with finished experiments has been measured on this page yet, so "
            "nothing says how good the rule is here. Measure them, one by one."
        )
    named = sum(bool(one.is_named) for one in placed)
    found_words = (
        f"The rule of thumb names the best strategy, or the cheapest that may be as good, for "
        f"{named} of {count_text(len(placed), 'dataset')} that were measured and run here."
    )
    doubt = "" if len(placed) >= ENOUGH_CASES else " So few cases say little about the next one."
    return f"{found_words}{doubt}"


def estimate_words(found: Estimate) -> str:
    """``66.1 % (95 % interval 62.7 to 69.3)``."""
    return f"{percent_text(found.accuracy)} ({interval_words(found.low, found.high)})"


def how_measured(facts: Facts) -> list[str]:
    """How the numbers came about, for whoever doubts them."""
    return [
        f"On {facts.images:,} training images of the default split, {facts.image_size} × "
        f"{facts.image_size} pixels; no validation or test image was used.",
        "The features of a network are those of its last layer, averaged over the places of the "
        "image.",
        f"Each image is predicted once, by a classifier that learned from the other "
        f"{facts.folds - 1} of {facts.folds} parts of the images (cross-validation); near "
        "duplicates are in one part.",
        "The linear probe is a ridge classifier: a weighted sum of the features for each class, "
        "with weights that are kept small. The nearest neighbours are the five images with the "
        "most similar features.",
        "95 % intervals: of an accuracy Wilson's, for as many images as are no near duplicates of "
        "each other; of a difference by drawing these images anew many times (bootstrap).",
    ]


def _rounded(images: float) -> str:
    return f"{round(images):,}" if images >= 1 else "under 1"

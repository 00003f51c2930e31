"""Slices of the test images in words: what each is, and where one strategy is better."""

from collections.abc import Sequence

from core.analysis.image_properties import ImageProperty
from core.analysis.slice_gains import SliceGain, SliceGains
from core.analysis.slices import FEWEST_IMAGES, LeftOut, Reason, Slice
from core.analysis.verdicts import Outcome
from core.analysis.words.verdicts import (
    TIED,
    TOLD_APART,
    closed,
    interval_words,
    number_word,
    one_seed_words,
    p_text,
    quoted,
    signed_points,
)
from core.text import count_text, list_text, percent_text, some_text

MOST_NAMED = 5
OWN_CAUTION = (
    "Slices that people named are tested with the others. One that was named because it looked "
    "special looks more special than its p value says: try it on images that nobody looked at."
)
NO_SLICES = (
    f"There is no slice to look at: at least two need {FEWEST_IMAGES} test images or more each."
)
PROPERTY_TITLES = {
    ImageProperty.CLASS: "class",
    ImageProperty.CLASS_SIZE: "size of the class",
    ImageProperty.IMAGE_SIZE: "image size",
    ImageProperty.COLOUR: "grey or colour",
    ImageProperty.BRIGHTNESS: "brightness",
    ImageProperty.CONTRAST: "contrast",
    ImageProperty.SHARPNESS: "sharpness",
    ImageProperty.DISTANCE: "nearest training image",
    ImageProperty.METADATA: "what came with the images",
    ImageProperty.OWN: "your own",
}
PROPERTY_MEANINGS = {
    ImageProperty.CLASS: "the label",
    ImageProperty.CLASS_SIZE: "how many training images the class has",
    ImageProperty.IMAGE_SIZE: "the shorter edge of the original, in pixels",
    ImageProperty.COLOUR: "whether every pixel of the original is grey",
    ImageProperty.BRIGHTNESS: "the mean grey level, 0 (black) to 255 (white)",
    ImageProperty.CONTRAST: "the standard deviation of the grey levels",
    ImageProperty.SHARPNESS: "the variance of the Laplacian: high where there are many edges, low "
    "where the picture is blurred or plain",
    ImageProperty.METADATA: "a column of a table, or of a Parquet file, that the dataset was added "
    "with; nothing is trained on it",
    ImageProperty.DISTANCE: "1 minus the correlation with the training image that is most alike, "
    "both as grey thumbnails of 16 × 16 pixels: 0 is the same picture",
}
_BOUNDED = {
    ImageProperty.CLASS_SIZE: "class of {} training images",
    ImageProperty.IMAGE_SIZE: "shorter edge {} pixels",
    ImageProperty.BRIGHTNESS: "brightness {}",
    ImageProperty.CONTRAST: "contrast {}",
    ImageProperty.SHARPNESS: "sharpness {}",
    ImageProperty.DISTANCE: "distance to training images {}",
}


def slice_title(one: Slice, classes: Sequence[str]) -> str:
    """``class “ant”``, ``grey``, ``brightness up to 84``, ``contrast 31 to 40``."""
    if one.kind is ImageProperty.CLASS:
        return f"class {quoted(classes[one.place])}"
    if one.kind is ImageProperty.OWN:
        return quoted(one.name)
    if one.kind is ImageProperty.METADATA:
        return f"{one.name} {quoted(one.word) if one.word else f'{one.low:,g} to {one.high:,g}'}"
    if one.kind is ImageProperty.COLOUR:
        return "colour" if one.low else "grey"
    low, high = (_value(one.kind, value) for value in (one.low, one.high))
    if one.place == 0:
        bounds = f"up to {high}"
    elif one.place == one.places - 1:
        bounds = f"at least {low}"
    else:
        bounds = low if low == high else f"{low} to {high}"
    return _BOUNDED[one.kind].format(bounds)


def describe_slices(gains: SliceGains, classes: Sequence[str]) -> list[str]:
    """Where the difference is another one than elsewhere, where there is one, how it was tested."""
    if not gains.entries:
        return [NO_SLICES]
    found = [_where_it_differs(gains, classes), _where_there_is_one(gains, classes)]
    seeds = (gains.first_title, gains.first_seeds), (gains.second_title, gains.second_seeds)
    if single := one_seed_words(*seeds):
        found.append(f"{single[0].upper()}{single[1:]}: the luck of training is in no interval.")
    return [*filter(None, found), describe_slice_tests(gains)]


def describe_slices_in_short(gains: SliceGains, classes: Sequence[str]) -> str:
    """The slice in which the difference is most another one than elsewhere; without any, that no
    slice differs. Empty where there are no slices."""
    if not gains.entries:
        return ""
    differing = [(one, one.beyond) for one in gains.elsewhere_differs if one.beyond]
    if not differing:
        found = [_where_there_is_one(gains, classes)]
        if any(one.gain.outcome is not Outcome.TIED for one in gains.entries):
            found.append(_where_it_differs(gains, classes))
        return " ".join(filter(None, found))
    one, beyond = max(differing, key=lambda found: abs(found[1].value))
    return (
        f"What {closed(gains.second_title)} gains over {closed(gains.first_title)} depends on the "
        f"images, most of all in this slice: {slice_title(one.of, classes)} "
        f"({count_text(one.images, 'image')}), {signed_points(one.gain.value)} points, against "
        f"{signed_points(one.elsewhere or 0.0)} on the other images "
        f"({p_text(beyond.adjusted_p_value)} after Holm over {count_text(gains.tests, 'test')})."
    )


def describe_slice_tests(gains: SliceGains) -> str:
    """Over which family Holm's correction is."""
    if gains.tests == 1:
        return "One test is made, so its p value is not corrected."
    slices, compared = len(gains.entries), sum(one.beyond is not None for one in gains.entries)
    first = f"whether the two differ in each of {count_text(slices, 'slice')}"
    second = "whether their difference there is larger or smaller than on all other test images"
    if compared < slices:
        second = f"in {compared:,} of them {second}"
    questions = f"{first}, and {second}" if compared else first
    return f"Holm's correction is over {count_text(gains.tests, 'test')}: {questions}."


def describe_slice_gain(one: SliceGain, gains: SliceGains, classes: Sequence[str]) -> str:
    """One slice with all its numbers."""
    verdict = TOLD_APART if one.gain.told_apart else f"they {TIED}"
    p_value = f"{p_text(one.gain.adjusted_p_value)} after Holm"
    doubt = ", but the seeds disagree" if one.gain.seeds_agree is False else ""
    found = (
        f"{slice_title(one.of, classes)} ({count_text(one.images, 'image')}): "
        f"{gains.second_title} {percent_text(one.second_accuracy)}; {gains.first_title} "
        f"{percent_text(one.first_accuracy)}; {signed_points(one.gain.value)} points "
        f"({interval_words(one.gain.low, one.gain.high)}), {verdict} ({p_value}{doubt})"
    )
    if one.beyond is None or one.elsewhere is None:
        return f"{found}."
    is_other = one.beyond.outcome is not Outcome.TIED
    compared = f"{TOLD_APART} from this" if is_other else f"which {TIED} from this"
    return (
        f"{found}; elsewhere {signed_points(one.elsewhere)} points, {compared} "
        f"({p_text(one.beyond.adjusted_p_value)} after Holm)."
    )


def describe_left_out(left_out: Sequence[LeftOut], classes: Sequence[str]) -> list[str]:
    """Which properties and classes have no slice, and why; a sentence for each reason."""
    found = []
    for reason, sentence in (
        (Reason.ALIKE, "All test images are about the same in {}."),
        (Reason.FEW, f"Too few images differ for slices of at least {FEWEST_IMAGES}: {{}}."),
        (Reason.SAME, "The same images as slices above, so not counted again: {}."),
    ):
        names = [
            f"{'some by ' if one.is_part else ''}"
            f"{quoted(one.name) if one.name else PROPERTY_TITLES[one.kind]}"
            for one in left_out
            if one.reason is reason
            and not one.labels
            and (not one.name or one.kind is ImageProperty.METADATA)
        ]
        if names:
            found.append(sentence.format(list_text(names)))
    for reason, sentence in (
        (Reason.FEW, f"Too few test images, under {FEWEST_IMAGES}, are in {{}}."),
        (Reason.UNKNOWN, "Not measured here, or not cut like that: the parts of {}."),
    ):
        names = [
            quoted(one.name)
            for one in left_out
            if one.kind is ImageProperty.OWN and one.reason is reason
        ]
        if names:
            found.append(sentence.format(list_text(names)))
    for one in left_out:
        if one.labels:
            names = [quoted(classes[label]) for label in one.labels]
            found.append(
                f"Classes with fewer than {FEWEST_IMAGES} test images have no slice: "
                f"{some_text(names, MOST_NAMED)}."
            )
    return found


def _where_it_differs(gains: SliceGains, classes: Sequence[str]) -> str:
    if not any(one.beyond for one in gains.entries):
        return ""
    differing = gains.elsewhere_differs
    if not differing:
        return (
            "In no slice is the difference clearly larger or smaller than on the other images; "
            "what looks so may be luck."
        )
    listed = [
        f"{slice_title(one.of, classes)} ({signed_points(one.gain.value)}, elsewhere "
        f"{signed_points(one.elsewhere or 0.0)})"
        for one in differing
    ]
    where = _in_these(len(differing))
    return (
        f"The difference is larger or smaller than on the other images in {where}, in points: "
        f"{some_text(listed, MOST_NAMED)}."
    )


def _where_there_is_one(gains: SliceGains, classes: Sequence[str]) -> str:
    count = len(gains.entries)
    ahead, behind = gains.with_outcome(Outcome.AHEAD), gains.with_outcome(Outcome.BEHIND)
    first, second = closed(gains.first_title), closed(gains.second_title)
    if not ahead and not behind:
        where = "in the one slice" if count == 1 else f"in any of the {count:,} slices"
        return (
            f"No slice differs: {second} {TIED} from {first} {where}. With few images only large "
            "differences can be seen."
        )
    parts = []
    if ahead:
        parts.append(f"ahead of {first} {_of_all(len(ahead), count)}")
    if behind:
        listed = [
            f"{slice_title(one.of, classes)} ({signed_points(one.gain.value)} points)"
            for one in reversed(behind)
        ]
        other = "" if ahead else f" {first}"
        where = _of_all(len(behind), count)
        parts.append(f"behind{other} {where}: {some_text(listed, MOST_NAMED)}")
    left = count - len(ahead) - len(behind)
    rest = f" In the other {left:,} the two {TIED}." if left > 1 else ""
    if left == 1:
        rest = f" In the other one the two {TIED}."
    return f"{second} is {' and '.join(parts)}.{rest}"


def _of_all(some: int, count: int) -> str:
    if some == count:
        return "in the one slice" if count == 1 else f"in each of the {count:,} slices"
    return f"in {some:,} of the {count:,} slices"


def _in_these(count: int) -> str:
    return "this slice" if count == 1 else f"these {number_word(count)} slices"


def _value(kind: ImageProperty, value: float) -> str:
    return f"{value:.2f}" if kind is ImageProperty.DISTANCE else f"{value:,.0f}"

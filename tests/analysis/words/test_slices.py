"""Slices in words: what each is, where one strategy is better, what was left out."""

import numpy as np

from core.analysis.image_properties import ImageProperty
from core.analysis.slice_gains import slice_gains
from core.analysis.slices import LeftOut, Reason, Slice, slices_of
from core.analysis.words.slices import (
    describe_left_out,
    describe_slice_gain,
    describe_slices,
    describe_slices_in_short,
    slice_title,
)
from tests.analysis.test_slice_gains import in_two_slices
from tests.made_evidence import CLASSES, evidence_of

ROWS = np.zeros(1, bool)


def gains(*parts, seeds=1):
    return slice_gains(*in_two_slices(*parts, seeds=seeds), "cnn", "vgg16_probe")


def disagreeing():
    """Three seeds each that differ more than the two strategies do."""
    good, bad = [True] * 120, [False] * 120
    evidence = evidence_of({"cnn": [good, bad, bad], "vgg16_probe": [good, good, bad]})
    slices = slices_of({ImageProperty.CLASS: np.repeat([0, 1], 60)}).slices
    return slice_gains(evidence, slices, "cnn", "vgg16_probe")


def titles():
    """The first, a middle and the last slice of every property."""
    found = {}
    for kind in ImageProperty:
        if kind in (ImageProperty.CLASS, ImageProperty.COLOUR, ImageProperty.OWN):
            ends = [(0, 2, 0.0, 0.0), (1, 2, 1.0, 1.0)]
        else:
            ends = [(0, 4, 0.1, 20.0), (1, 4, 20.4, 1234.6), (2, 4, 30.0, 30.0), (3, 4, 0.25, 99.0)]
        for place, places, low, high in ends:
            title = slice_title(Slice(kind, place, places, low, high, ROWS, "dark ants"), CLASSES)
            found[f"title, {kind} {place}"] = title
    return found


def test_the_sentences(held):
    made = {
        "one differs from the rest": gains((30, 2, 28), (2, 2, 96)),
        "ahead everywhere, the same": gains((30, 0, 30), (20, 0, 20), (25, 0, 25)),
        "no slice differs": gains((2, 2, 26), (3, 1, 26), (0, 0, 30)),
        "ahead in one and behind in another": gains((30, 0, 10), (0, 25, 15), (1, 1, 38)),
        "behind everywhere": gains((0, 30, 10), (0, 25, 15)),
        "one slice, no rest to compare with": gains((15, 0, 15), (1, 0, 5)),
        "the seeds disagree": disagreeing(),
        "none": slice_gains(in_two_slices((1, 0, 5))[0], (), "cnn", "vgg16_probe"),
    }
    left_out = [
        LeftOut(ImageProperty.CLASS, Reason.FEW, (0, 2)),
        LeftOut(ImageProperty.CLASS_SIZE, Reason.SAME),
        LeftOut(ImageProperty.SHARPNESS, Reason.SAME, is_part=True),
        LeftOut(ImageProperty.IMAGE_SIZE, Reason.ALIKE),
        LeftOut(ImageProperty.COLOUR, Reason.ALIKE),
        LeftOut(ImageProperty.CONTRAST, Reason.FEW),
        LeftOut(ImageProperty.OWN, Reason.FEW, name="dark ants"),
        LeftOut(ImageProperty.OWN, Reason.UNKNOWN, name="blurred"),
        LeftOut(ImageProperty.OWN, Reason.UNKNOWN, name="far off"),
    ]
    held(
        titles()
        | {name: "\n".join(describe_slices(found, CLASSES)) for name, found in made.items()}
        | {
            f"in short: {name}": describe_slices_in_short(found, CLASSES)
            for name, found in made.items()
        }
        | {
            f"one slice: {name}": describe_slice_gain(found.entries[0], found, CLASSES)
            for name, found in made.items()
            if found.entries
        }
        | {"left out": "\n".join(describe_left_out(left_out, CLASSES))}
    )

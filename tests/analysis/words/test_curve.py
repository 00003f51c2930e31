"""A learning curve in words."""

from core.analysis.learning_curve import learning_curve_of
from core.analysis.words.curve import describe_crossings, describe_curve
from tests.analysis.test_learning_curve import PROBE, curve, members


def test_the_sentences(held):
    low = curve(0.5, 0.6, 0.7)
    pairs = {
        "crossing, not sure": learning_curve_of("cafe0001", members()).curves,
        "crossing, sure": (curve(0.5, 0.6, 0.9), curve(0.7, 0.7, 0.8, **PROBE)),
        "crossing, two": (curve(0.5, 0.7, 0.6), curve(0.6, 0.6, 0.7, **PROBE)),
        "no crossing": (low, curve(0.7, 0.7, 0.75, **PROBE)),
        "no crossing, the other way round": (curve(0.7, 0.7, 0.75, **PROBE), low),
        "no crossing, intervals overlap": (low, curve(0.51, 0.61, 0.71, half=0.1, **PROBE)),
        "equal": (low, curve(0.5, 0.6, 0.7, **PROBE)),
        "touching": (curve(0.5, 0.6, 0.9), curve(0.5, 0.7, 0.9, **PROBE)),
        "one size in common": (
            curve(0.5, 0.6, images=(20, 100)),
            curve(0.7, 0.7, images=(100, 200), **PROBE),
        ),
    }
    held(
        {name: describe_crossings(*pair) for name, pair in pairs.items()}
        | {
            "curve": describe_curve(learning_curve_of("cafe0001", members())),
            "curve, no run": describe_curve(
                learning_curve_of("cafe0001", members(state="running"))
            ),
        }
    )

"""Several experiments in words, side by side and as a learning curve."""

from dataclasses import replace

from core.analysis.learning_curve import learning_curve_of
from core.analysis.several import Column, FactRow, Obstacle, Several
from core.analysis.words.several import (
    cell_texts,
    delta_text,
    describe_crossings,
    describe_curve,
    describe_several,
    ratio_text,
)
from tests.analysis.test_learning_curve import PROBE, curve, members

ONE = Column("one", "shapes", True, None)
TWO = Column("two", "shapes", False, None)
SIZES = FactRow("image size", "setup", ("64 x 64 pixels", "96 x 96 pixels"), (None, None))
ACCURACY = FactRow("MLP: test accuracy", "metric", (0.5, 0.75), (None, 0.25))
SECONDS = FactRow("MLP: whole run", "time", (30.0, None), (None, None))


def test_the_sentences(held):
    two = Several((ONE, TWO), (SIZES, ACCURACY), False)
    obstacles = {
        obstacle.value: replace(two, columns=(ONE, replace(TWO, obstacle=obstacle)))
        for obstacle in Obstacle
    }
    cases = {
        "two": two,
        "two, made alike": replace(two, rows=(ACCURACY,)),
        "one": replace(two, columns=(ONE,)),
        "two devices": replace(two, other_devices=True),
    }
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
        {name: describe_several(several) for name, several in (cases | obstacles).items()}
        | {f"cells, {row.title}": " | ".join(cell_texts(row)) for row in (SIZES, ACCURACY, SECONDS)}
        | {f"delta {value}": delta_text(value) for value in (0.0214, -0.0214, 0.0004)}
        | {f"ratio {value}": ratio_text(value) for value in (1.849, 0.0333, 123.4)}
        | {name: describe_crossings(*pair) for name, pair in pairs.items()}
        | {
            "curve": describe_curve(learning_curve_of("cafe0001", members())),
            "curve, no run": describe_curve(
                learning_curve_of("cafe0001", members(state="running"))
            ),
        }
    )

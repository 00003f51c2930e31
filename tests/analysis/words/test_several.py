"""Several experiments side by side in words."""

from dataclasses import replace

from core.analysis.several import Column, FactRow, Obstacle, Several
from core.analysis.words.several import cell_texts, delta_text, describe_several, ratio_text

ONE = Column("one", "shapes", True, None)
TWO = Column("two", "shapes", False, None)
SIZES = FactRow("image size", "setup", ("64 x 64 pixels", "96 x 96 pixels"), (None, None))
ACCURACY = FactRow("MLP: test accuracy", "accuracy", (0.5, 0.75), (None, 0.25))
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
    held(
        {name: describe_several(several) for name, several in (cases | obstacles).items()}
        | {f"cells, {row.title}": " | ".join(cell_texts(row)) for row in (SIZES, ACCURACY, SECONDS)}
        | {f"delta {value}": delta_text(value) for value in (0.0214, -0.0214, 0.0004)}
        | {f"ratio {value}": ratio_text(value) for value in (1.849, 0.0333, 123.4)}
    )

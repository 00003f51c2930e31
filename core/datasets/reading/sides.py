"""The split that a source brings along: what its folders or its column say, and what follows."""

import numpy as np

from core.datasets.model import SIDES


def settle_sides(sides: list[str | None]) -> tuple[np.ndarray | None, str | None]:
    """Positions in ``SIDES``, int8 ``(N,)``, or None where there is no usable split; and a
    sentence about it, where there is something to say.

    A split needs pictures to train on and others to test on. With ``train`` and ``validation``
    alone, the second is what results are measured on, so it becomes the test side.
    """
    given = {side for side in sides if side is not None}
    if not given:
        return None, None
    if None in sides:
        return None, (
            "Some pictures are marked as train or test and others are not, so Headstart makes its"
            " own split."
        )
    if given == {"train", "validation"}:
        positions = [0 if side == "train" else 2 for side in sides]
        return np.array(positions, np.int8), (
            "The split that came with it has train and validation and no test: its validation"
            " pictures are the test pictures here, and validation is drawn from train."
        )
    if not {"train", "test"} <= given:
        return None, (
            f"It marks pictures as {' and '.join(sorted(given))} only, so Headstart makes its own"
            " split."
        )
    positions = [SIDES.index(side) for side in sides if side is not None]
    return np.array(positions, np.int8), None

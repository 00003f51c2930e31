"""What one prediction costs, with a clock and a processor that the test sets."""

from collections import namedtuple

import pytest

from core.networks import one_image
from core.networks.one_image import OneImage, other_load, time_predictions

Machine = namedtuple("Machine", "user system idle iowait steal guest")
Own = namedtuple("Own", "user system")


class Ticking:
    """A clock that moves by what each prediction takes, in order; the last one repeats."""

    def __init__(self, seconds: list[float]) -> None:
        self.now = 100.0
        self._seconds = seconds

    def predict(self) -> None:
        self.now += self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0]

    def __call__(self) -> float:
        return self.now


def test_the_median_and_the_middle_half_of_a_second() -> None:
    clock = Ticking([0.25, 0.125])
    assert time_predictions(clock.predict, clock) == OneImage(0.125, 0.125, 0.125, 9)
    quick = Ticking([0.015625])  # a 64th of a second
    assert time_predictions(quick.predict, quick) == OneImage(0.015625, 0.015625, 0.015625, 64)
    slow = Ticking([float(seconds) for seconds in (5, 1, 4, 2, 3, 9, 8, 7, 6)])
    assert time_predictions(slow.predict, slow) == OneImage(5.0, 3.0, 7.0, 9)


@pytest.mark.parametrize(
    ("after", "own", "load"),
    [
        # Of 10 s of two cores: 4 are ours, 3 idle or waiting for a disk, 1 stolen, 2 of others.
        (Machine(5, 1, 2, 1, 1, 3), Own(3, 1), 0.3),
        (Machine(4, 0, 6, 0, 0, 0), Own(4, 0), 0.0),
        (Machine(3, 0, 7, 0, 0, 0), Own(4, 0), 0.0),  # ticks are coarse: never below zero
        (Machine(0, 0, 0, 0, 0, 0), Own(0, 0), 0.0),
    ],
)
def test_the_load_is_what_others_used(
    monkeypatch: pytest.MonkeyPatch, after: Machine, own: Own, load: float
) -> None:
    machine, process = [Machine(0, 0, 0, 0, 0, 0), after], [Own(0, 0), own]
    monkeypatch.setattr(one_image.psutil, "cpu_times", lambda: machine.pop(0))
    monkeypatch.setattr(one_image.psutil.Process, "cpu_times", lambda _self: process.pop(0))
    assert other_load(lambda: None) == pytest.approx(load)

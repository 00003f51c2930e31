"""What one prediction costs, with a clock that the test sets."""

from core.networks.one_image import OneImage, time_predictions


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

"""The stopwatch under a replaced clock, to the exact second."""

from core.training.clock import Stopwatch


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_only_running_time_counts():
    clock = HandClock()
    watch = Stopwatch(clock)
    clock.now += 3
    with watch.paused():
        clock.now += 50
    clock.now += 4
    assert watch.seconds == 7
    watch.pause()
    clock.now += 10
    assert watch.seconds == 7
    watch.resume()
    clock.now += 0.5
    assert watch.seconds == 7.5


def test_pausing_twice_and_resuming_twice_changes_nothing():
    clock = HandClock()
    watch = Stopwatch(clock)
    clock.now += 2
    watch.pause()
    watch.pause()
    clock.now += 2
    watch.resume()
    watch.resume()
    clock.now += 1
    assert watch.seconds == 3

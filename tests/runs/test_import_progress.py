"""What is told of an import on its way, by an exact clock."""

from typing import Any

from core.runs.import_progress import ImportProgress


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def told_at(moments: list[tuple[float, int]], total: int) -> list[dict[str, Any]]:
    """What is written when ``(second, images done)`` are reported."""
    clock = Clock()
    written: list[dict[str, Any]] = []
    progress = ImportProgress(written.append, clock)
    for second, done in moments:
        clock.seconds = 100.0 + second
        progress(done, total)
    return written


def reading(done: int, total: int, seconds_left: float | None) -> dict[str, Any]:
    return {"step": "Reading images", "done": done, "total": total, "seconds_left": seconds_left}


def test_progress_is_told_at_most_twice_a_second() -> None:
    told = told_at([(0.1 * number, number) for number in range(1, 13)], total=100)
    assert [entry["done"] for entry in told] == [1, 6, 11]


def test_the_time_left_is_hidden_in_the_first_second_and_then_follows_the_rate() -> None:
    told = told_at([(0.5, 50), (1.0, 100), (2.0, 200)], total=1000)
    assert told == [reading(50, 1000, None), reading(100, 1000, 9.0), reading(200, 1000, 8.0)]


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    slow = [(float(second), 10 * second) for second in range(1, 21)]
    fast = [(20.0 + second, 200 + 100 * second) for second in range(1, 11)]
    told = told_at(slow + fast, total=2200)
    assert told[19] == reading(200, 2200, 200.0)
    assert told[-1] == reading(1200, 2200, 10.0)


def test_after_the_last_image_duplicates_are_looked_for() -> None:
    told = told_at([(5.0, 9), (5.1, 10)], total=10)
    assert told[-1] == {
        "step": "Looking for duplicates",
        "done": 10,
        "total": 10,
        "seconds_left": None,
    }

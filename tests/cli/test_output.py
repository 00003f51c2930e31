"""What the command line says about long work."""

from collections.abc import Iterator

import pytest

from core.cli import output


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds between any two looks at the clock."""
    seconds: Iterator[float] = iter(range(0, 1000, 2))
    monkeypatch.setattr(output.time, "monotonic", lambda: float(next(seconds)))


@pytest.mark.usefixtures("clock")
def test_ten_times_on_the_way_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    progress = output.counter("reading images")
    for done in range(1, 41):
        progress(done, 40)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 11
    assert said[:3] == [
        "reading images: 1 of 40",
        "reading images: 4 of 40, about 1 min left",  # 36 images of two seconds
        "reading images: 8 of 40, about 1 min left",
    ]
    assert said[-2:] == ["reading images: 36 of 40, about 10 s left", "reading images: 40 of 40"]


@pytest.mark.usefixtures("clock")
def test_work_that_starts_again_is_counted_again(capsys: pytest.CaptureFixture[str]) -> None:
    progress = output.counter("reading images")
    for done in (1, 2, 1, 2):
        progress(done, 2)
    assert (
        capsys.readouterr().err.splitlines()
        == ["reading images: 1 of 2", "reading images: 2 of 2"] * 2
    )


@pytest.mark.usefixtures("clock")
def test_an_estimate_that_wavers_is_not_counted_again(capsys: pytest.CaptureFixture[str]) -> None:
    progress = output.counter("reading images")
    for done, total in ((4, 10), (5, 20), (6, 10)):
        progress(done, total)
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "reading images: 4 of 10",
        "reading images: 6 of 10",
    ]

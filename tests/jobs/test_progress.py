"""The one sentence about how far a job is."""

import pytest

from core.jobs.progress import DeviceWait, Progress, progress_text, waiting_text


@pytest.mark.parametrize(
    ("progress", "fraction", "text"),
    [
        (Progress("Looking at the files"), 0.0, "Looking at the files"),
        (Progress("Reading images", 5, 4), 1.0, "Reading images · 5 of 4 images"),
        (
            Progress("Reading images", 1200, 4800, seconds_left=62.0),
            0.25,
            "Reading images · 1,200 of 4,800 images · about 1 min left in this step",
        ),
        (
            Progress("Epoch 2 of 4", 50, 100, 1234.5, 7.0, 2, 4),
            0.375,
            "Epoch 2 of 4 · 50 of 100 images · 1,234 images/s · about 5 s left in this step",
        ),
        (Progress("Training", 0, 0, epoch=1, epochs=4), 0.0, "Training · epoch 1 of 4"),
        (Progress("Putting CNN together", 1, 4, unit=""), 0.25, "Putting CNN together · 1 of 4"),
    ],
)
def test_progress_is_said_in_a_sentence(progress: Progress, fraction: float, text: str) -> None:
    assert (progress.fraction, progress_text(progress)) == (fraction, text)
    assert Progress.from_dict(progress.as_dict()) == progress


def test_what_waits_or_has_said_nothing() -> None:
    assert progress_text(None) == "Starting"
    assert [waiting_text(place) for place in (1, 2, None)] == [
        "Next in the queue",
        "Place 2 in the queue",
        "Next in the queue",
    ]
    assert Progress.from_dict(None) is None
    assert Progress.from_dict({"step": "Reading", "of": "another version"}) == Progress("Reading")


def test_why_a_job_waits_for_one_kind_of_device() -> None:
    bound = "Next in the queue · waits for H200, on which the times of this experiment are taken"
    assert waiting_text(1, DeviceWait("H200", 1, 1)) == (
        f"{bound} (its worker is busy); 1 worker on another kind of device may not take it"
    )
    assert waiting_text(1, DeviceWait("H200", 2, 3)) == (
        f"{bound} (its 2 workers are busy); 3 workers on another kind of device may not take it"
    )
    assert waiting_text(1, DeviceWait("H200", 0, 3)) == (
        f"{bound}; 3 workers on another kind of device may take it when no such worker has been "
        "there for ten minutes"
    )
    assert waiting_text(2, DeviceWait("", 0, 0)) == (
        "Place 2 in the queue · no worker that trains is here; start one with: "
        "python -m core worker"
    )

"""Which validation pictures are watched, and what is noted about them."""

import numpy as np

from core.training.events import EpochRecord, TrackedImage
from core.training.scoring import tracked_predictions, tracked_rows


def test_every_class_has_its_turn_the_commonest_first():
    labels = np.array([2, 0, 0, 1, 0, 1, 0])
    assert tracked_rows(labels, 1).tolist() == [1]
    assert tracked_rows(labels, 2).tolist() == [1, 3]
    assert tracked_rows(labels, 3).tolist() == [1, 3, 0]
    # the second round: another of class 0, then of class 1; class 2 has no more
    assert tracked_rows(labels, 5).tolist() == [1, 2, 3, 5, 0]
    assert tracked_rows(labels, 12).tolist() == [1, 2, 4, 6, 3, 5, 0]


def test_with_more_classes_than_places_the_commonest_are_watched():
    labels = np.repeat(np.arange(16), [3] + [2] * 3 + [1] * 4 + [5] * 8)
    assert np.unique(labels[tracked_rows(labels)]).tolist() == [0, 1, 2, 3, *range(8, 16)]
    assert len(tracked_rows(labels)) == 12


def test_the_answer_is_the_likeliest_class_with_its_rounded_probability():
    validation = np.array([40, 7])
    labels = np.array([1, 0])
    probabilities = np.array([[0.123456, 0.876544], [0.1, 0.9]], np.float32)
    assert tracked_predictions(validation, labels, probabilities) == (
        TrackedImage(7, 1, 0.9),
        TrackedImage(40, 1, 0.8765),
    )


def test_the_record_is_ready_for_json():
    record = EpochRecord(
        "main", 1, 2, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0, 9.0, (TrackedImage(7, 1, 0.9),)
    )
    assert record.as_dict()["watched"] == ({"image": 7, "predicted": 1, "probability": 0.9},)

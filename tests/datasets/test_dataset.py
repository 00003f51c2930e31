"""The health report: kept as JSON, and read as older versions wrote it."""

import json

import numpy as np
import pytest

from core.datasets.dataset import HealthReport, LeftOut
from core.datasets.groups import health_of_arrays
from core.datasets.metadata import SharedOrigin

REPORT = HealthReport(
    quarantined=(LeftOut("cats/1.png", "the file is empty"),),
    lost_classes=("owls",),
    ignored_files=2,
    exact_duplicates=1,
    near_duplicate_groups=3,
    images_in_groups=7,
    largest_group=4,
    label_conflicts=(("cats/2.png", "dogs/2.png"),),
    look_alike_classes=("fog",),
    small_classes=("cats", "dogs"),
    notes=("Something was decided.",),
    shared_origins=(SharedOrigin("patient_id", 5, 9, None), SharedOrigin("case", 7, 9, 2)),
)


def test_it_comes_back_from_json_as_it_was():
    document = json.loads(json.dumps(REPORT.to_json()))
    assert document["quarantined"] == [{"file": "cats/1.png", "reason": "the file is empty"}]
    assert document["label_conflicts"] == [["cats/2.png", "dogs/2.png"]]
    assert HealthReport.from_json(document) == REPORT


def test_a_report_of_an_older_version_lacks_fields_and_may_have_others():
    document = {
        "quarantined": [],
        "ignored_files": 3,
        "exact_duplicates": 5,
        "notes": ["a note"],
        "unknown": 1,
    }
    assert HealthReport.from_json(document) == HealthReport(
        ignored_files=3, exact_duplicates=5, notes=("a note",)
    )


@pytest.mark.parametrize("document", [None, 3, {"quarantined": [{"file": "x"}]}])
def test_a_damaged_report_raises(document):
    with pytest.raises(TypeError):
        HealthReport.from_json(document)


def test_what_follows_from_the_arrays():
    digests = np.zeros((6, 32), np.uint8)
    digests[:, 0] = [1, 1, 2, 3, 4, 5]  # the first two images are equal, under two labels
    report = health_of_arrays(
        ["a", "b"],
        ["a/1", "b/1", "a/2", "a/3", "b/2", "b/3"],
        {
            "labels": np.array([0, 1, 0, 0, 1, 1]),
            "groups": np.array([0, 0, 1, 1, 2, 3]),
            "digests": digests,
            "look_alikes": np.array([False, False, False, False, False, True]),
        },
    )
    assert report == HealthReport(
        exact_duplicates=1,
        near_duplicate_groups=2,
        images_in_groups=4,
        largest_group=2,
        label_conflicts=(("a/1", "b/1"),),
        look_alike_classes=("b",),
        small_classes=("a",),
    )

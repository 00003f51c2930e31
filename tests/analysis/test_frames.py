import pytest

from core.analysis.comparison import COLUMN_HELP, compare, results_frame, seeds_frame
from tests import made_up


def test_frames_are_in_percent_with_units_in_their_names():
    runs = [
        made_up.run("cnn", 0, result=made_up.result(0.70)),
        made_up.run("cnn", 1, result=made_up.result(0.76)),
        made_up.run("vgg16_probe", result=made_up.result(0.9)),
        made_up.run("vgg16_probe", 1, state="failed", result=None),
    ]
    comparison = compare(made_up.experiment(), runs)
    frame = results_frame(comparison)
    assert list(frame.columns) == list(COLUMN_HELP)
    assert frame["test accuracy (%)"].tolist() == pytest.approx([73.0, 90.0])
    assert frame["over majority (points)"].tolist() == pytest.approx([13.0, 30.0])
    assert frame["peak memory (MB)"].tolist() == [500.0, 500.0]
    assert frame["state"].tolist() == ["finished", "failed, 1 of 2 seeds done"]
    assert len(seeds_frame(comparison)) == 4

"""The chart of what a network costs where it is used."""

from core.charts.deployment import deployment_chart
from tests.charts.test_exhibits import measured_rows


def test_the_slowest_time_axis_begins_at_a_millisecond_and_the_label_says_the_truth() -> None:
    exhibit = deployment_chart(measured_rows())
    cnn, probe = exhibit.figure.data
    assert list(exhibit.figure.layout.yaxis.ticktext) == [
        "CNN, three blocks<br><b>0.50 ms</b>, 59 MB",
        "VGG16 probe<br><b>12 ms</b>, 59 MB",
    ]
    assert (list(cnn.x), list(probe.x)) == ([0.001], [0.012])
    assert probe.error_x.array[0] == 0.0145 - 0.012
    assert probe.error_x.arrayminus[0] == 0.012 - 0.011
    assert exhibit.frame["strategy"].tolist() == ["VGG16 probe", "CNN, three blocks"]
    assert exhibit.frame["other programs meanwhile (%)"].tolist() == [2.0, 43.0]

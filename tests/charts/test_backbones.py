"""The matrix of backbones and modes, and the chart of what they cost."""

import pytest

from core.analysis.backbones import backbone_matrix
from core.charts.backbones import NOT_RUN, backbone_cost_chart, backbone_matrix_chart
from core.charts.cost import ONE_IMAGE, PARAMETERS
from tests.made_backbones import RIGHT, add_backbones, evidence


@pytest.fixture(autouse=True)
def _three_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    add_backbones(monkeypatch)


def test_every_cell_has_its_accuracy_and_interval_or_says_that_it_was_not_run() -> None:
    exhibit = backbone_matrix_chart(backbone_matrix(evidence(*RIGHT)))
    axes = exhibit.figure.layout
    assert list(axes.yaxis.ticktext) == ["VGG16", "Small", "Tiny"]
    assert list(axes.xaxis.ticktext) == ["probe", "finetune", "scratch"]
    texts = [annotation.text for annotation in axes.annotations]
    assert texts == [
        *("<b>67.5 %</b><br>63–72", "<b>72.5 %</b><br>68–77", "<b>25.0 %</b><br>21–29"),
        *("<b>69.0 %</b><br>64–73", "<b>70.0 %</b><br>65–74", NOT_RUN),
        *("<b>50.0 %</b><br>45–55", NOT_RUN, NOT_RUN),
    ]
    # Dark text on the brightest cell, light on the darkest, the page's own beside them.
    assert [annotation.font.color for annotation in axes.annotations][1:6] == [
        *("#000000", "#FFFFFF"),
        *("#000000", "#000000", None),
    ]
    assert exhibit.frame["backbone"].tolist() == ["VGG16"] * 3 + ["Small"] * 2 + ["Tiny"]


def test_colours_are_backbones_and_markers_are_modes() -> None:
    matrix = backbone_matrix(evidence(*RIGHT))
    times = {"vgg16_probe": 0.095, "small_probe": 0.012, "tiny_probe": 0.0005}
    exhibit = backbone_cost_chart(matrix, times, ONE_IMAGE)
    front, *points = exhibit.figure.data
    assert list(front.x) == [0.001, 0.012]  # the axis begins at a millisecond
    shown = [point.name for point in points if point.showlegend is not False]
    assert shown == ["VGG16", "Small", "Tiny", "scratch", "probe", "finetune"]
    probes = [point for point in points if point.showlegend is False]
    assert [probe.marker.symbol for probe in probes] == ["circle-open", "circle", "circle"]
    assert len({probe.marker.color for probe in probes}) == 3
    assert exhibit.words == (
        "Test accuracy against the time of one image where the network is used. On the Pareto "
        "front: Tiny probe 50.0 % at 0.50 ms; Small probe 69.0 % at 12 ms. Another strategy is "
        "both better and faster than: VGG16 probe 67.5 % at 95 ms."
    )


def test_parameters_are_on_a_log_axis_of_counts() -> None:
    matrix = backbone_matrix(evidence("vgg16_probe", "small_probe"))
    exhibit = backbone_cost_chart(
        matrix, {"vgg16_probe": 14_714_688.0, "small_probe": 3_400_000.0}, PARAMETERS
    )
    assert list(exhibit.figure.layout.xaxis.ticktext) == ["1 million", "10 million", "100 million"]
    assert exhibit.frame["parameters"].tolist() == [3_400_000.0, 14_714_688.0]

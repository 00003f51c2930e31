"""Learning curves: the points of a series, and where lines cross."""

import math

import pytest

from core.analysis.learning_curve import (
    CurvePoint,
    StrategyCurve,
    crossings,
    headline_curves,
    learning_curve_of,
)
from core.analysis.significance import wilson_interval
from core.charts.curves import learning_curve_chart
from tests import made_up

SIZES = {0.1: 20, 0.5: 100, 1.0: 200}
# Test accuracies on 100 images, by share and strategy, one number a seed.
VALUES = {
    0.1: {"cnn": (0.50, 0.54), "vgg16_probe": (0.70, 0.74)},
    0.5: {"cnn": (0.70, 0.74), "vgg16_probe": (0.76, 0.80)},
    1.0: {"cnn": (0.88, 0.92), "vgg16_probe": (0.78, 0.82)},
}


def members(values=VALUES, state="finished"):
    found = []
    for fraction, by_strategy in values.items():
        spec = made_up.spec(
            train_share=fraction,
            series="cafe0001",
            images={"train": SIZES[fraction], "validation": 20, "test": 100},
        )
        experiment = made_up.experiment(id=f"share{fraction}", spec=spec)
        runs = [
            made_up.run(strategy, seed, state=state, result=made_up.result(accuracy))
            for strategy, accuracies in by_strategy.items()
            for seed, accuracy in enumerate(accuracies)
        ]
        found.append((experiment, runs))
    return found


def curve(*means, images=(20, 100, 200), half=0.001, name="cnn", title="CNN"):
    points = tuple(
        CurvePoint("x", size / 200, size, (0,), (mean,), mean, mean - half, mean + half)
        for size, mean in zip(images, means, strict=True)
    )
    return StrategyCurve(name, title, points)


PROBE = {"name": "vgg16_probe", "title": "Probe"}


def test_a_point_is_the_mean_of_its_seeds_with_the_wilson_interval():
    found = learning_curve_of("cafe0001", members())
    assert (found.dataset_name, found.test_images, found.majority_accuracy) == ("shapes", 100, 0.6)
    assert (found.done, found.total) == (12, 12)
    assert [entry.strategy for entry in found.curves] == ["cnn", "vgg16_probe"]
    first = found.curves[0].points[0]
    assert (first.experiment_id, first.fraction, first.train_images) == ("share0.1", 0.1, 20)
    assert (first.seeds, first.values) == ((0, 1), (0.50, 0.54))
    assert first.mean == pytest.approx(0.52)
    assert (first.low, first.high) == wilson_interval(52, 100)
    assert found.of("mlp") is None


def test_runs_that_are_not_finished_have_no_point():
    found = learning_curve_of("cafe0001", members(state="running"))
    assert (found.curves, found.done, found.total) == ((), 0, 12)
    assert headline_curves(found) is None
    exhibit = learning_curve_chart(found)
    assert exhibit.frame.empty
    assert len(exhibit.figure.data) == 0


def test_lines_cross_where_they_are_straight_over_the_logarithm():
    # A gap of +6 points with 100 images and -10 with 200: three eighths of the way.
    first, second = learning_curve_of("cafe0001", members()).curves
    (crossing,) = crossings(first, second)
    assert crossing.leader == "CNN, three blocks"
    assert (crossing.before, crossing.after) == (100, 200)
    assert crossing.images == round(math.exp(math.log(100) + 6 / 16 * math.log(2)))
    assert crossing.images == 130
    assert not crossing.certain  # on 100 images the intervals overlap on both sides


def test_a_crossing_is_certain_where_the_intervals_are_apart():
    first, second = curve(0.5, 0.6, 0.9), curve(0.7, 0.7, 0.8, **PROBE)
    (crossing,) = crossings(first, second)
    assert (crossing.leader, crossing.images, crossing.certain) == ("CNN", 141, True)


def test_lines_that_never_meet_do_not_cross():
    first, second = curve(0.5, 0.6, 0.7), curve(0.7, 0.7, 0.75, **PROBE)
    assert crossings(first, second) == ()


@pytest.mark.parametrize("second", [(0.5, 0.6, 0.9), (0.5, 0.7, 0.9)], ids=["equal", "touching"])
def test_equal_points_are_no_crossing(second):
    assert crossings(curve(0.5, 0.6, 0.9), curve(*second, **PROBE)) == ()


def test_a_touch_between_two_leads_is_one_crossing():
    first, second = curve(0.5, 0.7, 0.9), curve(0.6, 0.7, 0.8, **PROBE)
    (crossing,) = crossings(first, second)
    assert (crossing.before, crossing.after) == (20, 200)
    assert crossing.images == round(math.sqrt(20 * 200))


def test_several_crossings():
    first, second = curve(0.5, 0.7, 0.6), curve(0.6, 0.6, 0.7, **PROBE)
    assert [crossing.leader for crossing in crossings(first, second)] == ["CNN", "Probe"]


def test_only_sizes_that_both_have_are_compared():
    first = curve(0.5, 0.6, images=(20, 100))
    second = curve(0.7, 0.7, images=(100, 200), **PROBE)
    assert crossings(first, second) == ()


def test_the_headline_curves_are_cnn_and_probe_or_the_two_best():
    found = learning_curve_of("cafe0001", members())
    assert [entry.strategy for entry in headline_curves(found)] == ["cnn", "vgg16_probe"]
    others = {
        fraction: {"majority": (0.6,), "mlp": (0.7,), "vgg16_probe": (0.8,)} for fraction in SIZES
    }
    pair = headline_curves(learning_curve_of("cafe0001", members(others)))
    assert [entry.strategy for entry in pair] == ["mlp", "vgg16_probe"]


def test_frame_and_chart_hold_the_same_numbers():
    found = learning_curve_of("cafe0001", members())
    exhibit = learning_curve_chart(found)
    frame = exhibit.frame
    assert frame.columns.tolist() == [
        "strategy",
        "training images",
        "fraction (%)",
        "seeds",
        "test accuracy (%)",
        "low (%)",
        "high (%)",
        "seed 0 (%)",
        "seed 1 (%)",
    ]
    assert frame["training images"].tolist() == [20, 100, 200, 20, 100, 200]
    assert frame["seed 1 (%)"].tolist() == pytest.approx([54, 74, 92, 74, 80, 82])
    figure = exhibit.figure
    means, seeds = figure.data[0], figure.data[1]
    assert figure.layout.xaxis.type == "log"
    assert list(means.y) == pytest.approx([52, 72, 90])
    assert [entry[0] for entry in means.customdata] == [20, 100, 200]
    assert list(means.error_y.array) == pytest.approx(
        [100 * wilson_interval(right, 100)[1] - right for right in (52, 72, 90)]
    )
    assert list(seeds.y) == pytest.approx([50, 54, 70, 74, 88, 92])
    assert list(seeds.customdata) == [0, 1, 0, 1, 0, 1]

import pytest

from core.charts.curves import curve_chart
from core.charts.result_charts import (
    accuracy_against_time_chart,
    accuracy_chart,
    epoch_time_chart,
)
from core.charts.style import (
    _SPARE,
    KNOWN_LOOKS,
    appearance_of,
    percent_text,
    rough_seconds_text,
    seconds_text,
)
from core.comparison.curves import Curve
from core.comparison.frames import COLUMN_HELP, results_frame, seeds_frame
from core.comparison.tables import compare
from core.strategies.registry import STRATEGIES
from tests import made_up


@pytest.fixture
def comparison():
    runs = [
        made_up.run(
            "majority",
            result=made_up.result(
                0.6, first_epoch_seconds=None, steady_epoch_seconds=None, total_seconds=0.0
            ),
        ),
        made_up.run("cnn", 0, result=made_up.result(0.70)),
        made_up.run("cnn", 1, result=made_up.result(0.76)),
        made_up.run(
            "vgg16_probe",
            result=made_up.result(
                0.9, steady_epoch_seconds=0.05, feature_seconds=30.0, feature_cache="hit"
            ),
        ),
        made_up.run("vgg16_probe", 1, state="failed", result=None),
    ]
    return compare(made_up.experiment(), runs)


def test_every_strategy_has_its_own_colour_and_marker():
    looks = [appearance_of(name) for name in STRATEGIES]
    assert set(KNOWN_LOOKS) == set(STRATEGIES)
    assert len({look.colour for look in looks}) == len(STRATEGIES)
    assert len({look.marker for look in looks}) == len(STRATEGIES)


def test_a_new_strategy_keeps_its_spare_look():
    assert appearance_of("vgg19") == _SPARE[sum(b"vgg19") % 2]


def test_accuracy_chart_draws_means_seeds_intervals_and_the_majority_line(comparison):
    figure = accuracy_chart(comparison)
    means = [trace for trace in figure.data if trace.error_x.array is not None]
    assert [trace.x[0] for trace in means] == [
        pytest.approx(60.0),
        pytest.approx(73.0),
        pytest.approx(90.0),
    ]
    cnn = comparison.rows[1]
    assert means[1].error_x.array[0] == pytest.approx(100 * cnn.test_accuracy_high - 73.0)
    assert means[1].error_x.arrayminus[0] == pytest.approx(73.0 - 100 * cnn.test_accuracy_low)
    assert figure.layout.yaxis.ticktext[1] == "CNN, three blocks<br><b>73.0 %</b>"
    seeds = [trace for trace in figure.data if trace.error_x.array is None]
    assert [list(trace.x) for trace in seeds] == [[70.0, 76.0]]
    assert figure.layout.shapes[0].x0 == pytest.approx(60.0)
    assert figure.layout.xaxis.title.text == "test accuracy (%)"


def test_epoch_time_stands_beside_extraction(comparison):
    epochs, features = epoch_time_chart(comparison).data
    assert list(epochs.y) == ["CNN, three blocks", "VGG16 probe"]
    assert list(epochs.x) == [1.5, 0.05]
    assert list(features.y) == ["VGG16 probe"]
    assert list(features.x) == [30.0]
    assert list(features.text) == ["30.0 s"]


def test_accuracy_against_time_counts_the_extraction_of_a_cache_hit(comparison):
    figure = accuracy_against_time_chart(comparison)
    points = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data}
    assert points["VGG16 probe"] == (40.0, 90.0)
    assert points["Majority class"] == (0.001, 60.0)
    assert figure.layout.xaxis.type == "log"


def test_charts_of_nothing_are_empty():
    nothing = compare(made_up.experiment(), [made_up.run("cnn", state="queued", result=None)])
    assert accuracy_chart(nothing).data == ()
    assert accuracy_against_time_chart(nothing).data == ()
    assert [len(trace.x) for trace in epoch_time_chart(nothing).data] == [0, 0]


def test_names_are_shown_literally():
    curve = Curve("x", "<b>&", 0, (made_up.epoch(1),))
    assert curve_chart([curve], "train_loss").data[0].name == "&lt;b&gt;&amp;"


def test_curves_leave_out_the_head_and_give_percent():
    epochs = (made_up.epoch(1, stage="head"), made_up.epoch(1), made_up.epoch(2))
    curves = [Curve("cnn", "CNN", seed, epochs) for seed in (0, 1)]
    figure = curve_chart(curves, "validation_accuracy")
    assert [list(trace.x) for trace in figure.data] == [[1, 2], [1, 2]]
    assert list(figure.data[0].y) == [pytest.approx(50.0), pytest.approx(60.0)]
    assert [trace.showlegend for trace in figure.data] == [True, False]
    assert figure.layout.yaxis.title.text == "validation accuracy (%)"
    losses = curve_chart(curves, "train_loss")
    assert list(losses.data[0].y) == [1.0, 0.5]
    assert losses.layout.yaxis.title.text == "training loss (nats)"


def test_frames_are_in_percent_with_units_in_their_names(comparison):
    frame = results_frame(comparison)
    assert list(frame.columns) == list(COLUMN_HELP)
    assert frame["test accuracy (%)"].tolist() == pytest.approx([60.0, 73.0, 90.0])
    assert frame["over majority (points)"].tolist() == pytest.approx([0.0, 13.0, 30.0])
    assert frame["peak memory (MB)"].tolist() == [500.0, 500.0, 500.0]
    assert frame["state"].tolist() == ["finished", "finished", "failed, 1 of 2 seeds done"]
    assert len(seeds_frame(comparison)) == 5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0.4, "0.40 s"),
        (12.34, "12.3 s"),
        (59.99, "1 min 00 s"),
        (245, "4 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "5 s"),
        (42, "40 s"),
        (58, "1 min"),
        (667, "11 min"),
        (3599, "1 h"),
        (7800, "2 h 10 min"),
    ],
)
def test_estimates_promise_no_more_than_they_can_keep(seconds, text):
    assert rough_seconds_text(seconds) == text


def test_percentages_have_one_decimal():
    assert percent_text(0.6634) == "66.3 %"
    assert percent_text(None) == "—"

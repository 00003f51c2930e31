"""The figures of "How it is measured": what they draw, and that words and tables agree."""

import numpy as np
import pytest

from core.analysis.comparison import compare
from core.analysis.measured import beside_tutorial, subsets_of, time_line, widths
from core.charts.architecture import (
    LOOKS,
    architecture_chart,
    drawn_layers,
    parameter_counts,
    parameters_chart,
    side_of,
    strategies_frame,
)
from core.charts.dataset import split_chart
from core.charts.measured import bootstrap_chart, time_line_chart, tutorial_chart, widths_chart
from core.strategies.registry import STRATEGIES, find_strategy
from tests import made_up


def layers_of(name, image_size=224, **overrides):
    entry = find_strategy(name)
    return entry.layers(entry.resolve("quick", overrides), image_size, 16)


def test_blocks_are_as_tall_as_the_picture_and_rows_as_their_square():
    assert side_of((96, 96, 3)) == 96
    assert side_of((2500,)) == 50


def test_what_only_passes_on_is_not_drawn():
    drawn = [layer.name for layer in drawn_layers(layers_of("cnn", 96))]
    assert drawn == [
        "rescale_to_unit",
        "convolution_1",
        "pooling_1",
        "convolution_2",
        "pooling_2",
        "convolution_3",
        "pooling_3",
        "flatten",
        "dense_1",
        "predictions",
    ]


def test_frozen_layers_are_hatched_and_grey_and_the_k_decides():
    freeze = find_strategy("vgg16_freeze")
    figure = architecture_chart(freeze, layers_of("vgg16_freeze", k=8), "").figure
    bars = {trace.name: trace for trace in figure.data}
    assert list(bars) == [look.words for look in LOOKS.values()]
    frozen = bars["frozen: stays as it was pre-trained"]
    assert len(frozen.x) == 5
    assert frozen.marker.pattern.shape == "/"
    assert len(bars["trained, starting from pre-trained values"].x) == 8
    all_frozen = architecture_chart(freeze, layers_of("vgg16_freeze", k=19), "").figure
    assert "trained, starting from pre-trained values" not in [
        trace.name for trace in all_frozen.data
    ]


def test_blocks_have_their_names_below():
    layers = layers_of("vgg16_features")
    figure = architecture_chart(find_strategy("vgg16_features"), layers, "").figure
    assert list(figure.layout.xaxis.ticktext) == [
        "picture",
        "block 1",
        "block 2",
        "block 3",
        "block 4",
        "block 5",
        "row 25,088",
        "dense 1,000",
        "dense 500",
        "dense 150",
        "softmax 16",
    ]


def test_every_strategy_can_be_drawn():
    for name, entry in STRATEGIES.items():
        layers = layers_of(name)
        exhibit = architecture_chart(entry, layers, entry.describe(entry.resolve("quick"), 224))
        assert sum(len(trace.x) for trace in exhibit.figure.data) == len(drawn_layers(layers))
        assert exhibit.words.startswith(entry.title)
        assert len(exhibit.frame) == len(layers)
    nothing = architecture_chart(find_strategy("majority"), (), "")
    assert nothing.words == "Majority class has no network: there is nothing to draw."


def test_parameters_add_up():
    counts = parameter_counts(layers_of("vgg16_probe", 96))
    assert counts == {"frozen": 14_714_688, "new": 73_744}
    layers = layers_of("vgg16_probe", 96)
    exhibit = parameters_chart("vgg16_probe", layers)
    assert [trace.x[0] for trace in exhibit.figure.data] == [14_714_688, 73_744]
    assert exhibit.frame["parameters"].tolist() == [14_714_688, 73_744]
    assert exhibit.words == "73,744 of 14,788,432 parameters are trained (0.5 %)."
    frame = architecture_chart(find_strategy("vgg16_probe"), layers, "").frame
    assert frame["parameters"].sum() == 14_714_688 + 73_744
    assert frame["k"].dropna().tolist() == list(range(1, 20))
    alone = parameters_chart("mlp", layers_of("mlp", 96))
    assert alone.words.startswith("All ")


def test_strategies_that_do_not_fit_say_so():
    frame = strategies_frame("article", 100, 10).set_index("strategy")
    assert frame.loc["CNN, three blocks", "fits"] == "no"
    assert frame.loc["Whole VGG16, new softmax", "trained, from nothing"] == 40_970


def test_the_split_is_drawn_to_scale():
    sides = subsets_of(made_up.spec())
    exhibit = split_chart(sides)
    figure = exhibit.figure
    assert [trace.x[0] for trace in figure.data] == [200, 20, 100]
    assert figure.layout.xaxis.range == (0, 320)
    assert exhibit.words == (
        "Images in each subset: train: 200 (62.5 %), validation: 20 (6.2 %), test: 100 (31.2 %)."
    )


def test_a_run_is_drawn_whole_and_its_epochs_again():
    epochs = (made_up.epoch(1, train_seconds=3.0), made_up.epoch(2, train_seconds=1.5))
    segments = time_line(made_up.result(total_seconds=8.0), epochs)
    exhibit = time_line_chart("CNN", segments)
    figure = exhibit.figure
    whole = [trace for trace in figure.data if trace.xaxis == "x"]
    alone = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert sum(sum(trace.x) for trace in whole) == pytest.approx(8.0)
    assert sum(sum(trace.x) for trace in alone) == pytest.approx(5.0)
    assert exhibit.frame["took (s)"].sum() == pytest.approx(8.0)
    assert exhibit.words == (
        "One run of CNN in time: starting, building and scoring 3.00 s, first epoch 3.00 s, "
        "later epochs 1.50 s, validation 0.50 s."
    )


def test_the_own_number_of_images_stands_out():
    found = widths(0.5, 100)
    exhibit = widths_chart(found, 0.5, "cnn")
    figure = exhibit.figure
    filled = [symbol == "circle" for symbol in figure.data[0].marker.symbol]
    assert filled == [entry.is_own for entry in found]
    assert "100 images (this experiment) 40.4 % to 59.6 %" in exhibit.words


def test_the_middle_of_the_draws():
    differences = np.linspace(-0.1, 0.1, 2001)
    exhibit = bootstrap_chart(differences, 200, "cnn")
    figure = exhibit.figure
    assert figure.data[0].xbins.size == 0.5
    assert [shape.x0 for shape in figure.layout.shapes] == pytest.approx([-9.5, 9.5, 0])
    assert exhibit.frame["draws"].sum() == 2001
    assert exhibit.words == (
        "2,001 draws; the middle 95 % of the differences lie between -9.5 and 9.5 points."
    )


def test_the_tutorial_beside_an_experiment():
    runs = [made_up.run("cnn", result=made_up.result(0.4)), made_up.run("vgg16_probe")]
    found = beside_tutorial(compare(made_up.experiment(), runs))
    exhibit = tutorial_chart(found)
    figure = exhibit.figure
    assert [trace.name for trace in figure.data] == [
        "tutorial, on training images",
        "here, on training images",
        "here, on test images",
    ]
    assert list(figure.data[0].x) == pytest.approx([70.0, 15.75, 6.88, 17.6])
    assert list(figure.data[2].x) == pytest.approx([75.0, 40.0])
    frame = exhibit.frame.set_index("tutorial")
    assert frame.loc["CNN", "here, test (%)"] == pytest.approx(40.0)
    assert frame.loc["CNN", "95 % interval"] == "30.9 % to 49.8 %"
    assert frame.loc["MLP", "here"] == "—"
    assert "MLP: 6.9 % in the tutorial, not in this experiment" in exhibit.words


def test_the_tutorial_without_any_experiment():
    found = beside_tutorial(None)
    exhibit = tutorial_chart(found)
    assert len(exhibit.frame) == 4
    assert len(exhibit.figure.data[2].x) == 0

"""The figures of "How it is measured": what they draw, and that words and tables agree."""

import numpy as np
import pytest

from core.charts.architecture import (
    LOOKS,
    architecture_chart,
    architecture_words,
    drawn_layers,
    layers_frame,
    parameter_counts,
    parameters_chart,
    side_of,
    strategies_frame,
)
from core.charts.measured import (
    best_epoch_chart,
    bootstrap_chart,
    bootstrap_words,
    split_chart,
    split_words,
    time_line_chart,
    time_line_words,
    widths_chart,
    widths_words,
)
from core.charts.tutorial import tutorial_chart, tutorial_frame, tutorial_words
from core.comparison import tutorial
from core.comparison.curves import Curve
from core.comparison.split_facts import sides_of
from core.comparison.statistics_examples import widths
from core.comparison.tables import compare
from core.comparison.time_line import time_line
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
    figure = architecture_chart("vgg16_freeze", layers_of("vgg16_freeze", k=8))
    bars = {trace.name: trace for trace in figure.data}
    assert list(bars) == [look.words for look in LOOKS.values()]
    frozen = bars["frozen: stays as ImageNet made it"]
    assert len(frozen.x) == 5
    assert frozen.marker.pattern.shape == "/"
    assert len(bars["trained, starting from ImageNet"].x) == 8
    all_frozen = architecture_chart("vgg16_freeze", layers_of("vgg16_freeze", k=19))
    assert "trained, starting from ImageNet" not in [trace.name for trace in all_frozen.data]


def test_blocks_have_their_names_below():
    figure = architecture_chart("vgg16_features", layers_of("vgg16_features"))
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
        figure = architecture_chart(name, layers)
        assert sum(len(trace.x) for trace in figure.data) == len(drawn_layers(layers))
        words = architecture_words(entry.title, layers, entry.describe(entry.resolve("quick"), 224))
        assert words.startswith(entry.title)
    assert "nothing to draw" in architecture_words("Majority class", (), "")


def test_parameters_add_up():
    counts = parameter_counts(layers_of("vgg16_probe", 96))
    assert counts == {"frozen": 14_714_688, "new": 73_744}
    figure = parameters_chart("vgg16_probe", layers_of("vgg16_probe", 96))
    assert [trace.x[0] for trace in figure.data] == [14_714_688, 73_744]
    frame = layers_frame(layers_of("vgg16_probe", 96))
    assert frame["parameters"].sum() == 14_714_688 + 73_744
    assert frame["k"].dropna().tolist() == list(range(1, 20))
    assert layers_frame(()).empty


def test_strategies_that_do_not_fit_say_so():
    frame = strategies_frame("article", 100, 10).set_index("strategy")
    assert frame.loc["CNN, three blocks", "fits"] == "no"
    assert frame.loc["Whole VGG16, new softmax", "trained, from nothing"] == 40_970


def test_the_split_is_drawn_to_scale():
    sides = sides_of(made_up.spec())
    figure = split_chart(sides)
    assert [trace.x[0] for trace in figure.data] == [200, 20, 100]
    assert figure.layout.xaxis.range == (0, 320)
    assert split_words(sides) == (
        "Images of each side: train 200 (62.5 %), validation 20 (6.2 %), test 100 (31.2 %)."
    )


def test_the_kept_epoch_is_filled():
    epochs = (made_up.epoch(1, "head"), *(made_up.epoch(number) for number in (1, 2, 3)))
    figure = best_epoch_chart(Curve("cnn", "CNN", 0, epochs), 2)
    assert list(figure.data[0].x) == [1, 2, 3]
    assert list(figure.data[0].marker.symbol) == ["circle-open", "circle", "circle-open"]
    assert figure.layout.annotations[0].text == "kept: epoch 2"


def test_a_run_is_drawn_whole_and_its_epochs_again():
    epochs = (made_up.epoch(1, train_seconds=3.0), made_up.epoch(2, train_seconds=1.5))
    segments = time_line(made_up.result(total_seconds=8.0), epochs)
    figure = time_line_chart(segments)
    whole = [trace for trace in figure.data if trace.xaxis == "x"]
    alone = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert sum(sum(trace.x) for trace in whole) == pytest.approx(8.0)
    assert sum(sum(trace.x) for trace in alone) == pytest.approx(5.0)
    assert time_line_words("CNN", segments) == (
        "One run of CNN in time: starting, building and scoring 3.00 s, first epoch 3.00 s, "
        "later epochs 1.50 s, validation 0.50 s."
    )


def test_the_own_number_of_images_stands_out():
    found = widths(0.5, 100)
    figure = widths_chart(found, 0.5, "#5A82FA")
    filled = [symbol == "circle" for symbol in figure.data[0].marker.symbol]
    assert filled == [entry.is_own for entry in found]
    assert "100 images (this experiment) 40.4 % to 59.6 %" in widths_words(found)


def test_the_middle_of_the_draws():
    differences = np.linspace(-0.1, 0.1, 2001)
    figure = bootstrap_chart(differences, 200, "#5A82FA")
    assert figure.data[0].xbins.size == 0.5
    assert [shape.x0 for shape in figure.layout.shapes] == pytest.approx([-9.5, 9.5, 0])
    assert bootstrap_words(differences) == (
        "2,001 draws; the middle 95 % of the differences lie between -9.5 and 9.5 points."
    )


def test_the_tutorial_beside_an_experiment():
    runs = [made_up.run("cnn", result=made_up.result(0.4)), made_up.run("vgg16_probe")]
    found = tutorial.beside(compare(made_up.experiment(), runs))
    figure = tutorial_chart(found)
    assert [trace.name for trace in figure.data] == [
        "tutorial, on training images",
        "here, on training images",
        "here, on test images",
    ]
    assert list(figure.data[0].x) == pytest.approx([70.0, 15.75, 6.88, 17.6])
    assert list(figure.data[2].x) == pytest.approx([75.0, 40.0])
    frame = tutorial_frame(found).set_index("tutorial")
    assert frame.loc["CNN", "here, test (%)"] == pytest.approx(40.0)
    assert frame.loc["CNN", "95 % interval"] == "30.9 % to 49.8 %"
    assert frame.loc["MLP", "here"] == "—"
    assert "MLP: 6.9 % in the tutorial, not in this experiment" in tutorial_words(found)


def test_the_tutorial_without_any_experiment():
    found = tutorial.beside(None)
    assert len(tutorial_frame(found)) == 4
    assert len(tutorial_chart(found).data[2].x) == 0

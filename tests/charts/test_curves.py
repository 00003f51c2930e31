"""Training curves: what they draw and leave out."""

import pytest

from core.analysis.curves import Curve
from core.charts.curves import best_epoch_chart, curve_chart
from tests import made_up

EPOCHS = (made_up.epoch(1, stage="head"), made_up.epoch(1), made_up.epoch(2))


def test_curves_leave_out_the_head_and_give_percent():
    curves = [Curve("cnn", "CNN", seed, EPOCHS) for seed in (0, 1)]
    exhibit = curve_chart(curves, "validation_accuracy")
    figure = exhibit.figure
    assert [list(trace.x) for trace in figure.data] == [[1, 2], [1, 2]]
    assert list(figure.data[0].y) == [pytest.approx(50.0), pytest.approx(60.0)]
    assert [trace.showlegend for trace in figure.data] == [True, False]
    assert figure.layout.yaxis.title.text == "validation accuracy (%)"
    assert exhibit.frame["seed"].tolist() == [0, 0, 1, 1]
    assert exhibit.frame["validation accuracy (%)"].tolist() == pytest.approx([50, 60, 50, 60])
    losses = curve_chart(curves, "train_loss")
    assert list(losses.figure.data[0].y) == [1.0, 0.5]
    assert losses.figure.layout.yaxis.title.text == "training loss (nats)"
    assert losses.words.startswith("Training loss after each epoch. CNN, seed 0: best 0.50 nats ")


def test_names_are_shown_literally():
    curve = Curve("x", "<b>&", 0, (made_up.epoch(1),))
    assert curve_chart([curve], "train_loss").figure.data[0].name == "&lt;b&gt;&amp;"


def test_the_kept_epoch_is_filled():
    epochs = (made_up.epoch(1, "head"), *(made_up.epoch(number) for number in (1, 2, 3)))
    exhibit = best_epoch_chart(Curve("cnn", "CNN", 0, epochs), 2)
    figure = exhibit.figure
    assert list(figure.data[0].x) == [1, 2, 3]
    assert list(figure.data[0].marker.symbol) == ["circle-open", "circle", "circle-open"]
    assert figure.layout.annotations[0].text == "kept: epoch 2"
    assert exhibit.frame["epoch"].tolist() == [1, 2, 3]

"""Charts over pairs of strategies and over classes: what they draw."""

import dataclasses
from dataclasses import fields

import pytest

from core.analysis.scores import ClassScore, per_class_table, reliability
from core.analysis.verdicts import all_pairs
from core.charts.classes import (
    CLASS_METRICS,
    MOST_CLASSES,
    charted_classes,
    class_chart,
    class_frame,
    reliability_chart,
    reliability_frame,
)
from core.charts.matrices import AHEAD, BEHIND, pairs_chart
from tests.made_evidence import evidence_of

CORRECT = {"mlp": 20, "cnn": 22, "vgg16_probe": 80}


def test_pairs_say_ahead_behind_or_alike():
    rows = {name: [[n < right for n in range(100)]] for name, right in CORRECT.items()}
    exhibit = pairs_chart(all_pairs(evidence_of(rows)))
    (heat,) = exhibit.figure.data
    assert heat.text[0] == ["", "≈<br>2.0", "▼<br>60.0"]
    assert heat.text[2] == ["▲<br>60.0", "▲<br>58.0", ""]
    assert list(heat.z[2]) == [1, 1, None]
    assert heat.customdata[2][0] == ["vgg16_probe", "mlp"]
    assert (heat.colorscale[0][1], heat.colorscale[2][1]) == (BEHIND, AHEAD)
    frame = exhibit.frame
    assert frame["told apart"].tolist() == ["no", "yes", "yes"]
    assert frame["second minus first (points)"].tolist() == pytest.approx([2.0, 60.0, 58.0])
    assert frame["fixed (images)"].tolist() == [2.0, 60.0, 58.0]
    assert frame["regressed (images)"].tolist() == [0.0, 0.0, 0.0]


def test_recall_of_each_class_the_hardest_on_top(evidence):
    tables = {name: per_class_table(evidence, name) for name in ("cnn", "vgg16_probe")}
    exhibit = class_chart(tables)
    cnn, probe = exhibit.figure.data
    labels = list(exhibit.figure.layout.yaxis.ticktext)
    assert labels == ["cat (n = 2)", "bee (n = 3)", "ant (n = 3)"]
    assert list(cnn.x) == pytest.approx([75.0, 50.0, 50.0])
    assert list(probe.x) == pytest.approx([100.0, 250 / 3, 250 / 3])
    assert len(cnn.error_x.array) == 3
    low = 100 * tables["cnn"][2].recall_low
    assert cnn.error_x.arrayminus[0] == pytest.approx(75.0 - low)
    assert class_frame(tables["cnn"])["recall (%)"].tolist() == pytest.approx([50.0, 50.0, 75.0])
    assert exhibit.frame["strategy"].tolist() == ["CNN, three blocks"] * 3 + ["VGG16 probe"] * 3


def test_every_metric_of_the_classes_can_be_drawn(evidence):
    tables = {"cnn": per_class_table(evidence, "cnn")}
    for metric, title in CLASS_METRICS.items():
        exhibit = class_chart(tables, metric)
        assert exhibit.figure.layout.xaxis.title.text == f"{title} (%)"
        assert exhibit.words.lower().startswith(f"{title.lower()} of each class on the test images")
    auc = class_chart(tables, "roc_auc")
    # bee 7/10, ant 37/60, cat 23/24; the lowest on top.
    assert list(auc.figure.data[0].x) == pytest.approx([2300 / 24, 70, 3700 / 60])
    assert auc.figure.data[0].error_x.array[1] > 0
    # The dotted line is that of always predicting the same class.
    assert [shape.x0 for shape in auc.figure.layout.shapes] == [50]
    assert class_chart(tables, "recall").figure.layout.shapes == ()
    # Average precision has no interval.
    assert class_chart(tables, "average_precision").figure.data[0].error_x.array == (0, 0, 0)


def test_of_many_classes_the_hardest_are_drawn():
    unknown = dict.fromkeys((field.name for field in fields(ClassScore)), None)
    table = [
        ClassScore(
            **unknown
            | {"label": label, "name": f"class {label}", "images": 10, "named": 10.0}
            | {"recall": label / 100, "recall_low": 0.0, "recall_high": 1.0}
        )
        for label in range(60)
    ]
    assert charted_classes({"cnn": table}) == list(range(MOST_CLASSES))
    exhibit = class_chart({"cnn": table})
    assert "Only the 40 hardest of 60 classes." in exhibit.words
    assert len(exhibit.frame) == 60


def test_reliability_draws_the_bins_that_have_predictions(evidence):
    bins = {"cnn": reliability(evidence, "cnn")}
    exhibit = reliability_chart(bins)
    diagonal, cnn = exhibit.figure.data
    assert list(diagonal.x) == [0, 100]
    assert (list(cnn.x), list(cnn.y), list(cnn.customdata)) == ([50.0], [56.25], [16])
    assert len(cnn.error_y.array) == 1
    frame = reliability_frame(bins["cnn"])
    assert len(frame) == len(exhibit.frame) == 15
    assert frame["predictions"].sum() == 16


def test_names_are_shown_literally():
    odd = dataclasses.replace(evidence_of({"cnn": [[True, False]]}), classes=("<b>", "&", "c"))
    figure = class_chart({"cnn": per_class_table(odd, "cnn")}).figure
    assert list(figure.layout.yaxis.ticktext) == ["&amp; (n = 2)"]

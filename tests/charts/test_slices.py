"""Rows of slices: what holds comes first and is filled; every number is in the table."""

import numpy as np
import pytest

from core.analysis.image_properties import ImageProperty
from core.analysis.slice_gains import slice_gains
from core.analysis.slices import slice_accuracies, slices_of
from core.analysis.words.slices import NO_SLICES
from core.charts.slices import (
    AHEAD,
    DIFFERS,
    LEVEL,
    MOST_GAINS,
    MOST_ROWS,
    MOST_WHISKERS,
    slice_accuracy_chart,
    slice_gains_chart,
)
from tests.analysis.test_slice_gains import in_two_slices
from tests.made_evidence import CLASSES, evidence_of

PARTS = [(2, 2, 96), (40, 0, 20), (15, 0, 45)]


def exhibit_of(parts, classes=CLASSES):
    found = slice_gains(*in_two_slices(*parts), "cnn", "vgg16_probe")
    return slice_gains_chart(found, 0.24, classes)


def test_what_differs_from_the_rest_comes_first_and_what_is_level_last():
    exhibit = exhibit_of(PARTS)
    assert list(exhibit.frame["slice"]) == ["class “bee”", "class “ant”", "class “cat”"]
    axis = exhibit.figure.layout.yaxis
    labels = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    headings = {note.text: note.y for note in exhibit.figure.layout.annotations}
    assert headings == {f"<b>{DIFFERS}</b>": 4, f"<b>{AHEAD}</b>": 1}
    assert labels == {"class “bee”": 3, "class “ant”": 2, "class “cat”": 0}
    assert exhibit.words.startswith(
        "How many points VGG16 probe is ahead of CNN, three blocks, with 95 % intervals. "
        f"{DIFFERS}: class “bee” +66.7 ("
    )


def test_filled_markers_are_those_that_can_be_told_apart():
    by_row = {trace.y[0]: trace for trace in exhibit_of(PARTS).figure.data}
    assert by_row[3].marker.symbol == "circle"
    assert by_row[2].marker.symbol == "circle-open"
    assert by_row[3].text == ("+66.7",)
    low, high = exhibit_of(PARTS).figure.layout.xaxis.range
    frame = exhibit_of(PARTS).frame
    assert low < min(0, frame["low (points)"].min())
    assert high > frame["high (points)"].max()


def test_the_table_has_the_second_question_and_leaves_unknown_what_was_not_asked():
    frame = exhibit_of(PARTS).frame.set_index("slice")
    line = frame.loc["class “ant”"]
    assert line["elsewhere (points)"] == pytest.approx(100 * 55 / 120)
    assert line["more than elsewhere (points)"] == pytest.approx(-100 * 55 / 120)
    assert (line["told apart"], line["differs from elsewhere"]) == ("no", "yes")
    lone = exhibit_of([(15, 0, 15), (1, 0, 5)]).frame.iloc[0]
    assert lone["elsewhere (points)"] is None or np.isnan(lone["elsewhere (points)"])
    assert lone["differs from elsewhere"] is None
    assert lone["p of that after Holm"] is None or np.isnan(lone["p of that after Holm"])


def test_of_very_many_slices_the_chart_has_some_and_the_table_all():
    count = MOST_GAINS + 5
    exhibit = exhibit_of([(1, 1, 8)] * count, [f"class {number}" for number in range(count)])
    assert len(exhibit.figure.data) == MOST_GAINS
    assert len(exhibit.frame) == count
    assert exhibit.words.count("; ") == count - 1
    assert [note.text for note in exhibit.figure.layout.annotations] == [f"<b>{LEVEL}</b>"]


def test_nothing_is_drawn_of_nothing():
    nothing = slice_gains(in_two_slices((1, 0, 5))[0], (), "cnn", "vgg16_probe")
    exhibit = slice_gains_chart(nothing, 0.0, CLASSES)
    assert (exhibit.words, exhibit.figure.data) == (NO_SLICES, ())
    assert exhibit.frame.empty
    assert slice_accuracy_chart((), (), CLASSES).words == NO_SLICES


def test_names_of_classes_are_shown_literally():
    exhibit = exhibit_of(PARTS, ("<b>x</b>", "bee", "cat"))
    assert any("&lt;b&gt;x" in text for text in exhibit.figure.layout.yaxis.ticktext)
    assert all("<b>x" not in trace.hovertemplate for trace in exhibit.figure.data)


def accuracies(classes: int, strategies=("cnn", "vgg16_probe")):
    images = 10 * classes
    evidence = evidence_of(
        {name: [[True] * (4 * classes) + [False] * (6 * classes)] for name in strategies}
    )
    slicing = slices_of({ImageProperty.CLASS: np.arange(images) % classes})
    return slice_accuracies(evidence, slicing), slicing.slices


def test_every_strategy_is_in_every_slice_with_its_interval():
    found, slices = accuracies(3)
    exhibit = slice_accuracy_chart(found, slices, CLASSES)
    assert [trace.name for trace in exhibit.figure.data] == ["CNN, three blocks", "VGG16 probe"]
    first, second = exhibit.figure.data
    assert list(first.x) == pytest.approx([40.0] * 3)
    assert all(one > other for one, other in zip(first.y, second.y, strict=True))
    assert first.error_x.array[0] == pytest.approx(exhibit.frame["high (%)"][0] - 40.0)
    assert len(exhibit.frame) == 6
    assert exhibit.words.startswith(
        "Test accuracy by class, with 95 % intervals. class “ant” (10 images): "
        "CNN, three blocks 40.0 % ("
    )


def test_where_whiskers_would_hide_each_other_the_table_alone_has_them():
    classes = MOST_WHISKERS // 2 + 1
    names = [f"class {number}" for number in range(classes)]
    found, slices = accuracies(classes)
    exhibit = slice_accuracy_chart(found, slices, names)
    assert len(exhibit.figure.data[0].x) == MOST_ROWS
    assert exhibit.figure.data[0].error_x.array is not None  # 40 rows of two are just enough
    more = slice_accuracy_chart(*accuracies(classes, ("mlp", "cnn", "vgg16_probe")), names)
    assert more.figure.data[0].error_x.array is None
    assert len(more.frame) == 3 * classes

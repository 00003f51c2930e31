"""Charts of one dataset: what they show, and that hostile names and great numbers fit."""

import numpy as np
import pytest

from core.charts.dataset import (
    BARS_AT_EACH_END,
    MOST_BARS,
    SIZE_STEPS,
    charted_classes,
    class_counts_chart,
    counts_by_subset,
    sizes_chart,
)
from core.datasets.add import add_pixels
from tests import made_up_dataset


@pytest.fixture
def dataset():
    return made_up_dataset.dataset(labels=[0, 0, 1, 1, 1, 2], classes=("ant", "bee", "<b>cow</b>"))


def bars(figure):
    return [trace for trace in figure.data if trace.type == "bar"]


def test_classes_stand_in_order_of_their_counts_with_the_majority_line(dataset):
    figure = class_counts_chart(dataset).figure
    (bar,) = bars(figure)
    assert list(bar.x) == [3, 2, 1]
    assert [name.rstrip("\u200b") for name in bar.y] == ["bee", "ant", "&lt;b&gt;cow&lt;/b&gt;"]
    assert len(set(bar.y)) == 3
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 3
    assert figure.layout.annotations[0].text == "majority class: 50.0 % of all images"
    assert figure.layout.showlegend is False


def test_the_subsets_of_a_predefined_split_are_stacked():
    dataset = made_up_dataset.dataset(
        labels=[0, 0, 1, 1, 1], classes=("a", "b"), predefined_subsets=[0, 2, 0, 0, 2]
    )
    assert {subset: counts.tolist() for subset, counts in counts_by_subset(dataset).items()} == {
        "train": [1, 2],
        "test": [1, 1],
    }
    figure = class_counts_chart(dataset).figure
    assert [(bar.name, list(bar.x)) for bar in bars(figure)] == [
        ("train", [2, 1]),
        ("test", [1, 1]),
    ]
    assert len({bar.marker.pattern.shape for bar in bars(figure)}) == 2
    assert figure.layout.barmode == "stack"
    assert figure.layout.showlegend is True


def test_of_many_classes_the_largest_and_the_smallest_are_drawn():
    labels = [label for label in range(100) for _ in range(label + 1)]
    dataset = made_up_dataset.dataset(labels, tuple(f"class {n:03d}" for n in range(100)))
    shown, left_out = charted_classes(dataset)
    assert shown[:2] == [99, 98]
    assert shown[-2:] == [1, 0]
    assert len(shown) == 2 * BARS_AT_EACH_END
    assert left_out == 100 - 2 * BARS_AT_EACH_END


def test_as_many_classes_as_fit_are_all_drawn():
    dataset = made_up_dataset.dataset(list(range(MOST_BARS)), tuple(map(str, range(MOST_BARS))))
    assert charted_classes(dataset) == (list(range(MOST_BARS)), 0)


def test_long_names_are_cut_and_stay_apart():
    names = ("x" * 80 + "1", "x" * 80 + "2")
    (bar,) = bars(class_counts_chart(made_up_dataset.dataset([0, 1], names)).figure)
    assert [label.rstrip("\u200b") for label in bar.y] == ["x" * 21 + "…"] * 2
    assert len(set(bar.y)) == 2
    assert list(bar.customdata) == list(names)


def test_equal_sizes_are_one_point_that_says_how_many():
    dataset = made_up_dataset.dataset([0, 0, 1], ("a", "b"), sizes=[(40, 30), (40, 30), (20, 50)])
    points = sizes_chart(dataset).figure.data[1]
    assert sorted(zip(points.x, points.y, points.customdata, strict=True)) == [
        (20.0, 50.0, 1),
        (40.0, 30.0, 2),
    ]
    assert max(points.marker.size) == 32


@pytest.mark.parametrize(
    ("sizes", "kind"),
    [([(20, 30), (159, 90)], None), ([(20, 30), (160, 90)], "log"), ([(7, 7), (7, 7)], None)],
)
def test_sizes_that_differ_much_get_a_log_axis(sizes, kind):
    figure = sizes_chart(made_up_dataset.dataset([0, 1], ("a", "b"), sizes=sizes)).figure
    assert figure.layout.xaxis.type == kind
    assert figure.layout.xaxis.range == figure.layout.yaxis.range


def test_a_hundred_thousand_sizes_are_few_points():
    random = np.random.default_rng(0)
    count = 100_000
    sizes = random.integers(16, 5000, (count, 2))
    dataset = made_up_dataset.dataset(random.integers(0, 9, count), tuple("abcdefghi"), sizes=sizes)
    points = sizes_chart(dataset).figure.data[1]
    assert len(points.x) <= SIZE_STEPS**2
    assert sum(points.customdata) == count


@pytest.mark.usefixtures("home")
def test_a_stored_dataset_is_drawn():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    dataset = add_pixels(pixels, np.array([0, 0, 0, 1, 1, 1]), ["a", "b"], "six", "made up")
    assert list(bars(class_counts_chart(dataset).figure)[0].x) == [3, 3]

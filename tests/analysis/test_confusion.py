import numpy as np
import pytest

from core.analysis.confusion import cell_images, confusion, confusion_frame
from core.charts.matrices import (
    BLACK,
    MOST_CLASSES,
    WHITE,
    charted_classes,
    chosen_cell,
    confusion_chart,
    left_out_sentence,
)
from core.errors import UnknownName
from core.text import number_text
from tests.hand_made import evidence

LABELS = [0, 0, 0, 1, 1, 1, 2, 2]
CNN = [[0, 0, 1, 1, 1, 0, 2, 0], [0, 1, 1, 1, 0, 0, 2, 2]]


@pytest.fixture
def small():
    confidence = {"cnn": [[0.5] * 8, [0.5, 0.9, 0.7, 0.5, 0.6, 0.5, 0.5, 0.5]]}
    return evidence(LABELS, {"cnn": CNN}, confidence=confidence)


def many_classes(count: int):
    """Image i is of class i; the classes from 3 on are all predicted as class 2."""
    predicted = [min(place, 2) for place in range(count)]
    names = tuple(f"class {place}" for place in range(count))
    return confusion(evidence(list(range(count)), {"cnn": [predicted]}, names), "cnn", 0)


@pytest.mark.parametrize(
    ("seed", "counts"),
    [
        (0, [[2, 1, 0], [1, 2, 0], [1, 0, 1]]),
        (1, [[1, 2, 0], [2, 1, 0], [0, 0, 2]]),
        (None, [[1.5, 1.5, 0], [1.5, 1.5, 0], [0.5, 0, 1.5]]),
    ],
)
def test_counts_have_the_label_downwards_and_the_answer_across(small, seed, counts):
    matrix = confusion(small, "cnn", seed)
    assert matrix.counts.tolist() == counts
    assert matrix.counts.dtype == (np.float64 if seed is None else np.int64)
    assert matrix.seed_count == (2 if seed is None else 1)


def test_sums_and_fractions(small):
    matrix = confusion(small, "cnn", 0)
    assert matrix.images_of_label.tolist() == [3, 3, 2]
    assert matrix.fractions.tolist() == [[2 / 3, 1 / 3, 0], [1 / 3, 2 / 3, 0], [1 / 2, 0, 1 / 2]]
    assert matrix.wrong.tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0]]


def test_a_class_without_test_images_has_no_fractions():
    matrix = confusion(evidence([0, 0, 1], {"cnn": [[0, 1, 1]]}), "cnn", 0)
    assert matrix.fractions[:2].tolist() == [[0.5, 0.5, 0], [0, 1, 0]]
    assert np.isnan(matrix.fractions[2]).all()
    assert confusion_chart(matrix, normalised=True).figure.data[0].z[0].tolist() == [50, 50, 0]


@pytest.mark.parametrize(
    ("seed", "positions", "seeds", "confidence"),
    [
        (0, [12], [1], [0.5]),
        (1, [11, 12], [1, 1], [0.9, 0.7]),
        # Image 12 was put there by both seeds, so it comes first; 11 by one that was surer.
        (None, [12, 11], [2, 1], [0.6, 0.9]),
    ],
)
def test_the_images_of_a_cell(small, seed, positions, seeds, confidence):
    found = cell_images(small, "cnn", seed, true=0, predicted=1)
    assert found.positions.tolist() == positions
    assert found.seeds.tolist() == seeds
    assert found.seed_count == (2 if seed is None else 1)
    assert found.confidence.tolist() == pytest.approx(confidence)


def test_an_empty_cell_has_no_images(small):
    assert cell_images(small, "cnn", None, true=0, predicted=2).positions.tolist() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: confusion(e, "mlp"), "There is no strategy named 'mlp'. Known: cnn."),
        (lambda e: confusion(e, "cnn", 7), "There is no seed named '7'. Known: 0, 1."),
        (lambda e: cell_images(e, "cnn", 7, 0, 0), "There is no seed named '7'. Known: 0, 1."),
        (
            lambda e: cell_images(e, "cnn", 0, 0, 3),
            "There is no class named '3'. Known: ant, bee, cat.",
        ),
    ],
)
def test_the_error_of_a_stale_link_lists_what_there_is(small, call, message):
    with pytest.raises(UnknownName) as caught:
        call(small)
    assert str(caught.value) == message


def test_the_frame_has_a_line_for_each_class(small):
    frame = confusion_frame(confusion(small, "cnn", 0))
    assert frame.to_dict("list") == {
        "label": ["ant", "bee", "cat"],
        "images": [3, 3, 2],
        "correct (%)": [100 * (2 / 3), 100 * (2 / 3), 50.0],
        "as ant": [2, 1, 1],
        "as bee": [1, 2, 0],
        "as cat": [0, 0, 1],
    }


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (12, "12"), (1234, "1,234"), (2.5, "2.5"), (1 / 3 + 1 / 3 + 1 / 3, "1")],
)
def test_numbers_are_whole_where_they_are(count, text):
    assert number_text(count) == text


def test_every_cell_of_the_chart_can_be_chosen(small):
    heat, white, black, choices = confusion_chart(confusion(small, "cnn")).figure.data
    assert heat.z.tolist() == [[1.5, 1.5, 0], [1.5, 1.5, 0], [0.5, 0, 1.5]]
    assert (heat.zmin, heat.zmax) == (0, 1.5)
    assert [tuple(cell[:2]) for cell in choices.customdata] == [
        (row, column) for row in range(3) for column in range(3)
    ]
    assert choices.customdata[6][2] == (
        "label cat<br>predicted ant<br>0.5 of 2 with that label: 25.0 %"
    )
    assert choices.x[1].strip("\u200b") == "bee"
    assert choices.y[1].strip("\u200b") == "ant"
    # The brightest cells have black numbers, the darker white ones, the empty none.
    assert (white.textfont.color, black.textfont.color) == (WHITE, BLACK)
    assert [*black.text] == [["1.5", "1.5", ""], ["1.5", "1.5", ""], ["", "", "1.5"]]
    assert [*white.text] == [["", "", ""], ["", "", ""], ["0.5", "", ""]]


def test_the_normalised_chart_is_in_percent(small):
    heat, white, black, _ = confusion_chart(confusion(small, "cnn", 0), normalised=True).figure.data
    assert heat.zmax == 100
    assert heat.z[2].tolist() == [50, 0, 50]
    printed = sorted(text for trace in (white, black) for line in trace.text for text in line)
    assert [text for text in printed if text] == ["33", "33", "50", "50", "67", "67"]


def test_names_are_shown_literally_and_numbers_stay_names():
    names = ("<b>&", "1e5", "x" * 40)
    matrix = confusion(evidence([0, 1, 2], {"cnn": [[0, 1, 2]]}, names), "cnn", 0)
    figure = confusion_chart(matrix).figure
    assert [name.strip("\u200b") for name in figure.data[0].x] == [
        "&lt;b&gt;&amp;",
        "1e5",
        "x" * 21 + "…",
    ]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "category"


def test_names_that_begin_alike_stay_apart():
    names = ("a very long name of a class 1", "a very long name of a class 2")
    matrix = confusion(evidence([0, 1], {"cnn": [[0, 1]]}, names), "cnn", 0)
    assert len(set(confusion_chart(matrix).figure.data[0].x)) == 2


@pytest.mark.parametrize("count", [MOST_CLASSES, MOST_CLASSES + 1])
def test_the_most_confused_classes_are_charted(count):
    matrix = many_classes(count)
    shown = charted_classes(matrix)
    assert len(shown) == MOST_CLASSES
    assert len(confusion_chart(matrix).figure.data[-1].customdata) == MOST_CLASSES**2
    if count == MOST_CLASSES:
        assert shown == list(range(count))
        assert left_out_sentence(matrix) is None
    else:
        # Classes 0 and 1 have no mistakes: the first of them stays, because it comes first.
        assert shown == [0, *range(2, count)]
        assert left_out_sentence(matrix) == (
            "There are 31 classes. The chart shows the 30 with most mistakes; the table below has "
            "all of them."
        )


def test_positions_of_a_chosen_cell_are_those_of_all_classes():
    points = confusion_chart(many_classes(40)).figure.data[-1].customdata
    assert chosen_cell([{"customdata": list(points[-1])}]) == (
        charted_classes(many_classes(40))[-1],
        charted_classes(many_classes(40))[-1],
    )


@pytest.mark.parametrize("points", [[], [{}], [{"customdata": None}]])
def test_nothing_chosen(points):
    assert chosen_cell(points) is None

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.analysis.feature_map import (
    METHOD_TITLES,
    METHODS,
    FeatureMap,
    feature_map,
    map_frame,
    neighbour_agreement,
    read_map,
    rows_on_map,
)
from core.charts.feature_map import MOST_NAMED, chosen_image, left_out_sentence, map_chart
from core.errors import StoreError, UnknownName
from core.experiments.store import open_store
from core.files import write_arrays
from tests.hand_made import evidence

NAMES = [f"file {place}.png" for place in range(40)]
# Ants at 0, 1 and 2, bees at 10, 11 and 12, one cat among the ants.
LABELS = [0, 0, 0, 1, 1, 1, 2]
PLACES = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 1.5]


def layout(places: list[float] = PLACES, first: int = 10) -> FeatureMap:
    xy = np.array([(place, 0.0) for place in places], np.float32)
    return FeatureMap(np.arange(first, first + len(places)), xy, "Made for a test.")


def insects(seeds: int = 1):
    predicted = [[0, 1, 0, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1, 0]][:seeds]
    return evidence(LABELS, {"cnn": predicted})


def test_every_method_has_a_title():
    assert tuple(METHOD_TITLES) == METHODS


def test_points_find_their_images_wherever_these_stand():
    mixed = replace(insects(), test_indices=np.array([16, 11, 12, 13, 14, 15, 10]))
    assert rows_on_map(layout(), mixed).tolist() == [6, 1, 2, 3, 4, 5, 0]
    part = FeatureMap(np.array([11, 15]), np.zeros((2, 2), np.float32), "")
    assert rows_on_map(part, insects()).tolist() == [1, 5]


@pytest.mark.parametrize("first", [0, 11, 500])
def test_a_map_of_other_images_is_refused(first):
    with pytest.raises(StoreError, match="The map shows other images"):
        rows_on_map(layout(first=first), insects())


def test_a_map_without_evidence_is_refused():
    with pytest.raises(StoreError, match="The map shows other images"):
        rows_on_map(layout(), evidence([], {}))


def test_agreement_is_the_fraction_of_the_five_nearest_with_the_label():
    # Of the six others all but the farthest count. Ant 0: two ants, cat, bees 10 and 11: 2 of 5.
    # Bee 12: bees 10 and 11, ants 1 and 2 and the cat. The cat has nobody.
    agreement = neighbour_agreement(layout(), insects())
    assert agreement.tolist() == [2 / 5] * 6 + [0]


def test_agreement_of_few_points():
    assert neighbour_agreement(layout([0.0], 10), evidence([0], {})).tolist() == [1.0]
    two = evidence([0, 0, 1], {})
    assert neighbour_agreement(layout([0.0, 1.0, 2.0]), two).tolist() == [0.5, 0.5, 0.0]


def test_points_on_one_spot_do_not_count_themselves():
    same = evidence([0] * 20, {})
    assert neighbour_agreement(layout([3.0] * 20), same).tolist() == [1.0] * 20


def test_the_frame_has_a_line_for_each_point():
    frame = map_frame(layout([0.0, 1.0]), evidence([0, 1], {}), NAMES)
    assert frame.to_dict("list") == {
        "image": [10, 11],
        "file": ["file 10.png", "file 11.png"],
        "label": ["ant", "bee"],
        "x": [0.0, 1.0],
        "y": [0.0, 0.0],
        "neighbours with the same label (%)": [0.0, 0.0],
    }


def test_classes_differ_in_colour_and_in_marker():
    traces = map_chart(layout(), insects(), NAMES).figure.data
    assert [trace.name for trace in traces] == ["ant", "bee", "cat"]
    assert len({trace.marker.color for trace in traces}) == 3
    assert len({trace.marker.symbol for trace in traces}) == 3
    assert list(traces[1].x) == [10.0, 11.0, 12.0]
    assert tuple(traces[1].customdata[0]) == (13, "file 13.png<br>label bee")


@pytest.mark.parametrize(
    ("seeds", "groups"),
    [
        (1, {"correct": [10, 12, 13, 14, 15], "wrong": [11, 16]}),
        (2, {"correct": [10, 13, 14, 15], "correct for some seeds": [11, 12], "wrong": [16]}),
    ],
)
def test_right_and_wrong_of_a_strategy(seeds, groups):
    traces = map_chart(layout(), insects(seeds), NAMES, "cnn").figure.data
    assert {trace.name: [point[0] for point in trace.customdata] for trace in traces} == groups
    assert (
        traces[-1].customdata[-1][1]
        == "file 16.png<br>label cat<br>predicted ant, confidence 50.0 %"
    )


def test_an_unknown_strategy_is_named():
    with pytest.raises(UnknownName, match="There is no strategy named 'mlp'"):
        map_chart(layout(), insects(), NAMES, "mlp")


def test_names_are_shown_literally():
    made = replace(insects(), classes=("<b>", "&", "cat"))
    traces = map_chart(layout(), made, ["<i>.png"] * 40).figure.data
    assert [trace.name for trace in traces] == ["&lt;b&gt;", "&amp;", "cat"]
    assert traces[0].customdata[0][1] == "&lt;i&gt;.png<br>label &lt;b&gt;"


def test_of_many_classes_the_rest_are_grey():
    count = MOST_NAMED + 2
    names = tuple(f"class {place}" for place in range(count))
    # Every class has one point but the last, which has two and so is named.
    labels = [*range(count), count - 1]
    made = evidence(labels, {}, names)
    placed = layout([float(place) for place in range(len(labels))])
    traces = map_chart(placed, made, NAMES).figure.data
    assert traces[0].name == "other classes"
    assert [point[0] for point in traces[0].customdata] == [10 + count - 3, 10 + count - 2]
    assert [trace.name for trace in traces[1:]] == [*names[: MOST_NAMED - 1], names[-1]]
    looks = {(trace.marker.color, trace.marker.symbol) for trace in traces}
    assert len(looks) == MOST_NAMED + 1
    assert left_out_sentence(made) == (
        "The 24 classes with most points have a colour of their own; the 2 others are grey, their "
        "names show on the points."
    )
    assert left_out_sentence(insects()) is None


@pytest.mark.parametrize(
    ("points", "image"),
    [([], None), ([{}], None), ([{"customdata": None}], None), ([{"customdata": [13, "x"]}], 13)],
)
def test_the_image_of_a_chosen_point(points, image):
    assert chosen_image(points) == image


def test_a_map_is_read_as_it_was_written(tmp_path: Path):
    path = tmp_path / "map.npz"
    made = layout()
    write_arrays(path, {"positions": made.positions, "xy": made.xy, "how": np.array("Ça, 1 × 2.")})
    found = read_map(path)
    assert found.positions.tolist() == list(range(10, 17))
    assert found.xy.tolist() == made.xy.tolist()
    assert found.how == "Ça, 1 × 2."


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short"])
def test_a_damaged_map_is_an_error(tmp_path: Path, content):
    path = tmp_path / "map.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=r"The map in .* cannot be read"):
        read_map(path)


def test_an_unknown_method_or_experiment_is_named(home):  # noqa: ARG001 - sets the home
    with pytest.raises(UnknownName, match=r"There is no method named 'umap'\. Known: pca, tsne"):
        feature_map(open_store(), "abcd1234", "umap")
    with pytest.raises(UnknownName, match="There is no experiment named 'abcd1234'"):
        feature_map(open_store(), "abcd1234")

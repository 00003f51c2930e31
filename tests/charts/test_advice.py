"""Charts of what is known before training: every number of the facts is drawn and in the table."""

from dataclasses import replace

from core.analysis.advice.facts import ProbePoint
from core.analysis.advice.placing import placed
from core.charts.advice import (
    Lying,
    blocks_chart,
    found_frame,
    growth_chart,
    probes_chart,
    scenarios_chart,
)
from core.charts.exhibit import Exhibit
from tests.analysis.words.test_advice import found
from tests.made_facts import blocks, difference, facts

FACTS = facts()


def is_whole(exhibit: Exhibit) -> Exhibit:
    assert exhibit.figure.data
    assert exhibit.words.endswith(".")
    assert len(exhibit.frame) > 0
    assert exhibit.figure.layout.paper_bgcolor is None
    return exhibit


def test_probes_and_neighbours_stand_on_one_row():
    exhibit = is_whole(probes_chart(FACTS))
    drawn = [trace for trace in exhibit.figure.data if trace.x[0] is not None]
    assert [round(trace.x[0], 6) for trace in drawn] == [70, 62, 72, 64]
    assert [trace.y[0] for trace in drawn] == [0.17, -0.17, 1.17, 0.83]
    assert exhibit.frame["backbone"].tolist() == ["EfficientNet-Lite0", "VGG16"]
    assert exhibit.frame["behind the best (points)"].tolist()[1] == 2.0
    assert "Majority class: 44.2 %." in exhibit.words
    assert "VGG16 linear probe 70.0 % (95 % interval 66.0 to 73.0)" in exhibit.words


def test_blocks_are_a_line_and_the_last_frozen_one_is_marked():
    exhibit = is_whole(blocks_chart(FACTS, FACTS.blocks, placed(FACTS)))
    (line,) = exhibit.figure.data
    assert list(line.x) == [1, 2, 3, 4, 5]
    assert [round(value) for value in line.y] == [40, 50, 60, 65, 70]
    assert [shape.x0 for shape in exhibit.figure.layout.shapes] == [4]
    assert exhibit.figure.layout.annotations[0].text == "freeze up to here: k = 15"
    assert exhibit.frame["layers up to it (k)"].tolist() == [4, 7, 11, 15, 19]


def test_each_backbone_has_a_line_over_the_images():
    exhibit = is_whole(growth_chart(FACTS))
    assert [list(trace.x) for trace in exhibit.figure.data] == [[30, 45, 90]] * 2
    assert list(exhibit.figure.layout.xaxis.tickvals) == [30, 45, 90]
    assert len(exhibit.frame) == 6


def test_ticks_of_counts_that_lie_near_each_other_are_left_out():
    near = (ProbePoint(88, FACTS.backbones[0].probe), *FACTS.backbones[0].curve)
    exhibit = growth_chart(facts(backbones=(replace(FACTS.backbones[0], curve=near),)))
    assert list(exhibit.figure.layout.xaxis.tickvals) == [30, 45, 90]


def test_datasets_lie_by_size_and_by_the_lead_of_the_last_block():
    large = facts(train_images=9000, blocks=blocks(difference(-4)))
    named = {"<b>pets</b>": FACTS, "large": large, "bare": facts(blocks=None)}
    lying = [Lying(name, one, placed(one), one is FACTS) for name, one in named.items()]
    exhibit = is_whole(scenarios_chart(lying))
    assert [round(trace.x[0]) for trace in exhibit.figure.data] == [38, 3000]
    assert [round(trace.y[0]) for trace in exhibit.figure.data] == [5, -4]
    assert exhibit.figure.data[0].text[0] == "<b>&lt;b&gt;pets&lt;/b&gt;</b>"
    low, high = exhibit.figure.layout.yaxis.range
    assert low <= -8
    assert high >= 8
    assert exhibit.frame["case"].tolist() == [
        "few images, like ImageNet's photographs",
        "many images, unlike ImageNet's photographs",
    ]


def test_nothing_is_drawn_of_nothing():
    exhibit = scenarios_chart([])
    assert exhibit.words == "No dataset has been measured yet."
    assert exhibit.frame.empty


def test_what_was_found_is_one_line_a_dataset():
    frame = found_frame([found(True), found(None)])
    assert frame["best strategy"].tolist() == ["CNN, three blocks"] * 2
    assert frame["named by the rule"].tolist() == ["yes", "not known"]
    assert frame["test accuracy (%)"].tolist() == [80.0, 80.0]
    assert found_frame([]).empty

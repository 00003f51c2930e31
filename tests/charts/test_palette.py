"""The palette is told apart by any colour vision, on both pages; measured, not believed."""

import re
import tomllib

import numpy as np
import pytest

from benchmarks.palette import PAGES, VISIONS, ciede2000, contrast, least_distance
from core.backbones.registry import BACKBONES
from core.charts.style import MAJORITY_COLOUR, MORE_COLOURS, PALETTE, appearance_of
from core.settings import PROJECT_ROOT
from core.strategies.registry import STRATEGIES

COLOURS = [MAJORITY_COLOUR, *PALETTE]
LEAST_APART = {"usual": 20.0, "protanopia": 12.5, "deuteranopia": 12.5, "tritanopia": 12.5}
MORE_APART = {"usual": 12.0, "protanopia": 9.0, "deuteranopia": 8.0, "tritanopia": 7.5}


@pytest.fixture(scope="module")
def theme():
    return tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text())["theme"]


def test_no_two_strategies_have_the_same_colour_and_marker():
    looks = [(entry.appearance.colour, entry.appearance.marker) for entry in STRATEGIES.values()]
    assert len(set(looks)) == len(STRATEGIES)


@pytest.mark.parametrize("vision", VISIONS)
def test_the_closest_pair_is_far_apart_for_every_colour_vision(vision):
    least, *pair = least_distance(COLOURS, vision)
    assert least >= LEAST_APART[vision], pair


@pytest.mark.parametrize("vision", VISIONS)
def test_the_colours_of_more_backbones_are_apart_too(vision):
    least, *pair = least_distance([*COLOURS, *MORE_COLOURS], vision)
    assert least >= MORE_APART[vision], pair


def test_each_backbone_has_a_colour_of_its_own_out_of_these():
    alone = [one.appearance.colour for one in STRATEGIES.values() if one.backbone is None]
    used = [*alone, *(backbone.colour for backbone in BACKBONES.values())]
    assert len(set(used)) == len(used)
    assert set(used) <= {*COLOURS, *MORE_COLOURS}


def test_backbones_of_one_name_are_easily_told_apart():
    """ResNet50 and ResNet50V2 are more often set side by side than any two others."""
    kin: dict[str, list[str]] = {}
    for backbone in BACKBONES.values():
        kin.setdefault(re.match("(.*?Net|.*)", backbone.title)[0], []).append(backbone.colour)
    several = [colours for colours in kin.values() if len(colours) > 1]
    assert len(several) >= 3
    assert min(least_distance(colours, "usual")[0] for colours in several) >= 20
    assert min(least_distance(c, vision)[0] for c in several for vision in VISIONS) >= 12.5


def test_a_colour_keeps_three_to_one_on_both_pages():
    every = (*COLOURS, *MORE_COLOURS)
    found = {(colour, page): contrast(colour, page) for colour in every for page in PAGES}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 3.0} == {}


def test_the_pages_are_those_of_the_theme(theme):
    assert (theme["light"]["backgroundColor"], theme["dark"]["backgroundColor"]) == PAGES


def test_charts_without_strategies_take_the_colours_of_the_first_ones(theme):
    *trained, baseline = theme["chartCategoricalColors"]
    assert trained == COLOURS[1 : len(trained) + 1]
    assert baseline == MAJORITY_COLOUR


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_text_keeps_seven_or_four_and_a_half_to_one(theme, kind):
    for colour, least in (("textColor", 7.0), ("linkColor", 4.5), ("codeTextColor", 4.5)):
        for page in ("backgroundColor", "secondaryBackgroundColor"):
            assert contrast(theme[kind][colour], theme[kind][page]) >= least, (colour, page)


# Published pairs (Sharma, Wu and Dalal 2005, table 1).
@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.0, 2.0), (50.0, 0.0, 0.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_formula_gives_the_published_values(first, second, difference):
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(difference, abs=5e-5)


def test_white_on_black_is_21_to_1():
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21.0, abs=1e-3)


def test_a_strategy_that_is_new_here_has_a_marker_of_its_own():
    known = {entry.appearance.marker for entry in STRATEGIES.values()}
    assert appearance_of("resnet").marker not in known

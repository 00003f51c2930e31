"""Marks and bars as SVG: every strategy has a shape of its own, in its colour."""

from xml.etree import ElementTree

import pytest

from core.charts.style import appearance_of
from core.strategies.registry import STRATEGIES
from core.ui.widgets.strategy_marks import bar_svg, mark_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_a_mark_has_the_colour_of_the_charts():
    for strategy in STRATEGIES:
        (path,) = ElementTree.fromstring(mark_svg(strategy))
        assert path.tag == f"{SVG}path", strategy
        assert path.get("fill") == appearance_of(strategy).colour, strategy


def test_every_marker_has_a_shape_of_its_own():
    shapes = {ElementTree.fromstring(mark_svg(name))[0].get("d") for name in STRATEGIES}
    assert len(shapes) == len({appearance_of(name).marker for name in STRATEGIES})


@pytest.mark.parametrize(("fraction", "width"), [(0.0, "0.0"), (0.25, "60.0"), (1.0, "240.0")])
def test_a_bar_is_as_long_as_its_share(fraction, width):
    _, bar = ElementTree.fromstring(bar_svg("cnn", fraction))
    assert (bar.get("width"), bar.get("fill")) == (width, appearance_of("cnn").colour)

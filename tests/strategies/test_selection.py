"""Which strategies are meant by names, modes and backbones."""

import pytest

from core.backbones.registry import BACKBONES
from core.errors import BadInput, UnknownName
from core.strategies import selection
from core.strategies.registry import STRATEGIES
from core.strategies.selection import chosen_strategies
from tests.strategies.stand_in import STAND_IN

WITHOUT = ["majority", "mlp", "cnn"]
USUAL = ["vgg16", "efficientnet_lite0", "squeezenet"]


@pytest.fixture(autouse=True)
def two_backbones(monkeypatch, stand_in):  # noqa: ARG001 - registers the strategies
    """VGG16, whose weights are here, and the stand-in, whose weights are not."""
    monkeypatch.setitem(BACKBONES, "stand_in", STAND_IN)
    monkeypatch.setattr(selection, "is_available", lambda one: one.backbone == "vgg16")


def names(*arguments):
    return [entry.name for entry in chosen_strategies(*arguments)]


def of(backbone):
    return {name for name in STRATEGIES if name.startswith(f"{backbone}_")}


def test_all_are_the_usual_backbones_where_none_is_named():
    assert set(names("all")) == {*WITHOUT}.union(*map(of, USUAL))
    costs = [entry.cost for entry in chosen_strategies("all")]
    assert costs == sorted(costs)


def test_all_backbones_are_those_whose_weights_are_here(monkeypatch):
    assert set(names("all", "all")) == {*WITHOUT} | of("vgg16")
    monkeypatch.setattr(selection, "is_available", lambda _one: True)
    assert {*WITHOUT} | of("vgg16") | of("stand_in") <= set(names("all", "all"))


def test_a_mode_stands_for_that_of_each_backbone():
    assert set(names(["probe"])) == {f"{one}_probe" for one in USUAL}
    assert names(["cnn", "dense"], ["vgg16", "stand_in"]) == [
        "stand_in_dense",
        "cnn",
        "vgg16_features",
    ]
    assert sorted(names(["vgg16_probe", "probe"])) == sorted(names(["probe"]))
    # a backbone without a top has no softmax; the others have
    assert names(["softmax"], ["stand_in", "vgg16"]) == ["vgg16_softmax"]


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        (("all", ["resnet"]), UnknownName, r"no backbone named 'resnet'\. Known: .*vgg16"),
        (("all", []), BadInput, "Choose at least one backbone"),
        (("all", ["stand_in"]), BadInput, r"not on this machine\. Get it with: .* fetch stand_in"),
        ((["cnn"], ["vgg16"]), BadInput, r"name modes \(probe, .* or scratch\), or all"),
        ((["softmax"], ["stand_in"]), BadInput, "There is no mode softmax of Stand-in"),
        (([], None), BadInput, "Choose at least one strategy"),
        ((["probe", "probe"], None), BadInput, "named twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, kind, says):
    with pytest.raises(kind, match=says):
        chosen_strategies(*arguments)

"""The registry of strategies: pages, command line and tests draw themselves from it.

It has those on the backbones of one's own too, as they are in the home at this moment.
"""

from functools import lru_cache
from typing import Any

from core.backbones.efficientnet_lite0 import EFFICIENTNET_LITE0
from core.backbones.own_folder import OwnBackbones
from core.backbones.registry import SHIPPED, GrowingRegistry, own
from core.backbones.squeezenet import SQUEEZENET
from core.backbones.vgg16 import VGG16
from core.errors import UnknownName
from core.strategies.best import with_best_preset
from core.strategies.cnn import CNN
from core.strategies.majority import MAJORITY_CLASS
from core.strategies.mlp import MLP
from core.strategies.settings import MEAN
from core.strategies.strategy import Mode, Role, Strategy
from core.strategies.transfer import backbone_strategies
from core.strategies.vgg16 import VGG16_OWN


def registered(strategies: tuple[Strategy, ...]) -> dict[str, Strategy]:
    """Index strategies by name; a duplicate name is an error of the programmer."""
    index = {entry.name: entry for entry in strategies}
    if len(index) != len(strategies):
        names = [entry.name for entry in strategies]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"strategies registered twice: {', '.join(twice)}")
    return index


# What single backbones have otherwise, by mode.
_OWN = {VGG16.name: VGG16_OWN}
_ON_BACKBONES = (
    entry
    for backbone in SHIPPED.values()
    for entry in backbone_strategies(backbone, _OWN.get(backbone.name))
)
_FIXED = registered(tuple(map(with_best_preset, (MAJORITY_CLASS, MLP, CNN, *_ON_BACKBONES))))


@lru_cache(maxsize=1)
def _on_own(found: OwnBackbones) -> dict[str, Strategy]:
    """The strategies on backbones of one's own; the same as long as these are."""
    entries: list[Strategy] = []
    for backbone in found.backbones.values():
        network = backbone.network
        made = backbone_strategies(backbone, _settings_of(network))
        # Its network from random weights is new only where it is a network of one's own.
        entries += [one for one in made if not network or one.mode is not Mode.SCRATCH]
    return registered(tuple(map(with_best_preset, entries)))


def _settings_of(network: str) -> dict[Mode, dict[str, Any]]:
    """The settings that were chosen for a network of Headstart, not its texts; without the choice
    of ImageNet's mean."""
    return {
        mode: {"settings": tuple(one for one in fields["settings"] if one is not MEAN)}
        for mode, fields in _OWN.get(network, {}).items()
    }


STRATEGIES: GrowingRegistry[Strategy] = GrowingRegistry(_FIXED, lambda: _on_own(own()))
MAJORITY = MAJORITY_CLASS.name
TUTORIAL_BACKBONE = VGG16.name
# The backbones of "all strategies", where none is named: those of the recorded results.
USUAL_BACKBONES = (VGG16.name, EFFICIENTNET_LITE0.name, SQUEEZENET.name)


def offered_strategies() -> dict[str, Strategy]:
    """Those that new experiments can choose: all but those on a backbone that was removed."""
    return {
        name: one
        for name, one in STRATEGIES.items()
        if one.backbone is None or one.backbone.is_offered
    }


def find_strategy(name: str) -> Strategy:
    """The strategy of that name, or ``UnknownName`` listing those that exist."""
    if name not in STRATEGIES:
        raise UnknownName("strategy", name, STRATEGIES)
    return STRATEGIES[name]


def names_with(
    *roles: Role,
    mode: Mode | None = None,
    backbone: str | None = None,
    convolutional: bool | None = None,
) -> tuple[str, ...]:
    """Names of the strategies that fit all that is given, in the order of the registry.

    Without ``roles`` any role fits; None fits anything.
    """
    return tuple(
        entry.name
        for entry in STRATEGIES.values()
        if (not roles or entry.role in roles)
        and (mode is None or entry.mode == mode)
        and (backbone is None or (entry.backbone and entry.backbone.name == backbone))
        and (convolutional is None or entry.convolutional == convolutional)
    )

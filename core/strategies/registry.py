"""The registry of strategies: pages, command line and tests draw themselves from it."""

from core.errors import UnknownName
from core.strategies.cnn import CNN
from core.strategies.majority import MAJORITY
from core.strategies.mlp import MLP
from core.strategies.strategy import Strategy
from core.strategies.vgg16_frozen import VGG16_FEATURES, VGG16_PROBE, VGG16_SOFTMAX
from core.strategies.vgg16_trained import VGG16_FINETUNE, VGG16_FREEZE, VGG16_SCRATCH


def registered(strategies: tuple[Strategy, ...]) -> dict[str, Strategy]:
    """Index strategies by name; a duplicate name is an error of the programmer."""
    index = {entry.name: entry for entry in strategies}
    if len(index) != len(strategies):
        names = [entry.name for entry in strategies]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"strategies registered twice: {', '.join(twice)}")
    return index


STRATEGIES: dict[str, Strategy] = registered(
    (
        MAJORITY,
        MLP,
        CNN,
        VGG16_SCRATCH,
        VGG16_PROBE,
        VGG16_FEATURES,
        VGG16_SOFTMAX,
        VGG16_FREEZE,
        VGG16_FINETUNE,
    )
)


def find_strategy(name: str) -> Strategy:
    """The strategy of that name, or ``UnknownName`` listing those that exist."""
    if name not in STRATEGIES:
        raise UnknownName("strategy", name, STRATEGIES)
    return STRATEGIES[name]

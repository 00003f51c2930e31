"""The registry of strategies: pages, command line and tests draw themselves from it."""

from core.errors import UnknownName
from core.strategies.strategy import Strategy


def registered(strategies: tuple[Strategy, ...]) -> dict[str, Strategy]:
    """Index strategies by name; a duplicate name is an error of the programmer."""
    index = {entry.name: entry for entry in strategies}
    if len(index) != len(strategies):
        names = [entry.name for entry in strategies]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"strategies registered twice: {', '.join(twice)}")
    return index


STRATEGIES: dict[str, Strategy] = registered(())


def find_strategy(name: str) -> Strategy:
    """The strategy of that name, or ``UnknownName`` listing those that exist."""
    if name not in STRATEGIES:
        raise UnknownName("strategy", name, STRATEGIES)
    return STRATEGIES[name]

"""Which strategies are meant: by name, by mode and backbone, or all of them."""

from collections.abc import Sequence
from typing import Literal

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES, find_backbone
from core.backbones.weights.access import how_to_get, is_available
from core.errors import BadInput
from core.strategies.registry import STRATEGIES, USUAL_BACKBONES, find_strategy, names_with
from core.strategies.strategy import Mode, Strategy
from core.text import list_text

Chosen = Sequence[str] | Literal["all"]


def chosen_strategies(strategies: Chosen, backbones: Chosen | None = None) -> list[Strategy]:
    """The strategies, cheap ones first.

    ``strategies``: names; a mode (``probe``) among them stands for that of each backbone. "all" is
    what needs no backbone, and every mode of each backbone. ``backbones``: names, or "all" for
    those whose weights are on this machine; None is ``USUAL_BACKBONES``. Raises ``UnknownName`` and
    ``BadInput`` naming the field.
    """
    if not strategies:
        raise BadInput("Choose at least one strategy.", "strategies")
    if len(set(strategies)) != len(strategies) and strategies != "all":
        raise BadInput("A strategy is named twice; each can be chosen once.", "strategies")
    found = chosen_backbones(USUAL_BACKBONES if backbones is None else backbones)
    if strategies == "all":
        if backbones not in (None, "all"):
            _refuse_missing(found)
        wanted = (None, *found)
        names = [name for name, entry in STRATEGIES.items() if entry.backbone in wanted]
    else:
        modes = [name for name in strategies if _is_mode(name)]
        if backbones is not None and not modes:
            raise BadInput(
                "backbones has no meaning beside strategies that are named in full; name modes "
                f"({list_text([*Mode], last='or')}), or all.",
                "backbones",
            )
        names = [name for name in strategies if name not in modes]
        names += [name for mode in modes for name in _of_mode(Mode(mode), found)]
    entries = [find_strategy(name) for name in dict.fromkeys(names)]
    return sorted(entries, key=lambda entry: (entry.cost, entry.name))


def _is_mode(name: str) -> bool:
    return name in set(Mode) and name not in STRATEGIES


def _of_mode(mode: Mode, backbones: Sequence[Backbone]) -> list[str]:
    found = [name for one in backbones for name in names_with(mode=mode, backbone=one.name)]
    if not found:
        titles = list_text([one.title for one in backbones], last="or")
        raise BadInput(f"There is no mode {mode} of {titles}.", "strategies")
    return found


def chosen_backbones(backbones: Chosen) -> list[Backbone]:
    """By name, or "all" whose weights are on this machine. Raises ``UnknownName``."""
    if backbones == "all":
        here = [one for one in BACKBONES.values() if is_available(one.weights)]
        # Without any the usual ones are left, whose strategies say what they lack.
        return here or [find_backbone(name) for name in USUAL_BACKBONES]
    if not backbones:
        raise BadInput("Choose at least one backbone.", "backbones")
    return [find_backbone(name) for name in dict.fromkeys(backbones)]


def _refuse_missing(backbones: Sequence[Backbone]) -> None:
    for one in backbones:
        if not is_available(one.weights):
            raise BadInput(
                f"The {one.weights.title} is not on this machine. {how_to_get(one.weights)}",
                "backbones",
            )

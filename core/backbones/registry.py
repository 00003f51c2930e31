"""The registry of backbones: strategies, pages, command line and tests draw themselves from it.

It has those that Headstart comes with, and after them those of one's own in the home
(``core.backbones.own_folder``), as they are there at this moment.
"""

from collections import UserDict
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TypeVar

from core.backbones.backbone import Backbone
from core.backbones.efficientnet_lite0 import EFFICIENTNET_LITE0
from core.backbones.keras_applications import KERAS_APPLICATIONS
from core.backbones.own_folder import OwnBackbones, own_backbones
from core.backbones.squeezenet import SQUEEZENET
from core.backbones.vgg16 import VGG16
from core.errors import UnknownName

T = TypeVar("T")

_ENTRIES = (VGG16, EFFICIENTNET_LITE0, SQUEEZENET, *KERAS_APPLICATIONS)
SHIPPED: dict[str, Backbone] = {entry.name: entry for entry in _ENTRIES}


class GrowingRegistry(UserDict[str, T]):
    """Fixed entries, and after them those that ``more`` gives whenever somebody looks.

    A fixed entry is found without asking for more. Whoever goes through it sees one moment.
    """

    def __init__(self, fixed: Mapping[str, T], more: Callable[[], Mapping[str, T]]) -> None:
        super().__init__(fixed)
        self._more = more

    def _now(self) -> dict[str, T]:
        return {**self.data, **self._more()}

    def __getitem__(self, name: str) -> T:
        return self.data[name] if name in self.data else self._more()[name]

    def __contains__(self, name: object) -> bool:
        return name in self.data or name in self._more()

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def items(self) -> ItemsView[str, T]:
        return self._now().items()

    def values(self) -> ValuesView[T]:
        return self._now().values()


def own() -> OwnBackbones:
    """The backbones of one's own in this home, with their records."""
    return own_backbones(SHIPPED)


BACKBONES: GrowingRegistry[Backbone] = GrowingRegistry(SHIPPED, lambda: own().backbones)


def find_backbone(name: str) -> Backbone:
    """The backbone of that name, or ``UnknownName`` listing those that exist."""
    if name not in BACKBONES:
        raise UnknownName("backbone", name, BACKBONES)
    return BACKBONES[name]

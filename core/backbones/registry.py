"""The registry of backbones: strategies, pages, command line and tests draw themselves from it."""

from core.backbones.backbone import Backbone
from core.backbones.vgg16 import VGG16
from core.errors import UnknownName

BACKBONES: dict[str, Backbone] = {entry.name: entry for entry in (VGG16,)}


def find_backbone(name: str) -> Backbone:
    """The backbone of that name, or ``UnknownName`` listing those that exist."""
    if name not in BACKBONES:
        raise UnknownName("backbone", name, BACKBONES)
    return BACKBONES[name]

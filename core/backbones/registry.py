"""The registry of backbones: strategies, pages, command line and tests draw themselves from it."""

from core.backbones.backbone import Backbone
from core.backbones.efficientnet_lite0 import EFFICIENTNET_LITE0
from core.backbones.keras_applications import KERAS_APPLICATIONS
from core.backbones.squeezenet import SQUEEZENET
from core.backbones.vgg16 import VGG16
from core.errors import UnknownName

_ENTRIES = (VGG16, EFFICIENTNET_LITE0, SQUEEZENET, *KERAS_APPLICATIONS)
BACKBONES: dict[str, Backbone] = {entry.name: entry for entry in _ENTRIES}


def find_backbone(name: str) -> Backbone:
    """The backbone of that name, or ``UnknownName`` listing those that exist."""
    if name not in BACKBONES:
        raise UnknownName("backbone", name, BACKBONES)
    return BACKBONES[name]

"""The record that describes one rung of the ladder.

It names builders by dotted path and imports none of them, so that the web process can show the
ladder without loading TensorFlow; a worker resolves the path when a run starts.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.strategies.layer_record import LayerRecord, outline_of
from core.strategies.settings import Setting, Value, resolve_settings

Need = Literal["gradient", "weights", "full_weights", "features"]
Architecture = Callable[[Mapping[str, Any], int, int], tuple[LayerRecord, ...]]


@dataclass(frozen=True)
class Strategy:
    """One rung of the ladder.

    ``teaches`` says in a sentence what the rung shows, ``tutorial`` where the tutorial describes
    it. ``needs``: ``gradient`` (trained by the engine, has the device to itself), ``weights``
    (ImageNet weights of the VGG16 base), ``full_weights`` (fc1 and fc2 too), ``features``
    (frozen features from the cache). ``cost`` orders the work: cheap strategies run first.
    ``builder`` is ``"module:function"``; see ``core.strategies.plan``. ``architecture`` gives the
    layers that it builds, as data (see ``layers``); None where there is no network.
    ``convolutional`` says that there is a feature map to show where the network looked.
    """

    name: str
    title: str
    teaches: str
    tutorial: str
    settings: tuple[Setting, ...]
    needs: frozenset[Need]
    cost: int
    builder: str
    architecture: Architecture | None = None
    convolutional: bool = True

    def layers(
        self, settings: Mapping[str, Any], image_size: int, class_count: int
    ) -> tuple[LayerRecord, ...]:
        """The layers from picture to probabilities, without building them; none of ``majority``.

        Raises ``BadInput`` at ``image_size`` (pixels) where the architecture does not fit.
        """
        return self.architecture(settings, image_size, class_count) if self.architecture else ()

    def describe(self, settings: Mapping[str, Any], image_size: int) -> str:
        """The layers in one line, with their sizes at this image size in pixels.

        Raises ``BadInput`` as ``layers`` does, so that callers also use it to check an experiment
        before anything is stored.
        """
        any_count = 2  # the line does not say how many classes there are
        return outline_of(self.layers(settings, image_size, any_count))

    def resolve(self, preset: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Value]:
        """Complete, validated settings; see ``resolve_settings``."""
        return resolve_settings(self.name, self.settings, preset, overrides)

    def needs_for(self, settings: Mapping[str, Any]) -> frozenset[Need]:
        """The needs under these settings: the ``fc`` head wants the full weights."""
        if settings.get("head") == "fc":
            return self.needs | {"full_weights"}
        return self.needs

    def load_builder(self) -> Callable[..., Any]:
        """Import and return the builder. Only workers call this: it may load Keras."""
        module, function = self.builder.split(":")
        return getattr(importlib.import_module(module), function)

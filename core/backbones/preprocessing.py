"""What happens to an image before a backbone sees it, as a layer record."""

from dataclasses import replace

from core.backbones.backbone import Backbone
from core.layers.record import LayerRecord, image_layer


def preparing_layer(backbone: Backbone, image_size: int, side: int) -> LayerRecord:
    """Makes ``(side, side, 3)`` float32 in the range of the backbone of a stored uint8 image."""
    preparation = backbone.preparation
    return image_layer(
        "PrepareForBackbone",
        f"prepare_for_{backbone.name}",
        image_size,
        side,
        mean_rgb=preparation.mean_rgb,
        deviation_rgb=preparation.deviation_rgb,
        blue_first=preparation.blue_first,
    )


def with_mean(layer: LayerRecord, mean_rgb: tuple[float, float, float]) -> LayerRecord:
    """The same preparation with another mean colour, 0 to 255, red first."""
    return replace(layer, options={**layer.options, "mean_rgb": mean_rgb})

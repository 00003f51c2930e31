"""Augmentation: images varied at random, so that a network never trains on the same pixels twice.

The arithmetic is written once, with functions that numpy and ``keras.ops`` share: a layer
(``core.layers.own.Augment``) trains with it on the device, and pages preview it with numpy.
Rotation, shift, zoom and mirroring are one bilinear resampling. The layers of Keras resample once
for each, and some use an operation that XLA cannot compile.
"""

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

# Numbers drawn for each image: mirroring, rotation, zoom, two shifts, contrast, brightness.
DRAWS = 7
_SHARED = "abs arange clip cos floor mean minimum mod reshape round shape sin take where"
_NUMPY = SimpleNamespace(
    cast=lambda array, dtype: array.astype(dtype),
    **{name: getattr(np, name) for name in _SHARED.split()},
)


@dataclass(frozen=True)
class Augmentation:
    """The largest change in either direction; each image gets its own, drawn evenly.

    ``rotation`` in degrees; ``shift`` is a fraction of the image's size, along each axis; ``zoom``,
    ``contrast`` and ``brightness`` are fractions, the last of the range from black to white.
    ``mirror``: half of the images, at random, left to right.
    """

    rotation: float
    shift: float
    zoom: float
    contrast: float
    brightness: float
    mirror: bool


def augmented(images: Any, draws: Any, amounts: Augmentation, ops: Any = _NUMPY) -> Any:
    """uint8 ``(n, size, size, channels)`` in and out; ``draws`` float32 ``(n, DRAWS)``, -1 to 1.

    What comes in from outside an image is its mirror image at the edge.
    """
    size, _, channels = images.shape[1:]
    draw = [ops.reshape(draws[:, place], (-1, 1, 1)) for place in range(DRAWS)]
    rows, columns = _sources(draw, size, amounts, ops)
    pixels = _sampled(images, rows, columns, ops)
    mean = ops.mean(pixels, axis=(1, 2), keepdims=True)
    contrast, brightness = (ops.reshape(one, (-1, 1, 1, 1)) for one in draw[5:])
    pixels = (pixels - mean) * (1.0 + amounts.contrast * contrast) + mean
    pixels = pixels + 255.0 * amounts.brightness * brightness
    varied = ops.cast(ops.round(ops.clip(pixels, 0.0, 255.0)), "uint8")
    return ops.reshape(varied, (-1, size, size, channels))


def previewed(images: np.ndarray, amounts: Augmentation, seed: int) -> np.ndarray:
    """``images`` varied by ``seed``, with numpy; training draws other numbers from its own seed."""
    draws = np.random.default_rng(seed).uniform(-1.0, 1.0, (len(images), DRAWS))
    return augmented(images, draws.astype(np.float32), amounts)


def _sources(draw: list[Any], size: int, amounts: Augmentation, ops: Any) -> tuple[Any, Any]:
    """Where each pixel of the result comes from: rows and columns ``(n, size, size)`` float32."""
    middle = (size - 1) / 2
    line = ops.cast(ops.arange(size), "float32") - middle
    down, right = ops.reshape(line, (1, size, 1)), ops.reshape(line, (1, 1, size))
    angle = draw[1] * math.radians(amounts.rotation)
    scale = 1.0 / (1.0 + amounts.zoom * draw[2])
    down = down - draw[3] * (amounts.shift * size)
    right = right - draw[4] * (amounts.shift * size)
    rows = scale * (ops.cos(angle) * down - ops.sin(angle) * right)
    columns = scale * (ops.sin(angle) * down + ops.cos(angle) * right)
    if amounts.mirror:
        columns = ops.where(draw[0] < 0.0, -columns, columns)
    return _reflected(rows + middle, size, ops), _reflected(columns + middle, size, ops)


def _reflected(places: Any, size: int, ops: Any) -> Any:
    """``places`` folded into 0 to ``size`` - 1 at the edges."""
    last = size - 1.0
    return last - ops.abs(ops.mod(places, 2.0 * last) - last)


def _sampled(images: Any, rows: Any, columns: Any, ops: Any) -> Any:
    """The images at fractional places, float32: each the mean of four pixels by nearness."""
    size, _, channels = images.shape[1:]
    count = ops.shape(images)[0]
    flat = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(count) * (size * size), (-1, 1, 1))
    top, left = ops.floor(rows), ops.floor(columns)
    down = ops.reshape(rows - top, (-1, size, size, 1))
    right = ops.reshape(columns - left, (-1, size, size, 1))
    bottom, beside = ops.minimum(top + 1.0, size - 1.0), ops.minimum(left + 1.0, size - 1.0)

    def pixels(row: Any, column: Any) -> Any:
        place = ops.cast(row, "int32") * size + ops.cast(column, "int32")
        return ops.cast(ops.take(flat, ops.cast(first, "int32") + place, axis=0), "float32")

    upper = pixels(top, left) * (1.0 - right) + pixels(top, beside) * right
    lower = pixels(bottom, left) * (1.0 - right) + pixels(bottom, beside) * right
    return upper * (1.0 - down) + lower * down

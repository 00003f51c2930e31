"""A heat map laid over its picture."""

import io
from functools import cache

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

# Bright where the network looked; told apart with any colour vision, and in grey.
COLOUR_SCALE = "Inferno"
STRONGEST = 0.75
_LEVELS = 256


def overlay(picture: bytes, heat: np.ndarray) -> bytes:
    """PNG of ``picture`` (PNG) with ``heat`` over it, enlarged smoothly to its size.

    ``heat`` float32 ``(h, w)``, 0 to 1, covers the whole picture. The picture is shown in grey, so
    that every colour is the map's; where the heat is 0 it shows as it is.
    """
    grey = Image.open(io.BytesIO(picture)).convert("L")
    levels = Image.fromarray(np.uint8(np.rint(255 * np.clip(heat, 0.0, 1.0))))
    enlarged = np.asarray(levels.resize(grey.size, Image.Resampling.BICUBIC))
    strength = (STRONGEST * enlarged / 255)[..., np.newaxis]
    below = np.asarray(grey, np.float64)[..., np.newaxis]
    mixed = (1 - strength) * below + strength * _shades()[enlarged]
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(np.rint(mixed))).save(buffer, "PNG")
    return buffer.getvalue()


@cache
def _shades() -> np.ndarray:
    """float64 ``(256, 3)``, 0 to 255: the colour of each level."""
    shades = sample_colorscale(COLOUR_SCALE, np.linspace(0.0, 1.0, _LEVELS))
    return np.array([unlabel_rgb(shade) for shade in shades], np.float64)

"""Two networks written a second time, in numpy alone: what the Keras ones are held to.

Arrays are float64 ``(height, width, channels)``, one image at a time; ``arrays`` as the weights
files have them.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

LITE0_STAGES = [
    (1, 1, 1, 16), (2, 2, 6, 24), (2, 2, 6, 40), (3, 2, 6, 80), (3, 1, 6, 112), (4, 2, 6, 192),
    (1, 1, 6, 320),
]  # fmt: skip


def windows(image, size, stride, same):
    """``(height, width, channels, size, size)``; "same" pads as TensorFlow, more at the end."""
    if same:
        pads = []
        for length in image.shape[:2]:
            missing = max((-(-length // stride) - 1) * stride + size - length, 0)
            pads.append((missing // 2, missing - missing // 2))
        image = np.pad(image, [*pads, (0, 0)])
    return sliding_window_view(image, (size, size), axis=(0, 1))[::stride, ::stride]


def convolve(image, kernel, stride=1, same=True):
    patches = windows(image, len(kernel), stride, same)
    return np.einsum("hwcij,ijco->hwo", patches, kernel, optimize=True)


def convolve_each(image, kernel, stride):
    patches = windows(image, len(kernel), stride, same=True)
    return np.einsum("hwcij,ijc->hwc", patches, kernel[..., 0], optimize=True)


def efficientnet_lite0(photo, arrays):
    """Logits ``(1000,)`` of a uint8 photo."""

    def normalise(image, name, relu=True):
        part = {key: arrays[f"{name}/{key}"].astype(float) for key in
                ("gamma", "beta", "moving_mean", "moving_variance")}  # fmt: skip
        scaled = (image - part["moving_mean"]) / np.sqrt(part["moving_variance"] + 1e-3)
        image = scaled * part["gamma"] + part["beta"]
        return np.clip(image, 0, 6) if relu else image

    def kernel(name):
        return arrays[f"{name}/kernel"].astype(float)

    image = (photo - 127.0) / 128.0
    image = normalise(convolve(image, kernel("stem_conv"), 2), "stem_bn")
    number = 0
    for repeats, first_stride, expansion, width in LITE0_STAGES:
        for repeat in range(repeats):
            name, before = f"block{number}", image
            stride = first_stride if repeat == 0 else 1
            if expansion > 1:
                image = normalise(
                    convolve(image, kernel(f"{name}_expand_conv")), f"{name}_expand_bn"
                )
            image = convolve_each(image, kernel(f"{name}_depthwise_conv"), stride)
            image = normalise(image, f"{name}_depthwise_bn")
            image = convolve(image, kernel(f"{name}_project_conv"))
            image = normalise(image, f"{name}_project_bn", relu=False)
            if stride == 1 and before.shape == image.shape:
                image = image + before
            assert image.shape[-1] == width
            number += 1
    image = normalise(convolve(image, kernel("top_conv")), "top_bn")
    return image.mean(axis=(0, 1)) @ kernel("classifier") + arrays["classifier/bias"]


def squeezenet(photo, arrays):
    """Logits ``(1000,)`` of a uint8 photo."""

    def layer(image, name, **options):
        found = convolve(image, arrays[f"{name}/kernel"].astype(float), **options)
        return np.maximum(found + arrays[f"{name}/bias"], 0)

    def pool(image):
        return windows(image, 3, 2, same=False).max(axis=(3, 4))

    image = photo[..., ::-1] - np.array([104.006, 116.669, 122.679])
    image = pool(layer(image, "conv1", stride=2, same=False))
    for number in range(2, 10):
        squeezed = layer(image, f"fire{number}_squeeze1x1")
        sides = [layer(squeezed, f"fire{number}_expand{size}") for size in ("1x1", "3x3")]
        image = np.concatenate(sides, axis=-1)
        if number in (3, 5):
            image = pool(image)
    return layer(image, "conv10").mean(axis=(0, 1))

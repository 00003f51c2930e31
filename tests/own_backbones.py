"""Backbones of one's own that tests put into a home by hand, without training anything."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.backbones.backbone import Preparation
from core.backbones.own import OWN_COLOURS, OwnBackbone, OwnLayer, OwnOrigin, digest_of
from core.backbones.own_folder import (
    ARRAYS,
    IMAGES,
    WEIGHTS,
    backbones_lock,
    incoming_backbone,
    publish,
)
from core.backbones.weights.digests import ArrayDigest, array_sha256
from core.backbones.weights.files import write_weights_file
from core.files import write_json

FILTERS = (4, 6)
ORIGIN = OwnOrigin(
    experiment="3d975862",
    run="3d975862-cnn-0",
    strategy="cnn",
    strategy_title="CNN, three blocks",
    seed=0,
    dataset_id="d" * 64,
    dataset_name="digits",
    classes=10,
    image_size=64,
    train_images=1222,
    test_images=360,
    test_accuracy=0.971,
)


def layers() -> tuple[OwnLayer, ...]:
    """Two convolutions of 3x3, each with a pooling: a quarter of the side is left."""
    found = []
    for place, filters in enumerate(FILTERS, start=1):
        options: dict[str, Any] = {"filters": filters, "kernel_size": 3, "padding": "same"}
        options["activation"] = "relu"
        found.append(OwnLayer(name=f"conv_{place}", kind="Conv2D", options=options))
        pool = {"pool_size": 2}
        found.append(OwnLayer(name=f"pool_{place}", kind="MaxPooling2D", options=pool))
    return tuple(found)


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    first, second = FILTERS
    shapes = {
        "conv_1/kernel": (3, 3, 3, first),
        "conv_1/bias": (first,),
        "conv_2/kernel": (3, 3, first, second),
        "conv_2/bias": (second,),
    }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def add_own(
    name: str = "digits_cnn",
    title: str = "CNN of digits",
    seen: Sequence[np.ndarray] | np.ndarray = (),
    seed: int = 0,
    **changes: Any,
) -> OwnBackbone:
    """Put a backbone into the home; ``seen``: digests of the images it was trained on, (n, 32)."""
    made = arrays(seed)
    digests = {key: ArrayDigest(one.shape, array_sha256(one)) for key, one in made.items()}
    preparation = Preparation((0.0,) * 3, (255.0,) * 3, input_range="0 to 1, red first")
    fields: dict[str, Any] = {
        "name": name,
        "title": title,
        "network": "",
        "layers": layers(),
        "preparation": preparation,
        "digest": digest_of("", layers(), preparation, digests),
        "size_bytes": sum(one.nbytes for one in made.values()),
        "colour": OWN_COLOURS[0],
        "origin": ORIGIN,
        "licence": "yours; it has no weights of others",
        "attribution": "",
        "made_at": "2026-11-30T12:00:00+00:00",
    }
    record = OwnBackbone(**{**fields, **changes})
    with backbones_lock(), incoming_backbone() as folder:
        write_weights_file(folder / WEIGHTS, made)
        stored = {key: {"shape": one.shape, "sha256": one.sha256} for key, one in digests.items()}
        write_json(folder / ARRAYS, stored)
        np.save(folder / IMAGES, np.asarray(seen, np.uint8).reshape(-1, 32))
        publish(folder, record)
    return record

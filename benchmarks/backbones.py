"""Seconds to extract the features of all of themes16 with each backbone, in one process.

    python -m benchmarks.backbones [--image-size 160] [--rounds 1] [--output FILE]

Each backbone keeps the features that its strategies use by default: VGG16 flattened, the others
pooled. The seconds are those that a run stores: building, loading and tracing are in them, starting
Keras is not. The backbones alternate, so that what else the machine does falls on all; medians are
compared. Expected on a processor: EfficientNet-Lite0 at least 8 times as fast as VGG16.
"""

import argparse
import os
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import scratch_home, tell
from core.datasets.prepare import PreparedImages

NAMES = ("vgg16", "efficientnet_lite0", "squeezenet")


def seconds_of(
    name: str, prepared: PreparedImages, options: tuple[str, bool, int], image_size: int
) -> float:
    """What ``extract_features`` takes of all images with nothing in the cache."""
    from core.backbones.feature_cache import features_folder
    from core.backbones.features import FeatureRequest, extract_features
    from core.backbones.registry import find_backbone

    backbone = find_backbone(name)
    request = FeatureRequest(
        *(backbone, False, image_size, backbone.preparation.mean_rgb, *options),
        pooled=name != "vgg16",
    )
    found = extract_features(prepared, request, np.arange(prepared.shape[0]))
    for path in features_folder().iterdir():
        path.unlink()
    return found.seconds


def measure(image_size: int, rounds: int, precision: str) -> dict[str, Any]:
    from core.backbones.backend import load_keras
    from core.datasets.bundled import ensure_bundled_datasets
    from core.datasets.prepare import prepare_images
    from core.datasets.storage import open_dataset
    from core.training.engine import FEATURE_BATCH
    from core.training.policy import choose_policy, library_versions

    ensure_bundled_datasets()
    prepared = prepare_images(open_dataset("themes16"), image_size)
    load_keras()
    policy = choose_policy(precision)
    options = (policy.precision, policy.compile_with_xla, FEATURE_BATCH)
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for number in range(rounds):
        for name in NAMES:
            seconds[name].append(round(seconds_of(name, prepared, options, image_size), 2))
        print(f"round {number}: {seconds}", flush=True)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "benchmark": f"extraction of the features of themes16 at {image_size} x {image_size}",
        "date": datetime.now(UTC).date().isoformat(),
        "device": policy.device,
        "backend": policy.backend,
        "precision": policy.precision,
        "versions": library_versions(),
        "images": prepared.shape[0],
        "batch_size": FEATURE_BATCH,
        "seconds": seconds,
        "medians": medians,
        "times_as_fast_as_vgg16": {
            name: round(medians["vgg16"] / value, 2) for name, value in medians.items()
        },
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with scratch_home(*NAMES):
        result = measure(options.image_size, options.rounds, options.precision)
    tell(result, options.output)


if __name__ == "__main__":
    main()

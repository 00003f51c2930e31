"""Images a second: our extraction against the plain float32 Keras call, in one process.

    python -m benchmarks.feature_extraction [--images 64] [--rounds 5] [--output FILE]

The rival is what a tutorial would write: the float32 ``keras.applications.VGG16`` base as a
compiled call without XLA, on pictures that are preprocessed and in memory already. Ours does
everything but start: it reads, preprocesses, computes and writes the cache file; the clock runs
from the first finished batch (tracing, building and loading are before it) to the last. The two
alternate, so that what else the machine does falls on both; medians are compared.
Expected where the processor has bfloat16: at least 1.8 times.
"""

import argparse
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import InMemoryImages, scratch_home, tell

IMAGE_SIZE = 224


def ours(pictures: InMemoryImages, request: Any) -> float:
    """Images a second of ``extract_features``, start-up apart."""
    from core.backbones.features import extract_features

    marks: list[tuple[int, float]] = []
    extract_features(
        pictures,
        request,
        np.arange(pictures.shape[0]),
        lambda done, _total: marks.append((done, time.perf_counter())),
    )
    (first, started), (last, ended) = marks[0], marks[-1]
    return (last - first) / (ended - started)


def theirs(model: Any, prepared: np.ndarray, batch_size: int) -> float:
    """Images a second of the compiled float32 call."""
    started = time.perf_counter()
    for start in range(0, len(prepared), batch_size):
        model.predict_on_batch(prepared[start : start + batch_size])
    return len(prepared) / (time.perf_counter() - started)


def measure(images: int, rounds: int, batch_size: int, precision: str) -> dict[str, Any]:
    from core.backbones.backbone import build_backbone
    from core.backbones.backend import load_keras
    from core.backbones.features import FeatureRequest
    from core.backbones.vgg16 import VGG16
    from core.backbones.weights import access as weights
    from core.training.policy import choose_policy, library_versions

    keras = load_keras()
    policy = choose_policy(precision)
    xla = policy.compile_with_xla
    request = FeatureRequest(
        *(VGG16, False, IMAGE_SIZE, VGG16.preparation.mean_rgb),
        *(policy.precision, xla, batch_size),
    )
    rival = build_backbone(
        VGG16, IMAGE_SIZE, weights.load_weights(VGG16.weights), precision="float32"
    )
    rival.compile(jit_compile=False)
    rates: dict[str, list[float]] = {"ours": [], "float32_call": []}
    for round_number in range(rounds + 1):  # the first warms up and is not counted
        pictures = InMemoryImages.random(images, IMAGE_SIZE, seed=round_number)
        prepared = keras.applications.vgg16.preprocess_input(pictures.pixels.astype(np.float32))
        pair = {
            "float32_call": theirs(rival, prepared, batch_size),
            "ours": ours(pictures, request),
        }
        print(f"round {round_number}: {pair}", flush=True)
        if round_number:
            for name, rate in pair.items():
                rates[name].append(round(rate, 3))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "benchmark": "feature extraction, VGG16 block5_pool at 224 x 224, images a second",
        "date": datetime.now(UTC).date().isoformat(),
        "device": policy.device,
        "backend": policy.backend,
        "precision": policy.precision,
        "versions": library_versions(),
        "images": images,
        "batch_size": batch_size,
        "images_per_second": rates,
        "medians": medians,
        "ratio": round(medians["ours"] / medians["float32_call"], 3),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with scratch_home():
        result = measure(options.images, options.rounds, options.batch_size, options.precision)
    tell(result, options.output)


if __name__ == "__main__":
    main()

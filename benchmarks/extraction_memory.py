"""Peak memory of extracting many images against few: it must stay flat.

    python -m benchmarks.extraction_memory [--few 1000] [--many 10000] [--image-size 32]

Each extraction is a process of its own and reports the largest resident memory that it ever had,
TensorFlow and weights included. Nothing in it grows with the number of images but the file: the
batch is what memory depends on, so the size of the pictures does not change the difference (at
224 the batch costs more, the same for 1,000 and 10,000). Allowed: 300 MB.
"""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import GeneratedImages, scratch_home, tell


def extract_here(images: int, image_size: int, batch_size: int) -> dict[str, Any]:
    """Extract in this process and tell its peak memory and time."""
    from core.backbones.backend import load_keras
    from core.backbones.features import FeatureRequest, extract_features
    from core.backbones.vgg16 import VGG16
    from core.training.policy import choose_policy, library_versions, peak_memory_bytes

    load_keras()
    policy = choose_policy("auto")
    xla = policy.compile_with_xla
    request = FeatureRequest(
        *(VGG16, False, image_size, VGG16.preparation.mean_rgb),
        *(policy.precision, xla, batch_size),
    )
    pictures = GeneratedImages((images, image_size, image_size, 3))
    found = extract_features(pictures, request, np.arange(images))
    return {
        "images": images,
        "peak_bytes": peak_memory_bytes(),
        "seconds": round(found.seconds, 2),
        "device": policy.device,
        "precision": policy.precision,
        "versions": library_versions(),
    }


def extract_in_child(images: int, image_size: int, batch_size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.extraction_memory", "--child", str(images)]
    command += ["--image-size", str(image_size), "--batch-size", str(batch_size)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.child:
        result = extract_here(options.child, options.image_size, options.batch_size)
        print(json.dumps(result))
        return
    with scratch_home():
        few, many = (
            extract_in_child(images, options.image_size, options.batch_size)
            for images in (options.few, options.many)
        )
    result = {
        "benchmark": "peak memory of feature extraction, many images against few",
        "date": datetime.now(UTC).date().isoformat(),
        **{key: few[key] for key in ("device", "precision", "versions")},
        "image_size": options.image_size,
        "batch_size": options.batch_size,
        "runs": [
            {key: run[key] for key in ("images", "peak_bytes", "seconds")} for run in (few, many)
        ],
        "difference_megabytes": round((many["peak_bytes"] - few["peak_bytes"]) / 1e6, 1),
        "allowed_megabytes": 300,
    }
    tell(result, options.output)


if __name__ == "__main__":
    main()

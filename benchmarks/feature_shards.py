"""Training a head on features in shards: memory against few images, time against one file.

    python -m benchmarks.feature_shards [--few 10000] [--many 200000] [--width 1280] [--repeat 3]

The head is one dense layer, fitted by ``Fitting`` as any run is. Each training is a process of its
own and tells the largest resident memory that it ever had, TensorFlow included. Three ways to read
the same 200,000 rows alternate, and the fastest epoch of each counts: shards in windows (as runs
do), one file in the same order (an older cache), that file mapped with a full shuffle. Allowed:
50 MB more than for 10,000 images; an epoch 1.1 times as long as with the mapped file.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import scratch_home, tell

CLASSES = 10
BATCH = 128
WAYS = ("shards", "one file", "mapped")
ROWS_AT_ONCE = 4096


def identity_of(images: int, way: str) -> dict[str, Any]:
    return {"images": f"{images} made up", "kept": "shards" if way == "shards" else "one file"}


def rows_of(images: np.ndarray, labels: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Noise with one number that tells the class."""
    for start in range(0, len(images), ROWS_AT_ONCE):
        here = images[start : start + ROWS_AT_ONCE]
        rows = np.random.default_rng(int(here[0])).random((len(here), width), np.float32)
        rows[np.arange(len(here)), labels[here]] += 2
        yield rows.astype(np.float16)


def labels_of(images: int) -> np.ndarray:
    """Class by class, as images lie in a dataset."""
    return (np.arange(images) * CLASSES // images).astype(np.int32)


def keep(images: int, width: int, ways: Sequence[str] = ("shards", "one file")) -> None:
    """The same features in shards, and in one file."""
    from core.backbones.feature_cache import shards_of, write_piece
    from core.conditions import Meter

    labels, everything = labels_of(images), np.arange(images)
    for way in ways:
        for part in shards_of(everything, images) if way == "shards" else [everything]:
            rows = rows_of(part, labels, width)
            write_piece(identity_of(images, way), part, (images, width), rows, Meter())


def train_here(images: int, width: int, way: str) -> dict[str, Any]:
    """Two epochs in this process, on 80 % of the images; the second has no tracing in it."""
    from core.backbones.backend import load_keras
    from core.backbones.feature_cache import find_stored, key_of
    from core.devices import processor_name
    from core.strategies.network import Stage
    from core.strategies.strategy import FitOptions
    from core.training.events import EpochRecord
    from core.training.fitting import Fitting, TrainingData
    from core.training.policy import library_versions, peak_memory_bytes

    keras = load_keras()
    keras.utils.set_random_seed(0)
    found: Any = find_stored(key_of(identity_of(images, way)), np.arange(images))
    pieces = len(found.pieces)
    if way == "mapped":
        found = Mapped(found.pieces[0].path)
    head = keras.Sequential(
        [keras.Input((width,)), keras.layers.Dense(CLASSES, activation="softmax")]
    )
    order = np.random.default_rng(0).permutation(images)
    train, validation = np.sort(order[: images * 8 // 10]), np.sort(order[images * 8 // 10 :])
    stage = Stage("main", head, FitOptions(2, BATCH, 0.001), on_features=True)
    fitting = Fitting(way, 0, False, lambda: False)
    data = TrainingData(found, labels_of(images), train, validation)
    records = [each for each in fitting.fit(stage, data) if isinstance(each, EpochRecord)]
    return {
        "images": images,
        "way": way,
        "files": pieces,
        "peak_bytes": peak_memory_bytes(),
        "epoch_seconds": round(records[-1].train_seconds, 3),
        "validation_seconds": round(records[-1].validation_seconds, 3),
        "validation_accuracy": round(records[-1].validation_accuracy, 4),
        "device": processor_name(),
        "versions": library_versions(),
    }


class Mapped:
    """The rows of one file, mapped; the interface of ``FeatureSet`` that training uses."""

    def __init__(self, path: Path) -> None:
        self._rows = np.load(path, mmap_mode="r")

    def take(self, indices: np.ndarray) -> np.ndarray:
        return self._rows[indices].astype(np.float32)

    def shuffled(self, indices: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return random.permutation(indices)

    def gathered(self, indices: np.ndarray) -> np.ndarray:
        return np.arange(len(indices))


def train_in_child(images: int, width: int, way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.feature_shards", "--child", way]
    command += ["--many", str(images), "--width", str(width)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(train_here(options.many, options.width, options.child)))
        return
    load_before = os.getloadavg()[0]
    with scratch_home():
        for images in (options.few, options.many):
            keep(images, options.width)
        few = train_in_child(options.few, options.width, "shards")
        many = [
            train_in_child(options.many, options.width, way)
            for _ in range(options.repeat)
            for way in WAYS
        ]
    of_way = {way: [run for run in many if run["way"] == way] for way in WAYS}
    epoch = {way: min(run["epoch_seconds"] for run in runs) for way, runs in of_way.items()}
    peak = max(run["peak_bytes"] for run in of_way["shards"])
    shown = ("images", "way", "files", "peak_bytes", "epoch_seconds", "validation_seconds",
             "validation_accuracy")  # fmt: skip
    result = {
        "benchmark": "training a head on features in shards",
        "date": datetime.now(UTC).date().isoformat(),
        **{key: few[key] for key in ("device", "versions")},
        "load_before_and_after": [round(load_before, 1), round(os.getloadavg()[0], 1)],
        "width": options.width,
        "batch_size": BATCH,
        "runs": [{key: run[key] for key in shown} for run in (few, *many)],
        "difference_megabytes": round((peak - few["peak_bytes"]) / 1e6, 1),
        "allowed_megabytes": 50,
        "fastest_epoch_seconds": epoch,
        "shards_against_mapped": round(epoch["shards"] / epoch["mapped"], 3),
        "allowed_ratio": 1.1,
    }
    tell(result, options.output)


if __name__ == "__main__":
    main()

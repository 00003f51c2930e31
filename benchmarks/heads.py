"""A linear head on flattened VGG16 features in files: ours, scikit-learn, PyTorch, in turn.

    python -m benchmarks.heads [--large] [--rounds 3] [--tiny]

1,347 images (as many as themes16 has) and, with ``--large``, 60,000 images x 25,088 features:
files of 3 GB, made here in a temporary folder (``TMPDIR``) and removed. Each contestant is a
process of its own that reads the files as it trains; an epoch goes through all images once. To be
reached: 5 times as long as reading the files once from the page cache, no slower than the others,
under 4 GB. Writes ``results/bench_heads.json`` and the table in ``README.md``.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench import RESULTS, facts, in_turn, write_table
from benchmarks.feature_shards import CLASSES, identity_of, keep, labels_of
from benchmarks.scratch import linked_home, tell

FEW, MANY, SIDE = 1347, 60_000, 224
TINY_FEW, TINY_SIDE = 300, 64
BATCH_SIZE = 128
MOST_TIMES_READING, MOST_MEGABYTES = 5.0, 4000


def compare(images: int, side: int, rounds: int) -> dict[str, Any]:
    from core.backbones.feature_cache import find_stored, key_of
    from core.backbones.registry import find_backbone

    width = find_backbone("vgg16").feature_width(side, False, False)
    labels = labels_of(images)
    with linked_home(), tempfile.TemporaryDirectory(prefix="headstart-bench-") as name:
        folder = Path(name)
        keep(images, width, ("shards",))
        found = find_stored(key_of(identity_of(images, "shards")), np.arange(images))
        if found is None:
            raise SystemExit("The features that were written cannot be read.")
        files = []
        for number, piece in enumerate(found.pieces):
            np.save(folder / f"labels{number}.npy", labels[piece.images])
            files.append((os.fspath(piece.path), os.fspath(folder / f"labels{number}.npy")))
        shared = {
            "images": images,
            "side": side,
            "classes": CLASSES,
            "batch_size": BATCH_SIZE,
            "feature_files": files,
        }
        entries = {
            "ours": shared | {"kind": "our_head"},
            "scikit_learn": shared | {"kind": "sklearn_head"},
            "torch": shared | {"kind": "torch_head"},
            "page_cache": shared | {"kind": "page_cache"},
        }
        result = in_turn(entries, rounds, folder)
    seconds = {name: images / rate for name, rate in result["medians"].items()}
    return result | {
        "images": images,
        "width": width,
        "epoch_seconds": {name: float(f"{value:.3g}") for name, value in seconds.items()},
        "ours_times_reading": round(seconds["ours"] / seconds["page_cache"], 2),
        "at_most_times": MOST_TIMES_READING,
        "at_most_megabytes": MOST_MEGABYTES,
    }


def lines_of(results: list[dict[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for one in results for name in one["epoch_seconds"]))
    lines = ["| features | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for one in results:
        cells = []
        for name in names:
            if name in one["epoch_seconds"]:
                cells.append(f"{one['epoch_seconds'][name]:g} s, {one['peak_megabytes'][name]} MB")
            else:
                cells.append("-")
        lines.append(f"| {one['images']:,} × {one['width']:,} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--large", action="store_true", help="60,000 images too: 3 GB on disk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="few and narrow: does it run?")
    parser.add_argument("--output", type=Path, help="a file for the result, in place of its own")
    options = parser.parse_args()
    sizes = [(TINY_FEW, TINY_SIDE)] if options.tiny else [(FEW, SIDE)]
    if options.large:
        sizes.append((MANY, SIDE))
    found = [compare(images, side, options.rounds) for images, side in sizes]
    result = {
        "benchmark": "an epoch of a linear head on flattened VGG16 features in files",
        **facts(),
        "batch_size": BATCH_SIZE,
        "results": found,
    }
    if options.tiny or options.output:
        tell(result, options.output)
        return
    tell(result, RESULTS / "bench_heads.json")
    write_table("heads", lines_of(found))


if __name__ == "__main__":
    main()

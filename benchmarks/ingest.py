"""How fast a person's images become a dataset, and in how much memory.

    python -m benchmarks.ingest [--images 10000] [--rounds 1] [--digits 70000] [--tiny 0]

1. JPEGs of 500 x 375 in ten classes, made here (colour fields, shapes, grain; quality 85; no two
   alike), in one zip. Images a second and peak resident memory, each in a process of its own, in
   turn: `add_dataset` (decode, examine, look for duplicates, store), and then `prepare_images` (for
   a first run at 224 pixels); Pillow in a loop, one thread, open and decode, nothing else; Keras'
   `image_dataset_from_directory` (decode and resize to 224) on the unpacked files, which keeps
   nothing. To be reached: 300 images a second on two cores, under 1 GB. With the usual number of
   images, also a table in `README.md`.
2. Images of 28 x 28 as IDX files (gzip), as MNIST ships them. To be reached: 70,000 in under 60
   seconds, on disk at most twice their raw pixels.
3. With `--tiny N`, N PNGs of 8 x 8 in one zip: what is kept for each image. Without it, left out.
"""

import argparse
import gzip
import io
import json
import os
import statistics
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.scratch import in_child, peak_bytes, tell

MODULE = "benchmarks.ingest"

WIDTH, HEIGHT, QUALITY, CLASSES = 500, 375, 85, 10
USUAL_IMAGES, PREPARED_SIDE = 10_000, 224
DIGIT_SIDE, TINY_SIDE = 28, 8
LEAST_IMAGES_A_SECOND, MOST_MEGABYTES = 300, 1000
MOST_DIGIT_SECONDS, MOST_TIMES_RAW = 60, 2
TEST_SHARE = 1 / 7  # MNIST: 60,000 and 10,000


def natural_jpeg(number: int, divided_by: int = 1) -> bytes:
    """A picture that costs a decoder what a photograph costs: 30 to 60 kB. ``divided_by``: how many
    times smaller it is than 500 x 375."""
    random = np.random.default_rng(number)
    width, height = WIDTH // divided_by, HEIGHT // divided_by
    field = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        left, top = (int(value) // divided_by for value in random.integers(-50, (WIDTH, HEIGHT)))
        right, bottom = (
            start + int(size) // divided_by
            for start, size in zip((left, top), random.integers(20, 160, 2), strict=True)
        )
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((left, top, right, bottom), fill=tuple(int(v) for v in random.integers(0, 256, 3)))
    grain = random.normal(0, random.uniform(3, 8), (height, width, 1))
    pixels = np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def tiny_png(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (TINY_SIDE,) * 2, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_zip(path: Path, count: int, make: Callable[[int], bytes], suffix: str) -> None:
    with ProcessPoolExecutor() as pool, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(pool.map(make, range(count), chunksize=50)):
            archive.writestr(f"class {number % CLASSES}/{number:06d}.{suffix}", data)


def write_idx(folder: Path, count: int) -> int:
    """The four files of MNIST with pictures made here; the bytes of all their pixels."""
    random = np.random.default_rng(0)
    tests = round(count * TEST_SHARE)
    folder.mkdir()
    for prefix, images in (("train", count - tests), ("t10k", tests)):
        shapes = random.integers(0, 256, (images, 7, 7), dtype=np.uint8)
        pixels = np.kron(shapes, np.ones((4, 4), np.uint8)) * (random.random(28) > 0.4)
        labels = random.integers(0, CLASSES, images, dtype=np.uint8)
        with gzip.open(folder / f"{prefix}-images-idx3-ubyte.gz", "wb", compresslevel=6) as file:
            file.write(struct.pack(">IIII", 0x803, images, DIGIT_SIDE, DIGIT_SIDE))
            file.write(pixels.astype(np.uint8).tobytes())
        with gzip.open(folder / f"{prefix}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">II", 0x801, images))
            file.write(labels.tobytes())
    return count * DIGIT_SIDE**2


def add_here(path: Path) -> dict[str, Any]:
    """Add a dataset in this process; imports are not counted as time, but as memory."""
    from core.datasets.add import add_dataset

    started, processor_started = time.perf_counter(), time.process_time()
    dataset = add_dataset(path)
    seconds = time.perf_counter() - started
    return {
        "images": dataset.image_count,
        "seconds": seconds,
        # Of all threads: what is left of a measurement on a machine that does other things.
        "processor_seconds": time.process_time() - processor_started,
        "peak_bytes": peak_bytes(),
        "disk_bytes": sum(file.stat().st_size for file in dataset.folder.rglob("*")),
        "quarantined": len(dataset.health.quarantined),
    }


def pillow_here(path: Path) -> dict[str, Any]:
    """Open and decode every picture of a zip in one thread; reading the zip is not timed."""
    seconds = 0.0
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names:
            data = archive.read(name)
            started = time.perf_counter()
            Image.open(io.BytesIO(data)).load()
            seconds += time.perf_counter() - started
    return {"images": len(names), "seconds": seconds, "peak_bytes": peak_bytes()}


def prepare_here(path: Path) -> dict[str, Any]:
    """What the first run on a stored dataset does: decode once more, resize, keep the pixels."""
    from core.datasets.add import add_dataset
    from core.datasets.prepare import prepare_images
    from core.training.policy import reset_peak_memory

    dataset = add_dataset(path)
    reset_peak_memory()
    started = time.perf_counter()
    prepare_images(dataset, PREPARED_SIDE)
    seconds = time.perf_counter() - started
    return {"images": dataset.image_count, "seconds": seconds, "peak_bytes": peak_bytes()}


def keras_here(path: Path) -> dict[str, Any]:
    """``image_dataset_from_directory``, once through the files of a zip, unpacked before."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=path.parent) as folder:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        started, images = time.perf_counter(), 0
        side = (PREPARED_SIDE, PREPARED_SIDE)
        for batch, _ in keras.utils.image_dataset_from_directory(
            folder, image_size=side, shuffle=False, verbose=False
        ):
            images += len(batch)
        seconds = time.perf_counter() - started
    return {"images": images, "seconds": seconds, "peak_bytes": peak_bytes()}


IN_CHILD: dict[str, Callable[[Path], dict[str, Any]]] = {
    "add_dataset": add_here,
    "prepare_images": prepare_here,
    "pillow_loop": pillow_here,
    "image_dataset_from_directory": keras_here,
}


def measure_jpegs(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    path = folder / "pictures.zip"
    write_zip(path, count, natural_jpeg, "jpg")
    mean_bytes = path.stat().st_size / count
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in IN_CHILD}
    for _ in range(rounds):
        for name, of_name in found.items():
            of_name.append(in_child(MODULE, name, str(path), path.parent))
    if wrong := [name for name, of_name in found.items() if of_name[0]["images"] != count]:
        raise SystemExit(f"not all images were read by: {', '.join(wrong)}")
    ours = found["add_dataset"]
    processor = statistics.median(one["processor_seconds"] for one in ours)
    return {
        "images": count,
        "mean_kilobytes": round(mean_bytes / 1000, 1),
        "images_per_second": {
            name: [round(count / one["seconds"], 1) for one in of_name]
            for name, of_name in found.items()
        },
        "medians": {
            name: round(count / statistics.median(one["seconds"] for one in of_name), 1)
            for name, of_name in found.items()
        },
        "peak_megabytes": {
            name: round(max(one["peak_bytes"] for one in of_name) / 1e6)
            for name, of_name in found.items()
        },
        "processor_milliseconds_for_each": round(processor / count * 1000, 2),
        "at_least": LEAST_IMAGES_A_SECOND,
        "at_most_megabytes": MOST_MEGABYTES,
    }


def measure_idx(folder: Path, count: int) -> dict[str, Any]:
    path = folder / "digits"
    raw_bytes = write_idx(path, count)
    found = in_child(MODULE, "add_dataset", str(path), path.parent)
    return {
        "images": found["images"],
        "seconds": round(found["seconds"], 2),
        "at_most_seconds": MOST_DIGIT_SECONDS,
        "peak_megabytes": round(found["peak_bytes"] / 1e6, 1),
        "disk_times_raw_pixels": round(found["disk_bytes"] / raw_bytes, 3),
        "at_most_times": MOST_TIMES_RAW,
    }


def measure_tiny(folder: Path, count: int) -> dict[str, Any]:
    few, many = folder / "few.zip", folder / "many.zip"
    write_zip(few, count // 10, tiny_png, "png")
    write_zip(many, count, tiny_png, "png")
    first, second = (
        in_child(MODULE, "add_dataset", str(few), few.parent),
        in_child(MODULE, "add_dataset", str(many), many.parent),
    )
    more = second["images"] - first["images"]
    return {
        "images": second["images"],
        "seconds": round(second["seconds"], 2),
        "peak_megabytes": round(second["peak_bytes"] / 1e6, 1),
        "bytes_for_each_image": round((second["peak_bytes"] - first["peak_bytes"]) / more),
    }


def measurements(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    if options.images:
        yield (
            "jpegs_of_500_x_375",
            partial(measure_jpegs, count=options.images, rounds=options.rounds),
        )
    if options.digits:
        yield "idx_of_28_x_28", partial(measure_idx, count=options.digits)
    if options.tiny:
        yield "png_of_8_x_8", partial(measure_tiny, count=options.tiny)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=USUAL_IMAGES, help="JPEGs; 0 leaves them out")
    parser.add_argument("--rounds", type=int, default=1, help="of the JPEGs")
    parser.add_argument("--digits", type=int, default=70_000, help="IDX images; 0 leaves them out")
    parser.add_argument("--tiny", type=int, default=0, help="tiny PNGs; 0 leaves them out")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.child:
        what, path = options.child
        print(json.dumps(IN_CHILD[what](Path(path))))
        return
    from benchmarks.bench import facts, table, write_table

    result: dict[str, Any] = {"benchmark": "images taken in", **facts()}
    for name, measure in measurements(options):
        with tempfile.TemporaryDirectory(prefix="headstart-benchmark-") as folder:
            result[name] = measure(Path(folder))
    tell(result, options.output)
    if options.images == USUAL_IMAGES:
        name = "jpegs_of_500_x_375"
        write_table("ingest", list(table([result[name]], "images a second", lambda _: name)))


if __name__ == "__main__":
    main()

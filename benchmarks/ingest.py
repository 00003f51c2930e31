"""How fast a person's images become a dataset, and in how much memory.

    python -m benchmarks.ingest [--images 10000] [--digits 70000] [--tiny 0] [--output FILE]

1. JPEGs of 500 x 375 in ten classes, made here (colour fields, shapes, grain; quality 85; no two
   alike), in one zip. `add_dataset` in a process of its own: images a second and peak resident
   memory. In the same run, in another process: Pillow alone, one thread, open and decode, nothing
   else. To be reached: 300 images a second on two cores, under 1 GB.
2. Images of 28 x 28 as IDX files (gzip), as MNIST ships them. To be reached: 70,000 in under 60
   seconds, on disk at most twice their raw pixels.
3. With `--tiny N`, N PNGs of 8 x 8 in one zip: what is kept for each image. Without it, left out.
"""

import argparse
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT, QUALITY, CLASSES = 500, 375, 85, 10
DIGIT_SIDE, TINY_SIDE = 28, 8
LEAST_IMAGES_A_SECOND, MOST_MEGABYTES = 300, 1000
MOST_DIGIT_SECONDS, MOST_TIMES_RAW = 60, 2
TEST_SHARE = 1 / 7  # MNIST: 60,000 and 10,000


def natural_jpeg(number: int) -> bytes:
    """A picture that costs a decoder what a photograph costs: 30 to 60 kB."""
    random = np.random.default_rng(number)
    field = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = Image.fromarray(field).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        left, top = (int(value) for value in random.integers(-50, (WIDTH, HEIGHT)))
        right, bottom = (
            start + int(size)
            for start, size in zip((left, top), random.integers(20, 160, 2), strict=True)
        )
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((left, top, right, bottom), fill=tuple(int(v) for v in random.integers(0, 256, 3)))
    grain = random.normal(0, random.uniform(3, 8), (HEIGHT, WIDTH, 1))
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


def peak_bytes() -> int:
    """The largest resident memory of this process. Not ``ru_maxrss``: Linux hands that of the
    parent on to a child."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this benchmark needs Linux: /proc/self/status has no VmHWM")


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


IN_CHILD = {"add": add_here, "pillow": pillow_here}


def in_child(what: str, path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="home-", dir=path.parent) as home:
        command = [sys.executable, "-m", "benchmarks.ingest", "--child", what, str(path)]
        environment = os.environ | {"HEADSTART_HOME": home}
        finished = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env=environment
        )
    return json.loads(finished.stdout.splitlines()[-1])


def measure_jpegs(folder: Path, count: int) -> dict[str, Any]:
    path = folder / "pictures.zip"
    write_zip(path, count, natural_jpeg, "jpg")
    mean_bytes = path.stat().st_size / count
    ours, pillow = in_child("add", path), in_child("pillow", path)
    return {
        "images": ours["images"],
        "mean_kilobytes": round(mean_bytes / 1000, 1),
        "seconds": round(ours["seconds"], 2),
        "images_a_second": round(count / ours["seconds"], 1),
        "processor_milliseconds_for_each": round(ours["processor_seconds"] / count * 1000, 2),
        "at_least": LEAST_IMAGES_A_SECOND,
        "peak_megabytes": round(ours["peak_bytes"] / 1e6, 1),
        "at_most_megabytes": MOST_MEGABYTES,
        "pillow_alone_one_thread_images_a_second": round(count / pillow["seconds"], 1),
    }


def measure_idx(folder: Path, count: int) -> dict[str, Any]:
    path = folder / "digits"
    raw_bytes = write_idx(path, count)
    found = in_child("add", path)
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
    first, second = in_child("add", few), in_child("add", many)
    more = second["images"] - first["images"]
    return {
        "images": second["images"],
        "seconds": round(second["seconds"], 2),
        "peak_megabytes": round(second["peak_bytes"] / 1e6, 1),
        "bytes_for_each_image": round((second["peak_bytes"] - first["peak_bytes"]) / more),
    }


def measurements(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    if options.images:
        yield "jpegs_of_500_x_375", partial(measure_jpegs, count=options.images)
    if options.digits:
        yield "idx_of_28_x_28", partial(measure_idx, count=options.digits)
    if options.tiny:
        yield "png_of_8_x_8", partial(measure_tiny, count=options.tiny)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=10_000, help="JPEGs; 0 leaves them out")
    parser.add_argument("--digits", type=int, default=70_000, help="IDX images; 0 leaves them out")
    parser.add_argument("--tiny", type=int, default=0, help="tiny PNGs; 0 leaves them out")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.child:
        what, path = options.child
        print(json.dumps(IN_CHILD[what](Path(path))))
        return
    from core.training.policy import library_versions

    result: dict[str, Any] = {
        "benchmark": "images taken in",
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "versions": library_versions(),
    }
    for name, measure in measurements(options):
        with tempfile.TemporaryDirectory(prefix="headstart-benchmark-") as folder:
            result[name] = measure(Path(folder))
        print(json.dumps({name: result[name]}, indent=1), flush=True)
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

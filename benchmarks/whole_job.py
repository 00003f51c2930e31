"""The whole job: a tutorial's script as it stands against ``run``, from the start of each program
to its end.

    python -m benchmarks.whole_job [--rounds 1] [--tiny]

The tutorial's cases 2a and 2b on themes16: a dense head on the features of frozen VGG16, and VGG16
with its first layers frozen. The script holds all images in memory, calls ``predict`` and ``fit``
and works in float32. ``run`` trains both with nothing in its cache (cold), again with another seed
(warm), and the frozen strategies alone. Its dataset was added before, as the benchmark ``ingest``
measures that; how long it took stands beside it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.scratch import reason_in, scratch_home, tell

RESULTS = Path(__file__).parent / "results"
SIDE, TINY_SIDE = 96, 32
CASES = ("vgg16_features", "vgg16_freeze")
FROZEN = ("vgg16_probe", "vgg16_features")
RUNS = {"run_cold": (CASES, 0), "run_warm": (CASES, 1), "run_warm_frozen": (FROZEN, 2)}


# The tutorial's script, in a process of its own -------------------------------------------------


def script(options: dict[str, Any]) -> dict[str, Any]:
    """Accuracy on the test images and seconds of each case, as a tutorial writes them."""
    from benchmarks.contestants import extractor
    from benchmarks.training_contestants import float32_stage
    from core.backbones.backend import load_keras
    from core.training.policy import choose_policy

    load_keras()
    choose_policy("float32")  # before anything is on a GPU: TensorFlow must not take all its memory
    side, found = options["side"], {}
    pixels, labels, classes = read_images(Path(options["images"]), side)
    order = np.random.default_rng(0).permutation(len(labels))
    train, validation, test = np.split(order, np.cumsum(options["images_of"])[:2])

    def fit(model: Any, inputs: np.ndarray, settings: dict[str, Any]) -> float:
        model.fit(
            inputs[train],
            labels[train],
            validation_data=(inputs[validation], labels[validation]),
            epochs=settings["epochs"],
            batch_size=settings["batch_size"],
            verbose=0,
        )
        return float(model.evaluate(inputs[test], labels[test], verbose=0)[1])

    for name in CASES:
        started, settings = time.perf_counter(), options["settings"][name]
        inputs = pixels
        if name == "vgg16_features":
            network = extractor({"backbone": "vgg16", "side": side, "batch_size": 32}, "float32")
            inputs = network.predict(pixels, verbose=0)
        model = float32_stage(name, settings, side, classes, len(train)).model
        accuracy = fit(model, inputs, settings)
        found[name] = {"accuracy": accuracy, "seconds": time.perf_counter() - started}
    return found


def read_images(folder: Path, side: int) -> tuple[np.ndarray, np.ndarray, int]:
    paths = sorted(folder.glob("*/*.png"))
    names = sorted({path.parent.name for path in paths})
    opened = (Image.open(path).convert("RGB").resize((side, side)) for path in paths)
    pixels = np.stack([np.asarray(image) for image in opened])
    return pixels, np.array([names.index(path.parent.name) for path in paths]), len(names)


# Both, from outside -----------------------------------------------------------------------------


def seconds_of(command: list[str]) -> tuple[float, str]:
    """From the start of a Python program to its end, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"Error: {' '.join(command[:3])}: {reason_in(done.stderr)}")
    print(f"{' '.join(command[:3])}: {seconds:.1f} s", flush=True)
    return seconds, done.stdout


def whole_job(tiny: bool) -> dict[str, Any]:
    from core.datasets.bundled import ensure_bundled_datasets
    from core.datasets.storage import open_dataset
    from core.settings import BUNDLED_DATA
    from core.strategies.registry import find_strategy
    from core.training.spec import SplitProportions

    side, changed = (TINY_SIDE, {"epochs": 1}) if tiny else (SIDE, {})
    started = time.perf_counter()
    ensure_bundled_datasets()
    adding = time.perf_counter() - started
    split = SplitProportions().of(open_dataset("themes16"))
    settings = {name: dict(find_strategy(name).resolve("quick", changed)) for name in CASES}
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as folder:
        with zipfile.ZipFile(BUNDLED_DATA / "themes16.zip") as packed:
            packed.extractall(folder)
        options = {
            "images": os.fspath(Path(folder) / "themes16"),
            "side": side,
            "settings": settings,
            "images_of": [len(split.train), len(split.validation)],
        }
        command = ["-m", "benchmarks.whole_job", "--script", json.dumps(options)]
        seconds, printed = seconds_of(command)
    of_cases = json.loads(printed.splitlines()[-1])
    # What the script would take without its second case: all but the training of that.
    found = {"script": seconds, "script_frozen": seconds - of_cases["vgg16_freeze"]["seconds"]}
    for label, (strategies, seed) in RUNS.items():
        command = ["-m", "core", "run", "themes16", "--strategies", ",".join(strategies)]
        command += ["--preset", "quick", "--seeds", str(seed), "--image-size", str(side)]
        for name in strategies if tiny else ():
            command += ["--set", f"{name}.epochs=1"]
        found[label], _ = seconds_of(command)
    return {
        "seconds": {name: round(value, 1) for name, value in found.items()},
        "adding_both_bundled_datasets_seconds": round(adding, 1),
        "script_accuracy": {name: round(one["accuracy"], 3) for name, one in of_cases.items()},
    }


def compare(rounds: int, tiny: bool) -> dict[str, Any]:
    """Medians of some rounds, each in a home of its own, and how many times as fast ``run`` is."""
    found = []
    for _ in range(rounds):
        with scratch_home("vgg16"):
            found.append(whole_job(tiny))

    def median(name: str) -> float:
        return statistics.median(one["seconds"][name] for one in found)

    pairs = (("script", "run_cold"), ("script", "run_warm"), ("script_frozen", "run_warm_frozen"))
    return {
        "image_size": TINY_SIDE if tiny else SIDE,
        "medians": {name: median(name) for name in found[0]["seconds"]},
        "times_as_fast": {ours: round(median(theirs) / median(ours), 2) for theirs, ours in pairs},
        "rounds": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--tiny", action="store_true", help="32 pixels, one epoch: does it run?")
    parser.add_argument("--output", type=Path, help="a file for the result alone")
    parser.add_argument("--script", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.script:
        print(json.dumps(script(options.script)))
        return
    found = compare(options.rounds, options.tiny)
    if options.tiny or options.output:
        tell(found, options.output)
        return
    from benchmarks.bench import facts, write_table

    what = f"the tutorial's cases 2a and 2b on themes16 at {SIDE} px, seconds"
    tell({"benchmark": what, **facts(), **found}, RESULTS / "bench_whole.json")
    lines = [f"| `{name}` | {value:.0f} s |" for name, value in found["medians"].items()]
    times = [
        f"| `{name}`, times as fast | {value} |" for name, value in found["times_as_fast"].items()
    ]
    write_table("whole", ["| the whole job | |", "|---|---|", *lines, *times])


if __name__ == "__main__":
    main()

"""Ours side by side with what people would use in its place, in one run, in turn.

    make bench              # both, and heads, ingest, whole_job and growth of this folder
    python -m benchmarks.bench extract --backbones vgg16 --sides 224 [--rounds 3]
    python -m benchmarks.bench steps --strategies cnn,vgg16_freeze

``extract``: from JPEG files to features on disk. ``steps``: epochs of training. Each contestant is
a process of its own (``benchmarks.contestants``) that has loaded and warmed up before the first
round; then each does the whole job once a round, one after another, and medians are compared.
Peers stand in ``.venv-peers`` (``requirements-peers.txt``); one that cannot be used is named with
the reason. Writes ``benchmarks/results/bench_*.json`` and the tables in ``benchmarks/README.md``.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.scratch import reason_in, scratch_home, tell
from core.backbones.registry import find_backbone

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results", FOLDER / "README.md"
PEERS = FOLDER.parent / ".venv-peers" / "bin" / "python"
BACKBONES = ("vgg16", "efficientnet_lite0", "squeezenet")
STRATEGIES = ("mlp", "cnn", "vgg16_freeze", "vgg16_finetune")
SIDES = (96, 224)
BATCH_SIZE = 32
IMAGES = 512  # of one round
# Of those that compute VGG16 in float32: some seconds. They pay nothing once a round.
MOST_IN_FLOAT32 = 96
# Training images of an epoch where all of them would take minutes.
STEP_IMAGES = {"vgg16_freeze": 256, "vgg16_finetune": 256}
STEP_SIDE = 96
IS_PEER = ("torch", "onnxruntime", "openvino")


@dataclass
class Contestant:
    """A process that does its job when it is told to; ``why_not`` where it could not begin."""

    name: str
    process: "subprocess.Popen[str]"
    log: Path
    why_not: str = ""

    @classmethod
    def start(cls, name: str, options: dict[str, Any], log: Path) -> "Contestant":
        is_peer = options["kind"].startswith(IS_PEER)
        python = PEERS if is_peer else sys.executable
        if is_peer and not PEERS.exists():
            raise SystemExit(f"There is no {PEERS}: make bench installs it.")
        with open(log, "w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [python, "-m", "benchmarks.contestants", json.dumps(options)],
                cwd=FOLDER.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        found = cls(name, process, log)
        if found._answer() != "ready":
            found._give_up()
        return found

    def turn(self) -> dict[str, Any] | None:
        """What one more round took; None where the process ended."""
        if self.why_not:
            return None
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        answer = self._answer()
        if not answer:
            self._give_up()
            return None
        return dict(json.loads(answer))

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _give_up(self) -> None:
        self.stop()
        self.why_not = reason_in(self.log.read_text(errors="replace"))


def in_turn(entries: dict[str, dict[str, Any]], rounds: int, folder: Path) -> dict[str, Any]:
    """Images a second of each contestant in each round, and the largest memory that it ever had.

    ``entries``: options by name. All are started first, so that none pays for another's start.
    """
    with contextlib.ExitStack() as stack:
        contestants = []
        for name, options in entries.items():
            contestants.append(Contestant.start(name, options, folder / f"{name}.log"))
            stack.callback(contestants[-1].stop)
        rates: dict[str, list[float]] = {name: [] for name in entries}
        peaks: dict[str, int] = {}
        for number in range(rounds):
            for contestant in contestants:
                if (answer := contestant.turn()) is not None:
                    rate = answer["images"] / answer["seconds"]
                    peaks[contestant.name] = round(answer["peak_bytes"] / 1e6)
                    rates[contestant.name].append(round(rate, 2))
            print(f"round {number}: { {name: rate[-1:] for name, rate in rates.items()} }")
        left_out = {each.name: each.why_not for each in contestants if each.why_not}
    done = {name: values for name, values in rates.items() if name not in left_out}
    medians = {name: statistics.median(values) for name, values in done.items()}
    return {
        "images_per_second": done,
        "medians": medians,
        "times_ours": {name: round(medians["ours"] / one, 3) for name, one in medians.items()},
        "peak_megabytes": {name: peaks[name] for name in done},
        "left_out": left_out,
    }


# Extraction ------------------------------------------------------------------------------------


def extraction_entries(
    backbone: str, side: int, dataset: str, images: Path, onnx: Path
) -> dict[str, dict[str, Any]]:
    preparation = find_backbone(backbone).preparation
    shared = {
        "backbone": backbone,
        "mean_rgb": preparation.mean_rgb,
        "deviation_rgb": preparation.deviation_rgb,
        "blue_first": preparation.blue_first,
        "side": side,
        "dataset": dataset,
        "images": str(images),
        "onnx": str(onnx),
        "batch_size": BATCH_SIZE,
    }
    entries: dict[str, dict[str, Any]] = {
        "ours": {"kind": "ours"},
        "ours_in_memory": {"kind": "ours_in_memory"},
        "keras_predict": {"kind": "tutorial"},
        "keras_call": {"kind": "keras_call"},
        "torch_float32": {"kind": "torch", "precision": "float32", "compiled": False},
        "torch_bfloat16": {"kind": "torch", "precision": "bfloat16", "compiled": False},
        "torch_compiled": {"kind": "torch", "precision": "bfloat16", "compiled": True},
        "onnxruntime": {"kind": "onnxruntime"},
        "openvino_float32": {"kind": "openvino", "precision": "float32"},
        "openvino_bfloat16": {"kind": "openvino", "precision": "bfloat16"},
    }
    if backbone == "vgg16":
        for name, options in entries.items():
            if not name.startswith("ours") and options.get("precision") != "bfloat16":
                options["most_images"] = MOST_IN_FLOAT32
    return {
        name: shared | options | {"output": str(onnx.with_name(f"{name}.npy"))}
        for name, options in entries.items()
    }


def compare_extraction(backbone: str, side: int, rounds: int) -> dict[str, Any]:
    from core.datasets.add import add_dataset

    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as name:
        folder, onnx = Path(name), Path(name) / "network.onnx"
        write_jpegs(folder / "images", IMAGES, side)
        dataset = add_dataset(folder / "images", f"bench {backbone} {side}")
        entries = extraction_entries(backbone, side, dataset.name, folder / "images", onnx)
        exporter = Contestant.start(
            "export", entries["ours"] | {"kind": "export"}, folder / "export.log"
        )
        exported = exporter.turn()
        exporter.stop()
        if exported is None:
            raise SystemExit(f"No ONNX file of {backbone}: {exporter.why_not}")
        found = in_turn(entries, rounds, folder)
        reference = np.load(folder / "keras_call.npy").astype(np.float64)
        found["apart"] = {
            each: apart(
                np.load(folder / f"{each}.npy")[: len(reference)].astype(np.float64), reference
            )
            for each in found["medians"]
            if (folder / f"{each}.npy").exists()
        }
    return found | {"backbone": backbone, "side": side, "images": IMAGES}


def write_jpegs(folder: Path, count: int, side: int) -> None:
    """``count`` JPEGs of ``side`` pixels, in two classes: the images of themes16, then the
    same moved by a pixel."""
    from core.datasets.prepare import prepare_images
    from core.datasets.storage import open_dataset

    prepared = prepare_images(open_dataset("themes16"), side)
    for place in range(count):
        # Files sorted by path keep the order.
        path = folder / ("alpha", "beta")[2 * place // count] / f"{place:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        moved, image = divmod(place, prepared.shape[0])
        pixels = np.roll(prepared.read(image, image + 1)[0], moved, axis=1)
        Image.fromarray(pixels).save(path, quality=90)


def apart(found: np.ndarray, reference: np.ndarray) -> float:
    """The median over the images of the distance to the reference, as a fraction of its length."""
    distance = np.linalg.norm(found - reference, axis=1) / np.linalg.norm(reference, axis=1)
    return float(f"{np.median(distance):.2g}")


# Training --------------------------------------------------------------------------------------


def compare_steps(strategy: str, rounds: int) -> dict[str, Any]:
    from core.datasets.storage import open_dataset
    from core.strategies.registry import find_strategy
    from core.training.spec import SplitProportions

    entry, dataset = find_strategy(strategy), open_dataset("themes16")
    settings = entry.resolve("quick")
    options = entry.fits(settings)[-1].options
    train = len(SplitProportions().of(dataset).train)
    images = min(STEP_IMAGES.get(strategy, train), train)
    shared = {
        "strategy": strategy,
        "side": STEP_SIDE,
        "batch_size": options.batch_size,
        "train_share": images / train,
    }
    network = {
        "layers": torch_layers(entry.layers(settings, STEP_SIDE, len(dataset.classes))),
        "optimizer": options.optimizer,
        "classes": len(dataset.classes),
        "images": images,
    }
    torch = shared | network | {"kind": "torch_steps"}
    entries = {
        "ours": shared | {"kind": "our_steps"},
        "keras_fit": shared | {"kind": "fit_steps"},
        "torch_float32": torch | {"precision": "float32", "compiled": False},
        "torch_bfloat16": torch | {"precision": "bfloat16", "compiled": False},
        "torch_compiled": torch | {"precision": "bfloat16", "compiled": True},
    }
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as name:
        found = in_turn(entries, rounds, Path(name))
    return found | {"strategy": strategy, "side": STEP_SIDE, "batch_size": options.batch_size}


def torch_layers(records: Sequence[Any]) -> list[tuple[str, bool, dict[str, int]]]:
    """What ``torch_steps`` builds: kind, frozen, numbers. Layers that prepare pixels are left out
    (it divides by 255 itself)."""
    found: list[tuple[str, bool, dict[str, int]]] = []
    before = records[0].output
    for record in records:
        numbers: dict[str, int] = {}
        if record.kind == "Conv2D":
            kernel = record.options["kernel_size"]
            numbers = {"channels": before[-1], "filters": record.output[-1], "kernel": kernel}
        elif record.kind == "MaxPooling2D":
            numbers = {"pool": before[0] // record.output[0]}
        elif record.kind == "Dense":
            numbers = {"width": before[0], "units": record.output[0]}
        if numbers or record.kind in ("Flatten", "Dropout"):
            found.append((record.kind, record.frozen, numbers))
        before = record.output
    return found


# What was measured, and on what ----------------------------------------------------------------


def facts() -> dict[str, Any]:
    from core.devices import processor_name
    from core.training.policy import library_versions

    flags = (
        Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    )
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": processor_name(),
        "flags": [flag for flag in known if re.search(rf"\b{flag}\b", flags)],
        "versions": library_versions() | peer_versions(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def peer_versions() -> dict[str, str]:
    if not PEERS.exists():
        return {}
    listed = subprocess.run(
        [PEERS, "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    wanted = {"torch", "onnxruntime", "openvino", "onnx2torch"}
    return {
        one["name"]: one["version"] for one in json.loads(listed.stdout) if one["name"] in wanted
    }


def write_table(name: str, lines: list[str]) -> None:
    """Put the table between its marks in the README."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    README.write_text(before + "\n".join([begin, *lines, end]) + after, encoding="utf-8")


def table(results: list[dict[str, Any]], title: str, label: Any) -> Iterator[str]:
    names = list(dict.fromkeys(name for one in results for name in one["medians"]))
    yield f"| {title} | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for one in results:
        cells = (f"{one['medians'][name]:.1f}" if name in one["medians"] else "-" for name in names)
        yield f"| {label(one)} | " + " | ".join(cells) + " |"


def extract(options: argparse.Namespace) -> None:
    with scratch_home(*BACKBONES):
        from core.datasets.bundled import ensure_bundled_datasets

        ensure_bundled_datasets()
        found = [
            compare_extraction(backbone, side, options.rounds)
            for backbone in options.backbones.split(",")
            for side in map(int, options.sides.split(","))
        ]
    result = {
        "benchmark": "from JPEG files to features on disk, images a second",
        **facts(),
        "batch_size": BATCH_SIZE,
        "results": found,
    }
    tell(result, RESULTS / "bench_extract.json")
    write_table(
        "extract", list(table(found, "network", lambda o: f"{o['backbone']}, {o['side']} px"))
    )


def steps(options: argparse.Namespace) -> None:
    with scratch_home(*BACKBONES):
        from core.datasets.bundled import ensure_bundled_datasets

        ensure_bundled_datasets()
        found = [compare_steps(name, options.rounds) for name in options.strategies.split(",")]
    result = {
        "benchmark": f"training at {STEP_SIDE} px, images a second",
        **facts(),
        "results": found,
    }
    tell(result, RESULTS / "bench_steps.json")
    write_table("steps", list(table(found, "strategy", lambda o: o["strategy"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("extract", "steps"))
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--sides", default=",".join(map(str, SIDES)))
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    {"extract": extract, "steps": steps}[options.what](options)


if __name__ == "__main__":
    main()

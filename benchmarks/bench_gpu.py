"""Extraction, training, the whole job and the engine's contract on the GPU of this machine, with
the Keras backend that is installed, in under eight minutes once the weights are there.

    make bench-gpu                              # KERAS_BACKEND=jax make bench-gpu chooses one
    python -m benchmarks.bench_gpu [--tiny] [--parts limit,extract,steps,whole,tests]

Each part is a process of its own, so that one that fails or runs out of memory leaves the others
alone, and each ends in time: what did not fit is left out by name. The first three need Keras, its
backend, Pillow, pydantic, psutil and filelock; ``whole`` and ``tests`` need all that ``run`` and
the tests need, and are left out, with the reason, where that is not installed. Without a GPU all
parts run on the processor in tiny sizes (as with ``--tiny``), which shows only that they run.
Writes ``benchmarks/results/bench_gpu_BACKEND.json``, for tiny sizes ``..._tiny.json``.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.scratch import reason_in, tell
from core.nvidia import look_at_gpu

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
# Seconds from the start of the program by which a part has to end; a part that is quicker leaves
# its time to the others.
ENDS = {"limit": 45, "extract": 190, "steps": 305, "whole": 395, "tests": 465}
# A part stops beginning measurements this long before its end; then it is ended.
SPARE_SECONDS = 25
CONTRACT = (
    "tests/training/test_engine.py::test_contract",
    "tests/training/test_batch_normalisation.py",
    "tests/backbones/test_features.py::test_all_images_in_order_the_last_partial_batch_included",
    "tests/backbones/test_features.py::test_bfloat16_gives_about_the_same_features",
    "tests/layers/test_augmentation.py::test_the_layer_does_what_the_preview_does",
    "tests/networks/test_explain.py::test_the_quadrant_that_makes_the_class_is_lit_and_nothing_else",
)
# The other networks are trained by the part ``steps``: compiling each once more takes minutes.
ON_SMALL_NETWORKS = "not vgg16 and not lite0 and not squeezenet"
COUNTS = re.compile(r"(\d+) (passed|failed|skipped|errors?)")


def output_of(command: list[str], seconds: float) -> tuple[int | None, str, str]:
    """Status (None: it was ended after ``seconds``), output and errors of a Python program."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=FOLDER.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
            status: int | None = process.returncode
        except subprocess.TimeoutExpired:
            # What it started too: a worker of ``run`` lives on by itself.
            tree = psutil.Process(process.pid)
            for one in (*tree.children(recursive=True), tree):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            output, _ = process.communicate()
            status = None
        errors.seek(0)
        return status, output, errors.read()


def run_part(name: str, tiny: bool, seconds: float) -> dict[str, Any]:
    """Its result, or ``why_not``."""
    if name == "tests":
        return run_tests(seconds)
    if name == "whole":
        return run_whole(tiny, seconds)
    arguments = {"tiny": tiny, "seconds": max(5.0, seconds - SPARE_SECONDS)}
    command = ["-m", "benchmarks.device_work", name, json.dumps(arguments)]
    status, output, errors = output_of(command, seconds)
    if status != 0:
        return why_not(status, errors, seconds)
    return dict(json.loads(output.splitlines()[-1]))


def run_whole(tiny: bool, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as folder:
        output = Path(folder) / "whole.json"
        command = ["-m", "benchmarks.whole_job", "--output", os.fspath(output)]
        status, _, errors = output_of([*command, *(["--tiny"] if tiny else [])], seconds)
        if status != 0:
            return why_not(status, errors, seconds)
        return dict(json.loads(output.read_text(encoding="utf-8")))


def run_tests(seconds: float) -> dict[str, Any]:
    """How many of the tests passed that hold the engine to its contract on any backend."""
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", ON_SMALL_NETWORKS, *CONTRACT]
    status, output, errors = output_of(command, seconds)
    counts = {kind: int(count) for count, kind in COUNTS.findall((output.splitlines() or [""])[-1])}
    if not counts:
        return why_not(status, output + errors, seconds)
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return counts | ({"failures": failed} if failed else {})


def why_not(status: int | None, log: str, seconds: float) -> dict[str, Any]:
    if status is None:
        return {"why_not": f"it was not done after {seconds:.0f} s"}
    return {"why_not": f"status {status}: {reason_in(log)}"}


def add_percent_of_peak(found: dict[str, Any], limit: Mapping[str, Any]) -> None:
    """Beside images a second: the percent of the multiply-adds of a matrix product in the same
    precision."""
    for one in found.get("results", []):
        peak = limit.get(one["precision"], {}).get("multiply_adds_per_second")
        if peak:
            one["percent_of_peak"] = {
                name: round(100 * rate["median"] * one["multiply_adds"] / peak, 1)
                for name, rate in one["images_per_second"].items()
                # What ``keras_predict`` and ``keras_fit`` compute is float32.
                if isinstance(rate, dict) and not name.startswith("keras_")
            }


def lines_of(result: Mapping[str, Any]) -> Iterator[str]:
    """What people read at the end."""
    parts = result["parts"]
    for precision, one in parts.get("limit", {}).get("results", {}).items():
        yield f"limit, {precision}: {one['multiply_adds_per_second'] / 1e12:.4g} T multiply-adds/s"
    for part in ("extract", "steps"):
        for one in parts.get(part, {}).get("results", []):
            label = one.get("backbone") or one["strategy"]
            yield f"{label}, {one['side']} px, {one['precision']}"
            for name, rate in one["images_per_second"].items():
                if isinstance(rate, dict):
                    percent = one.get("percent_of_peak", {}).get(name)
                    of_peak = "" if percent is None else f", {percent} % of the peak"
                    yield f"    {name}: {rate['median']:,.5g} images/s{of_peak}"
    if "medians" in parts.get("whole", {}):
        whole = parts["whole"]
        yield f"whole job, seconds: {whole['medians']}; times as fast: {whole['times_as_fast']}"
    if "tests" in parts:
        yield f"contract tests: {parts['tests']}"
    for name, one in parts.items():
        if "why_not" in one:
            yield f"left out: {name} ({one['why_not']})"
        for measurement, reason in one.get("left_out", {}).items():
            yield f"left out: {measurement} ({reason})"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="sizes that show only that it runs")
    parser.add_argument("--parts", default=",".join(ENDS), help="default: all")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    chosen = options.parts.split(",")
    if unknown := set(chosen) - set(ENDS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; known: {', '.join(ENDS)}")
    started = time.perf_counter()
    status, output, errors = output_of(["-m", "benchmarks.device_work", "describe", "{}"], 120)
    if status != 0:
        raise SystemExit(f"Keras cannot be used here: {reason_in(errors)}")
    found = json.loads(output.splitlines()[-1])
    tiny = options.tiny or found["gpu"] is None
    result: dict[str, Any] = {
        "benchmark": "the engine on a GPU",
        "date": datetime.now(UTC).date().isoformat(),
        **found,
        "tiny": tiny,
    }
    if found["gpu"] is None:
        result["note"] = (
            f"{found['backend']} found no GPU: tiny sizes on the processor, "
            "which show only that everything runs"
        )
        print(result["note"])
    result["gpu_before"] = gpu_state()
    parts: dict[str, dict[str, Any]] = {}
    for name in (name for name in ENDS if name in chosen):
        seconds = ENDS[name] - (time.perf_counter() - started)
        print(f"{name}: at most {seconds:.0f} s", flush=True)
        parts[name] = run_part(name, tiny, seconds)
    for name in ("extract", "steps"):
        add_percent_of_peak(parts.get(name, {}), parts.get("limit", {}).get("results", {}))
    result |= {
        "parts": parts,
        "gpu_after": gpu_state(),
        "seconds": round(time.perf_counter() - started),
    }
    name = f"bench_gpu_{found['backend']}{'_tiny' if tiny else ''}.json"
    tell(result, options.output or RESULTS / name)
    print("\n".join(lines_of(result)))
    return 1 if any(is_failed(part) for part in parts.values()) else 0


def is_failed(part: Mapping[str, Any]) -> bool:
    """Whether it went wrong; a part whose libraries are not installed here did not."""
    reason = part.get("why_not", "")
    return bool(part.get("failed") or part.get("error") or part.get("errors")) or (
        bool(reason) and "No module named" not in reason
    )


def gpu_state() -> dict[str, Any] | None:
    state = look_at_gpu()
    return None if state is None else dict(vars(state))


if __name__ == "__main__":
    raise SystemExit(main())

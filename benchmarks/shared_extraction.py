"""One extraction by two workers of one core each against one of them: at most 0.6 of the time.

    python -m benchmarks.shared_extraction [--images 65536] [--image-size 64] [--rounds 2]

Each worker is a process that may use one core alone, takes shards as runs do (their holds are rows
of a PostgreSQL server that the benchmark starts), and has loaded its libraries before the clock
starts. One and two workers take turns. How long a process takes to get there is told beside it: a
helper that is asked while an extraction runs begins so much later. Pictures are synthetic, made as
they are read, and the same in each round; every round has an empty cache. On a machine that has
other work to do the clock says little; the processor seconds of the worker that has most of them
say how the work was divided.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import GeneratedImages, scratch_home, tell

TO_BE_REACHED = 0.6
# No worker of the benchmark renews its lease.
LEASE_SECONDS = 3600.0
JOB = "extract"


def work_here(core: int, images: int, image_size: int, backbone: str) -> None:
    """Be one worker: get ready, say so, extract when told to, tell the result."""
    started = time.perf_counter()
    os.sched_setaffinity(0, {core})
    from core.backbones.backend import load_keras
    from core.backbones.features import FeatureRequest, extract_features
    from core.backbones.registry import find_backbone
    from core.experiments.extract_job import RunSharing
    from core.experiments.store import open_store
    from core.jobs.context import JobContext
    from core.training.policy import choose_policy, library_versions, peak_memory_bytes

    load_keras()
    policy = choose_policy("auto")
    found = find_backbone(backbone)
    request = FeatureRequest(
        backbone=found,
        include_top=False,
        image_size=image_size,
        mean_rgb=found.preparation.mean_rgb,
        precision=policy.backbone_precision(found),
        jit=policy.compile_with_xla,
        batch_size=32,
        pooled=True,
    )
    store = open_store(LEASE_SECONDS)
    job = store.claim_next(f"worker on core {core}")
    if job is None:
        raise SystemExit("no job waits")
    sharing = RunSharing(store, JobContext(store, job))
    pictures = GeneratedImages((images, image_size, image_size, 3))
    print(json.dumps({"start_seconds": time.perf_counter() - started}), flush=True)
    sys.stdin.readline()
    began, computed = time.perf_counter(), time.process_time()
    features = extract_features(pictures, request, np.arange(images), sharing=sharing)
    result = {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - computed,
        "images": images - features.reused,
        "waited_seconds": features.waited_seconds,
        "peak_bytes": peak_memory_bytes(),
        "device": policy.device,
        "precision": request.precision,
        "versions": library_versions(),
    }
    print(json.dumps(result), flush=True)


def measure(cores: list[int], arguments: argparse.Namespace) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the word to the last worker's end, and what each told."""
    from core.backbones.feature_cache import features_folder
    from core.experiments.store import open_store
    from core.jobs.records import NewJob

    for left in features_folder().glob("*"):
        left.unlink()
    store = open_store()
    for core in cores:
        store.add_job(NewJob(f"{JOB}-{time.monotonic_ns()}-{core}", JOB, {}))
    command = [sys.executable, "-m", "benchmarks.shared_extraction", "--child"]
    options = ["--images", str(arguments.images), "--image-size", str(arguments.image_size)]
    options += ["--backbone", arguments.backbone]
    workers = [
        subprocess.Popen(
            [*command, str(core), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for core in cores
    ]
    ready = [json.loads(_line_of(worker)) for worker in workers]
    began = time.perf_counter()
    for worker in workers:
        if worker.stdin is None:
            raise SystemExit("the worker has no input")
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(_line_of(worker)) for worker in workers]
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.communicate()
    if sum(each["images"] for each in told) != arguments.images:
        raise SystemExit("an image was extracted twice, or not at all")
    return seconds, [{**first, **then} for first, then in zip(ready, told, strict=True)]


def _line_of(worker: "subprocess.Popen[str]") -> str:
    if worker.stdout is None:
        raise SystemExit("the worker has no output")
    return worker.stdout.readline()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=65_536)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--backbone", default="squeezenet")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.child is not None:
        work_here(options.child, options.images, options.image_size, options.backbone)
        return
    from tests.postgres import running_server, why_no_server

    if (reason := why_no_server()) is not None:
        raise SystemExit(reason)
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("two cores are needed")
    alone: list[float] = []
    together: list[float] = []
    work: dict[int, list[float]] = {1: [], 2: []}
    told: list[dict[str, Any]] = []
    with scratch_home(options.backbone), running_server() as server:
        os.environ["HEADSTART_DATABASE_URL"] = server.url()
        for turn in range(options.rounds):
            # Each core is alone in turn: it may be the one with more to do beside.
            seconds, found = measure([cores[turn % 2]], options)
            alone.append(seconds)
            told += found
            work[1].append(found[0]["processor_seconds"])
            seconds, found = measure(cores, options)
            together.append(seconds)
            told += found
            work[2].append(max(each["processor_seconds"] for each in found))
    result = {
        "benchmark": "one extraction by two workers of one core each, against one",
        "date": datetime.now(UTC).date().isoformat(),
        **{key: told[0][key] for key in ("device", "precision", "versions")},
        **{"backbone": options.backbone, "images": options.images},
        **{"image_size": options.image_size},
        "one_worker_seconds": [round(each, 2) for each in alone],
        "two_workers_seconds": [round(each, 2) for each in together],
        "ratio": round(statistics.median(together) / statistics.median(alone), 3),
        "to_be_reached": TO_BE_REACHED,
        "processor_seconds": {
            "one worker": [round(each, 2) for each in work[1]],
            "the busier of two": [round(each, 2) for each in work[2]],
            "ratio": round(statistics.median(work[2]) / statistics.median(work[1]), 3),
        },
        "process_ready_seconds": round(
            statistics.median(each["start_seconds"] for each in told), 1
        ),
        "waited_seconds": [round(each["waited_seconds"], 1) for each in told],
        "peak_megabytes": [round(each["peak_bytes"] / 1e6) for each in told],
        "note": options.note,
    }
    tell(result, options.output)


if __name__ == "__main__":
    main()

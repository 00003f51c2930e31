"""How time and memory grow: from 1,000 to 100,000 images, and from 8 to 10,000 runs.

    python -m benchmarks.growth [--up-to 100000] [--minutes 15] [--output FILE]

Images: JPEGs of 62 x 46 pixels in one zip (those of the benchmark ``ingest``, smaller); each size
in a process and a home of its own: ``ingest`` (``add_dataset`` as a whole), of it ``duplicates``
(looking for near duplicates), ``split`` (made the first time), ``list`` (the list of datasets),
and an epoch of a ``head`` on 512 features in files. Runs (a tenth as many as images): ``list`` (all
experiments), ``summaries`` (what the list shows of them), ``compare`` (what Compare reads of one
of them), ``all_runs``. The exponent is the slope of the straight line through the logarithms of
size and seconds: 1 means that twice as much takes twice as long. To be reached: at most 1.05.
``last`` is the slope between the two largest sizes alone, where what is paid once no longer hides
the growth. Sizes that would not end within the minutes are left out by name.
"""

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ingest import natural_jpeg, write_zip
from benchmarks.scratch import in_child, linked_home, peak_bytes, tell

MODULE = "benchmarks.growth"

FOLDER = Path(__file__).parent
IMAGES = (1_000, 3_200, 10_000, 32_000, 100_000)
RUNS = (8, 96, 1_000, 10_000)  # eight in each experiment
DIVIDED_BY, FEATURES = 8, 512
REPEATS = 3
AT_MOST = 1.05
# A size takes this many times as long as the one before it is larger; more is not expected.
EXPECTED_EXPONENT = 1.3


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median_seconds(work: Callable[[], Any]) -> float:
    """For what takes little time: the first call loads and caches, and is not counted."""
    work()
    return statistics.median(seconds_of(work) for _ in range(REPEATS))


# In a process for each size -----------------------------------------------------------------------


def measure_images(path: Path) -> dict[str, float]:
    """Seconds of each step on the images of a zip, in an empty home."""
    from core.datasets import add
    from core.datasets.storage import list_datasets
    from core.training.spec import SplitProportions

    of_duplicates: list[float] = []
    group = add.group_duplicates

    def timed_group(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        found = group(*arguments, **options)
        of_duplicates.append(time.perf_counter() - started)
        return found

    add.group_duplicates = timed_group
    started = time.perf_counter()
    dataset = add.add_dataset(path)
    ingest = time.perf_counter() - started
    return {
        "ingest": ingest,
        "duplicates": of_duplicates[0],
        "split": seconds_of(lambda: SplitProportions().of(dataset)),
        "list": median_seconds(list_datasets),
    }


def measure_runs(runs: int) -> dict[str, float]:
    """Seconds of what pages read, with that many finished runs in the store."""
    from benchmarks.experiment_list import RUNS_EACH, fill
    from core.analysis.comparison import compare_experiment
    from core.analysis.listing import listed_results
    from core.experiments.store import open_store

    fill(runs // RUNS_EACH)
    store = open_store()
    one = store.experiments()[0].id
    return {
        "list": median_seconds(store.experiments),
        "summaries": median_seconds(lambda: listed_results(store)),
        "compare": median_seconds(lambda: compare_experiment(store, one)),
        "all_runs": median_seconds(store.runs),
    }


# One size after another ---------------------------------------------------------------------------


def of_images(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="headstart-growth-") as folder:
        path = Path(folder) / "pictures.zip"
        write_zip(path, count, partial(natural_jpeg, divided_by=DIVIDED_BY), "jpg")
        return in_child(MODULE, "images", os.fspath(path))


def of_head(count: int) -> dict[str, Any]:
    from benchmarks.feature_shards import keep, train_in_child

    with linked_home():
        keep(count, FEATURES, ("shards",))
        found = train_in_child(count, FEATURES, "shards")
    return {"seconds": {"head": found["epoch_seconds"]}, "peak_bytes": found["peak_bytes"]}


def of_runs(count: int) -> dict[str, Any]:
    return in_child(MODULE, "runs", str(count))


def grow(
    measure: Callable[[int], dict[str, Any]], sizes: Sequence[int], until: float, name: str
) -> tuple[dict[str, Any], list[str]]:
    """What ``measure`` finds at each size, by step; and the sizes that are left out."""
    found: list[tuple[int, dict[str, Any]]] = []
    took = 0.0
    for place, size in enumerate(sizes):
        ratio = size / sizes[place - 1] if place else 1.0
        if time.perf_counter() + took * ratio**EXPECTED_EXPONENT > until:
            return by_step(found), [f"{name}: {later:,}" for later in sizes[place:]]
        started = time.perf_counter()
        found.append((size, measure(size)))
        took = time.perf_counter() - started
        print(f"{name}, {size:,}: {found[-1][1]}", flush=True)
    return by_step(found), []


def by_step(found: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    sizes = [size for size, _ in found]
    memory = [round(one["peak_bytes"] / 1e6) for _, one in found]
    steps = found[0][1]["seconds"] if found else {}
    result: dict[str, Any] = {
        step: growth_of(sizes, [one["seconds"][step] for _, one in found]) for step in steps
    }
    # Of the process in which all the steps of a size are measured.
    return result | {"sizes": sizes, "peak_megabytes": memory, "memory": exponents(sizes, memory)}


def growth_of(sizes: Sequence[int], seconds: Sequence[float]) -> dict[str, Any]:
    return {"seconds": [float(f"{one:.3g}") for one in seconds], **exponents(sizes, seconds)}


def exponents(sizes: Sequence[int], values: Sequence[float]) -> dict[str, float]:
    """Slopes of the logarithm of ``values`` over that of ``sizes``: of all, and of the last two."""
    if len(sizes) < 2:
        return {}
    slope = np.polyfit(np.log(sizes), np.log(values), 1)[0]
    last = math.log(values[-1] / values[-2]) / math.log(sizes[-1] / sizes[-2])
    return {"exponent": round(float(slope), 3), "last": round(last, 3)}


def above(parts: dict[str, dict[str, Any]]) -> list[str]:
    """Steps whose time grows faster than it should."""
    return [
        f"{name}, {step}"
        for name, part in parts.items()
        for step, one in part.items()
        if isinstance(one, dict) and step != "memory"
        if max(one.get("exponent", 0), one.get("last", 0)) > AT_MOST
    ]


CHILDREN: dict[str, Callable[[str], dict[str, float]]] = {
    "images": lambda given: measure_images(Path(given)),
    "runs": lambda given: measure_runs(int(given)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--up-to", type=int, default=IMAGES[-1], help="images; a tenth of it runs")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--output", type=Path, default=FOLDER / "results" / "growth.json")
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, given = options.child
        seconds = CHILDREN[what](given)
        print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes()}))
        return
    from benchmarks.bench import facts

    started = time.perf_counter()
    until = started + options.minutes * 60
    images = [size for size in IMAGES if size <= options.up_to]
    runs = [size for size in RUNS if size <= options.up_to // 10]
    parts, left_out = {}, []
    for name, measure, sizes in (
        ("runs", of_runs, runs),
        ("head", of_head, images),
        ("images", of_images, images),
    ):
        parts[name], late = grow(measure, sizes, until, name)
        left_out += late
    result = {
        "benchmark": "growth of time and memory",
        **facts(),
        "note": options.note,
        "at_most": AT_MOST,
        **parts,
        "above": above(parts),
        "left_out": left_out,
        "minutes": round((time.perf_counter() - started) / 60, 1),
    }
    tell(result, options.output)


if __name__ == "__main__":
    main()

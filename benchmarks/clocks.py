"""How far steady epochs of the same work agree, and what a busy neighbour does to them.

    python -m benchmarks.clocks repeats [--strategies cnn,vgg16_probe,vgg16_freeze] [--times 5]
    python -m benchmarks.clocks neighbour [--strategy cnn] [--rounds 4]

``repeats`` measures the steady epoch of each strategy several times, each in a fresh process, the
strategies in turn, and writes ``data/repeats.json``, which the page "How it is measured" shows: run
it on a machine that does nothing else. ``neighbour`` keeps a second process busy for a part of the
time, another part in each epoch, and writes how much longer the epochs take beside what their
conditions say: the ground for ``core.conditions.DISTURBED_LOAD``. themes16, ``quick``, 96 x 96.
"""

import argparse
import multiprocessing
import statistics
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.scratch import scratch_home, tell
from core.analysis.repeats import REPEATS_FILE

STRATEGIES = "cnn,vgg16_probe,vgg16_freeze"
# Of one processor; 2.0 are two neighbours.
DUTIES = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
# Training images of the strategies whose epoch takes a minute on two cores.
SHARES = {"vgg16_freeze": 0.1, "vgg16_finetune": 0.1, "vgg16_scratch": 0.1}
NEIGHBOUR = """
import sys, time
duty, period = float(sys.argv[1]), 0.02
while True:
    until = time.perf_counter() + period * duty
    while time.perf_counter() < until:
        pass
    time.sleep(period * (1 - duty))
"""


def epochs_of(strategy: str) -> Iterator[Any]:
    """The epochs of ``measure_again``, for as long as they are asked for."""
    from core.datasets.storage import open_dataset
    from core.strategies.registry import find_strategy
    from core.training import engine
    from core.training.events import EpochRecord
    from core.training.spec import TrainingSpec

    dataset = open_dataset("themes16")
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy,
        settings=find_strategy(strategy).resolve("quick"),
        train_share=SHARES.get(strategy, 1.0),
    )
    for event in engine.measure_again(spec, dataset, spec.subsets_of(dataset)):
        if isinstance(event, EpochRecord):
            yield event


def one_repeat(strategy: str) -> dict[str, Any]:
    """In a process of its own: the steady epoch, and what the machine did meanwhile."""
    from core.training.steady import steady_epochs

    _, *later = epochs_of(strategy)
    steady = steady_epochs(later)
    conditions = steady.conditions
    return {
        "seconds": round(steady.seconds or 0.0, 4),
        "disturbed": conditions is not None and conditions.is_disturbed,
        "other_load": None if conditions is None else conditions.other_load,
    }


def repeats(strategies: list[str], times: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in strategies}
    for number in range(times):
        for name in strategies:
            spawned = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawned) as pool:
                found[name].append(pool.submit(one_repeat, name).result())
            print(f"repeat {number} of {name}: {found[name][-1]}", flush=True)
    return {"strategies": {name: _agreement(entries) for name, entries in found.items()}}


def _agreement(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The largest and the median difference of any two undisturbed repeats, as fractions of the
    shorter one; None with fewer than two."""
    quiet = [entry["seconds"] for entry in entries if not entry["disturbed"]]
    differences = [max(pair) / min(pair) - 1 for pair in combinations(quiet, 2)]
    return {
        "repeats": entries,
        "undisturbed": len(quiet),
        "largest_difference": round(max(differences), 4) if differences else None,
        "median_difference": round(statistics.median(differences), 4) if differences else None,
    }


@contextmanager
def neighbours(duty: float) -> Iterator[None]:
    """Other processes that are busy for ``duty`` of a processor's time, in slices of 20 ms."""
    parts = [min(1.0, duty - whole) for whole in range(2) if duty > whole]
    started = [subprocess.Popen([sys.executable, "-c", NEIGHBOUR, str(part)]) for part in parts]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def neighbour(strategy: str, rounds: int) -> dict[str, Any]:
    from core.training import engine

    engine.EPOCHS_AGAIN = 1 + rounds * len(DUTIES)
    epochs = epochs_of(strategy)
    next(epochs)
    found: dict[float, list[Any]] = {duty: [] for duty in DUTIES}
    for _ in range(rounds):
        for duty in DUTIES:
            with neighbours(duty):
                found[duty].append(next(epochs))
    alone = statistics.median(epoch.train_seconds for epoch in found[0.0])
    return {"strategy": strategy, "levels": [_level(duty, found[duty], alone) for duty in DUTIES]}


def _level(duty: float, epochs: list[Any], alone: float) -> dict[str, Any]:
    conditions = [epoch.conditions for epoch in epochs]
    return {
        "neighbour": duty,
        "times_as_long": round(statistics.median(e.train_seconds for e in epochs) / alone, 3),
        "other_load": round(statistics.median(c.other_load or 0.0 for c in conditions), 3),
        "waiting": round(
            statistics.median((c.waiting_seconds or 0.0) / c.wall_seconds for c in conditions), 3
        ),
        "own_processors": round(
            statistics.median(c.own_processor_seconds / c.wall_seconds for c in conditions), 2
        ),
        "seconds": [round(epoch.train_seconds, 3) for epoch in epochs],
        "conditions": [asdict(each) for each in conditions],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("repeats", "neighbour"))
    parser.add_argument("--strategies", default=STRATEGIES)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--strategy", default="cnn")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    from core.datasets.bundled import ensure_bundled_datasets
    from core.devices import processor_name
    from core.training.policy import library_versions

    with scratch_home():
        ensure_bundled_datasets()
        if options.what == "repeats":
            measured = repeats(options.strategies.split(","), options.times)
        else:
            measured = neighbour(options.strategy, options.rounds)
    facts = {
        "benchmark": f"steady epochs: {options.what}",
        "date": datetime.now(UTC).date().isoformat(),
        "device": processor_name(),
        "versions": library_versions(),
    }
    default = REPEATS_FILE if options.what == "repeats" else None
    tell(facts | measured, options.output or default)


if __name__ == "__main__":
    main()

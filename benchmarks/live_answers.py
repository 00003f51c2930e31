"""How fast the networks of an experiment answer live, and what holding them takes.

    python -m benchmarks.live_answers EXPERIMENT [--output benchmarks/results/live_answers.json]

``EXPERIMENT`` is a finished one of this HEADSTART_HOME whose runs kept their weights; copy the home
first if a web server uses it, since the process that holds its networks is ended. Loading is from
nothing to ready. An answer is what a page waits for: one test image, all strategies, one after
another; heat maps are asked apart. An answer must be there in 1 second.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

PROJECT = Path(__file__).resolve().parent.parent
ANSWER_LIMIT = 1.0
IMAGES = 20


def measured(images: list[np.ndarray], work: Callable[[int], object]) -> dict[str, float]:
    """Median and largest seconds of ``work``, which is called with the place of an image."""
    seconds = []
    for place in range(len(images)):
        started = time.perf_counter()
        work(place)
        seconds.append(time.perf_counter() - started)
    return {"median": round(float(np.median(seconds)), 3), "largest": round(max(seconds), 3)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment")
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "benchmarks" / "results" / "live_answers.json"
    )
    arguments = parser.parse_args()
    from core.datasets.storage import open_dataset
    from core.devices import processor_name
    from core.experiments.store import open_store
    from core.live.client import answer, wake, where_it_looked
    from core.live.connection import KIND, read_address, server_state
    from core.live.images import prepared_of
    from core.training.policy import library_versions

    store = open_store()
    if store.find_job(KIND) is not None:
        store.cancel_job(KIND)
    while server_state(store).state in ("starting", "listening"):
        time.sleep(0.1)
    experiment = store.experiment(arguments.experiment)
    polls: list[float] = []
    libraries = None
    started = time.perf_counter()
    while True:
        asked = time.perf_counter()
        now = wake(store, experiment.id)
        polls.append(time.perf_counter() - asked)
        if libraries is None and now.state == "loading":
            libraries = time.perf_counter() - started
        if now.state in ("ready", "failed"):
            break
        time.sleep(0.2)
    ready = time.perf_counter() - started
    if now.state == "failed" or now.unable:
        raise SystemExit(now.error or str(now.unable))
    spec = experiment.spec
    test = spec.split.of(open_dataset(spec.dataset_id)).test[:IMAGES]
    images = [prepared_of(experiment, int(position)) for position in test]
    given = [answer(store, experiment.id, image) for image in images]
    alone = [{each.strategy: each.seconds for each in answers} for answers in given]
    answers = measured(images, lambda place: answer(store, experiment.id, images[place]))
    maps = measured(
        images, lambda place: where_it_looked(store, experiment.id, images[place], given[place])
    )
    address = read_address()
    if address is None:
        raise SystemExit("The process that holds the networks is gone.")
    document = {
        "experiment": experiment.id,
        "dataset": spec.dataset_name,
        "image_size": spec.image_size,
        "strategies": len(alone[0]),
        "libraries_seconds": round(libraries or ready, 1),
        "ready_seconds": round(ready, 1),
        "poll_seconds": {
            "median": round(float(np.median(polls)), 3), "largest": round(max(polls), 3)
        },
        "answer_seconds": answers,
        "answer_limit_seconds": ANSWER_LIMIT,
        "heat_maps_seconds": maps,
        "strategy_seconds": {
            name: round(float(np.median([each[name] for each in alone])), 6) for name in alone[0]
        },
        "memory_mb": round(psutil.Process(address.process_id).memory_info().rss / 1e6),
        "processor": processor_name(),
        "load_average": round(os.getloadavg()[0], 1),
        "versions": library_versions() | {"python": platform.python_version()},
    }  # fmt: skip
    text = json.dumps(document, indent=2)
    print(text)
    arguments.output.write_text(f"{text}\n", encoding="utf-8")
    return 0 if answers["median"] <= ANSWER_LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""PostgreSQL as the run store: fifty workers that claim, and what pages ask beside SQLite.

    python -m benchmarks.database [--output benchmarks/results/database.json]

Starts a PostgreSQL server of its own that waits for the disk as a real one does (Debian: apt
install postgresql). Fifty workers, each of a host of its own, take 5,000 jobs and end them, in
processes of five threads each; no job may be taken twice. Then a SQLite home with 10,000 finished
runs is copied into PostgreSQL, the questions of pages are asked of both in turns, and two pages are
opened on both in turns, with nothing cached.
"""

import argparse
import os
import platform
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.scratch import tell

WORKERS, THREADS_OF_A_PROCESS = 50, 5
EXPERIMENTS, SEEDS, EPOCHS, REPEATS = 100, 20, 5, 9
RUNS_OF_AN_EXPERIMENT = 60
CLAIMS_A_SECOND, MOST_SLOWER = 200.0, 0.2
OPENED = "made0050"
MOMENT = "2026-01-01T10:00:00.000000+00:00"


def claim_all(url: str, numbers: range, barrier: Any, results: Any) -> None:
    """Some workers of one process: each takes a job and ends it until none waits."""
    from core.jobs.kinds import POOLS
    from core.jobs.queue import JobQueue

    queues = [JobQueue(url, host=f"host-{number}") for number in numbers]
    for queue in queues:
        queue.device_kind = "one kind of device"
    claimed: list[str] = []

    def work(queue: JobQueue) -> None:
        while (job := queue.claim_next(f"worker of {queue.host}", pools=POOLS)) is not None:
            claimed.append(job.id)
            queue.finish(job.id, None, job.attempts)

    threads = [threading.Thread(target=work, args=(queue,)) for queue in queues]
    barrier.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(claimed)


def measure_claims(url: str, jobs: int) -> dict[str, Any]:
    """Claims a second of all workers together; raises where a job was taken twice or left."""
    from core.jobs.queue import JobQueue
    from core.jobs.records import NewJob

    queue = JobQueue(url)
    names = [f"job-{number}" for number in range(jobs)]
    with queue.database.writing() as connection:
        new = [
            NewJob(name, "train", {}, f"experiment-{number // RUNS_OF_AN_EXPERIMENT}")
            for number, name in enumerate(names)
        ]
        queue.insert_jobs(connection, new)
    context = get_context("spawn")
    processes = WORKERS // THREADS_OF_A_PROCESS
    barrier, results = context.Barrier(processes + 1), context.Queue()
    started = [
        context.Process(
            target=claim_all,
            args=(url, range(first, first + THREADS_OF_A_PROCESS), barrier, results),
        )
        for first in range(0, WORKERS, THREADS_OF_A_PROCESS)
    ]
    for process in started:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    claimed = Counter(job_id for _ in started for job_id in results.get())
    seconds = time.perf_counter() - began
    for process in started:
        process.join()
    if claimed != Counter(names):
        raise SystemExit(f"taken twice: {[name for name, count in claimed.items() if count > 1]}")
    if {job.state for job in queue.jobs()} != {"finished"}:
        raise SystemExit("some jobs did not end")
    return {
        "workers": WORKERS,
        "jobs": jobs,
        "taken_twice": 0,
        "seconds": round(seconds, 2),
        "claims_and_ends_a_second": round(jobs / seconds, 1),
        "to_be_reached": CLAIMS_A_SECOND,
    }


def fill(url: str) -> None:
    """10,000 finished runs with their epochs."""
    from core.experiments.records import RecordedRun
    from core.experiments.store import Store
    from core.jobs.records import NewJob
    from tests import made_up

    store = Store(url)
    names = ("majority", "mlp", "cnn", "vgg16_probe", "vgg16_finetune")
    spec = made_up.spec(strategies=tuple((name, {}) for name in names), seeds=tuple(range(SEEDS)))
    epochs = tuple(made_up.epoch(number, epochs=EPOCHS) for number in range(1, EPOCHS + 1))
    runs = [
        RecordedRun(name, seed, {}, made_up.result(0.5), epochs, MOMENT, MOMENT, MOMENT)
        for seed in range(SEEDS)
        for name in names
    ]
    for number in range(EXPERIMENTS):
        store.add_recorded(f"made{number:04d}", spec, MOMENT, made_up.origin(), runs)
    for number in range(20):
        store.add_job(NewJob(f"waits-{number}", "import", {}))


def questions(store: Any) -> dict[str, Callable[[], Any]]:
    """What pages ask of the store."""
    from tests import made_up

    run_id = f"{OPENED}-cnn-0"
    return {
        "experiments": store.experiments,
        "one experiment": lambda: store.experiment(OPENED),
        "its runs": lambda: store.runs(OPENED),
        "how many epochs each has": lambda: store.epoch_counts(OPENED),
        "the epochs of a run": lambda: store.epochs(run_id),
        "all 10,000 runs": store.runs,
        "place in the queue": lambda: store.queue_place("waits-10"),
        "imports": lambda: store.jobs("import"),
        "runs that use a dataset": lambda: store.active_runs_of_dataset(made_up.DATASET_ID),
        "workers": store.live_workers,
    }


def measure_questions(sqlite: str, server: str) -> dict[str, Any]:
    """Median seconds of each question on both, asked in turns, and how far apart the sums are."""
    from core.experiments.store import Store

    asked = {
        name: questions(Store(url)) for name, url in (("sqlite", sqlite), ("postgresql", server))
    }
    answers = {name: {key: ask() for key, ask in each.items()} for name, each in asked.items()}
    if answers["sqlite"] != answers["postgresql"]:
        raise SystemExit("the databases answer differently")
    seconds: dict[str, dict[str, list[float]]] = {name: {} for name in asked}
    for _ in range(REPEATS):
        for key in answers["sqlite"]:
            for name, each in asked.items():
                began = time.perf_counter()
                each[key]()
                seconds[name].setdefault(key, []).append(time.perf_counter() - began)
    medians = {
        name: {key: round(statistics.median(each), 5) for key, each in times.items()}
        for name, times in seconds.items()
    }
    opened = {
        name: sum(value for key, value in each.items() if not key.startswith("all"))
        for name, each in medians.items()
    }
    whole = {name: sum(each.values()) for name, each in medians.items()}
    return {
        "runs": EXPERIMENTS * SEEDS * 5,
        "median_seconds": medians,
        "all_questions_seconds": {name: round(value, 4) for name, value in whole.items()},
        "slower_by": round(whole["postgresql"] / whole["sqlite"] - 1, 3),
        "without_all_runs_seconds": {name: round(value, 4) for name, value in opened.items()},
        "slower_by_without_all_runs": round(opened["postgresql"] / opened["sqlite"] - 1, 3),
        "to_be_reached": MOST_SLOWER,
    }


def open_pages(url: str, asked: Any) -> None:
    """In a process with the database ``url``: seconds of each page that ``asked`` names."""
    import streamlit

    from benchmarks import compare_page, experiment_list

    os.environ["HEADSTART_DATABASE_URL"] = url
    query = {"experiment": OPENED, "view": "overview"}
    pages = {
        "Experiments": lambda: experiment_list.opened({}),
        "Compare": lambda: compare_page.opened(query),
    }
    while (name := asked.recv()) is not None:
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
        asked.send(pages[name]()[0])


def measure_opened(sqlite: str, server: str) -> dict[str, Any]:
    """Median seconds of two pages on both, opened in turns; the first of each is not counted."""
    context = get_context("spawn")
    processes, asks = [], {}
    for name, url in (("sqlite", sqlite), ("postgresql", server)):
        asks[name], other = context.Pipe()
        processes.append(context.Process(target=open_pages, args=(url, other)))
        processes[-1].start()
        other.close()  # so that a page that fails ends the measurement
    found: dict[str, Any] = {}
    for page in ("Experiments", "Compare"):
        seconds: dict[str, list[float]] = {name: [] for name in asks}
        for _ in range(1 + REPEATS):
            for name, ask in asks.items():
                ask.send(page)
                seconds[name].append(ask.recv())
        medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
        found[page] = {
            "median_seconds": {name: round(value, 3) for name, value in medians.items()},
            "slower_by": round(medians["postgresql"] / medians["sqlite"] - 1, 3),
        }
    for ask, process in zip(asks.values(), processes, strict=True):
        ask.send(None)
        process.join()
    return found


def main() -> None:
    from core.operations.database_copy import copy_database
    from tests.postgres import running_server, why_no_server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5_000, help="that are claimed and ended")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    arguments = parser.parse_args()
    if (reason := why_no_server()) is not None:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="headstart-benchmark-") as folder:
        os.environ["HEADSTART_HOME"] = folder
        sqlite = f"sqlite:///{folder}/headstart.db"
        with running_server(is_durable=True) as server:
            with server.new_database("claims") as url:
                claims = measure_claims(url, arguments.jobs)
            fill(sqlite)
            with server.new_database("pages") as url:
                began = time.perf_counter()
                rows = copy_database(sqlite, url).rows
                copied = time.perf_counter() - began
                asked = measure_questions(sqlite, url)
                opened = measure_opened(sqlite, url)
            ((version,),) = server.execute("SHOW server_version")
        result = {
            "claims": claims,
            "copy": {"rows": sum(rows.values()), "seconds": round(copied, 2)},
            "questions": asked,
            "pages": opened,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "postgresql": version,
            "python": platform.python_version(),
            "date": date.today().isoformat(),
            "note": arguments.note,
        }
    tell(result, arguments.output)


if __name__ == "__main__":
    main()

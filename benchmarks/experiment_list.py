"""How long the page Experiments takes with many experiments: first, again, after a commit (as a
run that trains makes them), and with a filter.

    python -m benchmarks.experiment_list [--experiments 10000] [--output FILE]

Makes a temporary home with that many experiments of eight finished runs and their summaries, as a
long used installation has them, and opens the page through Streamlit's own test runner. This is
the server's part. The page must be there in 2 seconds, a filter in 0.5.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
from dataclasses import asdict
from itertools import islice, product
from pathlib import Path
from typing import Any

from benchmarks.compare_page import timed

PROJECT = Path(__file__).resolve().parent.parent
PAGE_LIMIT, FILTER_LIMIT = 2.0, 0.5
RUNS_EACH, VISITS = 8, 20
MOMENT = "2026-11-20T10:00:00.000000+00:00"
FILTERS: dict[str, dict[str, str]] = {
    "search": {"words": "birds 17"},
    "dataset": {"dataset": "flowers"},
    "order by accuracy": {"sort": "accuracy"},
    "last page": {"page": "9999"},
}


def insert_finished(connection: Any, name: str, spec: Any, created_at: str) -> None:
    """An experiment with finished runs (the ``RUNS_EACH`` first of its strategies and seeds) whose
    results are made up, without their files."""
    from sqlalchemy import insert

    from core.experiments.records import experiments, job_of, new_run_row, runs
    from core.jobs.queue import job_row
    from core.jobs.records import jobs
    from tests import made_up

    over = {"state": "finished", "attempts": 1, "started_at": created_at, "finished_at": created_at}
    row = {"id": name, "dataset_id": spec.dataset_id, "dataset_name": spec.dataset_name}
    row |= {"created_at": created_at, "spec": spec.model_dump(mode="json"), "recorded": False}
    connection.execute(insert(experiments), row)
    planned = islice(product(spec.seeds, spec.strategies), RUNS_EACH)
    own = [
        new_run_row(name, place, strategy, seed, {})
        for place, (seed, (strategy, _)) in enumerate(planned)
    ]
    result = made_up.result().as_dict()
    connection.execute(insert(runs), [one | {"result": result} for one in own])
    queued = [job_row(job_of(one), 0, created_at) | over for one in own]
    connection.execute(insert(jobs), queued)


def fill(count: int) -> None:
    from sqlalchemy import insert

    from core.analysis.listing import ListedResult
    from core.experiments.store import open_store
    from core.experiments.summaries import read_summaries, summaries
    from tests import made_up

    store = open_store()
    names = ("birds", "flowers", "leaves", "tools", "mugs")
    with store.database.writing() as connection:
        for number in range(count):
            spec = made_up.spec(dataset_name=names[number % len(names)], seeds=range(RUNS_EACH))
            insert_finished(connection, f"{number:08x}", spec, MOMENT)
    listed = ListedResult(
        *("VGG16 probe", 0.9, 0.85, 0.93, 0.4, True, None, "CNN", 12.0, 80.0, "a CPU", 1_000)
    )
    _, marks = read_summaries(store.database)
    with store.database.writing() as connection:
        rows = [
            {"experiment_id": name, "mark": mark, "summary": asdict(listed)}
            for name, mark in marks.items()
        ]
        connection.execute(insert(summaries), rows)


def opened(query: dict[str, str]) -> tuple[float, Any]:
    """Seconds from asking for the page until all of it was sent, and the page."""
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(PROJECT / "pages" / "experiments.py"), default_timeout=120)
    for name, value in query.items():
        page.query_params[name] = value
    return timed(page), page


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--experiments", type=int, default=10_000)
    output = PROJECT / "benchmarks" / "results" / "experiment_list.json"
    parser.add_argument("--output", type=Path, default=output)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADSTART_HOME"] = folder
        from core.experiments.labels import change_labels
        from core.experiments.recorded import prepare_home
        from core.experiments.store import open_store

        prepare_home()
        fill(arguments.experiments)
        fresh, page = opened({})
        again = timed(page)
        change_labels(open_store(), f"{0:08x}", "benchmark", name="another")
        after_commit = timed(page)
        filtered = {}
        for name, query in FILTERS.items():
            for key, value in query.items():
                page.query_params[key] = value
            filtered[name] = round(timed(page), 3)
            for key in query:
                del page.query_params[key]
        before = memory_mb()
        for _ in range(VISITS):
            opened({})
        after = memory_mb()
    document = {
        "experiments": arguments.experiments,
        "runs": arguments.experiments * RUNS_EACH,
        "fresh_process_seconds": round(fresh, 3),
        "again_seconds": round(again, 3),
        "after_a_commit_seconds": round(after_commit, 3),
        "page_limit_seconds": PAGE_LIMIT,
        "filter_seconds": filtered,
        "filter_limit_seconds": FILTER_LIMIT,
        "memory_mb": round(before),
        f"memory_mb_after_{VISITS}_more_visits": round(after),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    arguments.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

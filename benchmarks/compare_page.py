"""How long Compare takes to open with 200 runs in the store; the limit is 2 seconds.

    python benchmarks/compare_page.py [--output benchmarks/results/compare_page.json]

Makes a store in a temporary home, with four experiments of 50 runs (5 strategies, 10 seeds, 20
epochs each) that hold made-up numbers, opens the page through Streamlit's own test runner, first
in a fresh process and then four times more, and checks that the server's part stays under the
limit. A browser's drawing comes on top; tests/pages/test_browser.py opens the page in one.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

LIMIT_SECONDS = 2.0
STRATEGIES = ("majority", "mlp", "cnn", "vgg16_probe", "vgg16_finetune")
EXPERIMENTS, SEEDS, EPOCHS, WARM_OPENINGS = 4, 10, 20, 4
MOMENT = "2026-01-01T10:00:00.000000+00:00"


def fill_store() -> int:
    """Store the made-up runs; returns how many there are."""
    from core.runs.records import RecordedRun
    from core.runs.store import open_store
    from tests import made_up

    store = open_store()
    epochs = tuple(made_up.epoch(number, epochs=EPOCHS) for number in range(1, EPOCHS + 1))
    for number in range(EXPERIMENTS):
        spec = made_up.spec(
            strategies=tuple((name, {"epochs": EPOCHS}) for name in STRATEGIES),
            seeds=tuple(range(SEEDS)),
        )
        runs = [
            RecordedRun(name, seed, {}, made_up.result(0.5), epochs, MOMENT, MOMENT, MOMENT)
            for seed in range(SEEDS)
            for name in STRATEGIES
        ]
        store.add_recorded(f"bench{number}", spec, MOMENT, {"machine": "none"}, runs)
    return len(store.runs())


def open_page() -> float:
    """Seconds from asking for Compare until all of it was sent."""
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(PROJECT / "pages" / "compare.py"), default_timeout=60)
    page.query_params["experiment"] = "bench0"
    started = time.perf_counter()
    page.run()
    seconds = time.perf_counter() - started
    if page.exception or page.error or len(page.dataframe) != 2:
        raise SystemExit("The page did not open as it should.")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "benchmarks" / "results" / "compare_page.json"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADSTART_HOME"] = folder
        from core.runs.first_start import prepare_home

        prepare_home()
        run_count = fill_store()
        seconds = [open_page() for _ in range(1 + WARM_OPENINGS)]
    document = {
        "runs_in_store": run_count,
        "first_opening_seconds": round(seconds[0], 3),
        "later_openings_seconds": [round(value, 3) for value in seconds[1:]],
        "limit_seconds": LIMIT_SECONDS,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(document, indent=2) + "\n")
    print(json.dumps(document, indent=2))
    return 0 if max(seconds) < LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())

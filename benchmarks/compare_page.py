"""How long Compare takes: every view of a large experiment, a cell's pictures, a long list.

    python -m benchmarks.compare_page [--output benchmarks/results/compare_page.json]

Makes a temporary home with a dataset of 15,000 small pictures, an experiment of 10 strategies and
5 seeds with made-up answers to 10,000 test images, and 1,000 more runs in 200 experiments. Opens
the page through Streamlit's own test runner: the first time in a fresh process, each view with
nothing cached and then again. Views must be there in 2 seconds, the pictures of a cell in 0.5, the
list of experiments in 1. This is the server's part; a browser's drawing comes on top, and
tests/pages/test_browser.py opens the page in one.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
VIEW_LIMIT, CELL_LIMIT, LIST_LIMIT = 2.0, 0.5, 1.0
SEEDS, TEST_IMAGES, IMAGES, CLASSES, SIDE, EPOCHS = 5, 10_000, 15_000, 10, 16, 10
MORE_EXPERIMENTS, RUNS_EACH = 200, 5
EXPERIMENT = "bench"
MOMENT = "2026-11-20T10:00:00.000000+00:00"
OLDER = "2026-01-01T10:00:00.000000+00:00"
VIEWS = (
    {"view": "overview"},
    {"view": "overview", "metric": "macro_f1"},
    {"view": "differences"},
    {"view": "time"},
    {"view": "pictures"},
    {"view": "pictures", "show": "flips"},
    {"view": "pictures", "show": "mistakes"},
    {"view": "pictures", "show": "hardest"},
    {"view": "pictures", "show": "labels"},
    {"view": "pictures", "image": "IMAGE"},
    {"view": "data"},
    {"view": "several"},
    {"view": "report"},
)


def fill_home() -> int:
    """Store dataset, experiments and answers; returns the position of a test image."""
    from core.datasets.add import add_pixels
    from core.experiments.records import RecordedRun, run_id_of
    from core.experiments.run_files import write_predictions
    from core.experiments.store import open_store
    from core.strategies.registry import STRATEGIES
    from core.training.events import Predictions
    from tests import made_up

    random = np.random.default_rng(0)
    labels = np.sort(random.integers(0, CLASSES, IMAGES).astype(np.int32))
    pixels = random.integers(0, 256, (IMAGES, SIDE, SIDE)).astype(np.uint8)
    classes = [f"class {number}" for number in range(CLASSES)]
    dataset = add_pixels(pixels, labels, classes, "bench", "made for a benchmark")
    test = np.sort(random.permutation(IMAGES)[:TEST_IMAGES])
    names = [*STRATEGIES, "another"]
    spec = made_up.spec(
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        strategies=tuple((name, {}) for name in names),
        seeds=tuple(range(SEEDS)),
        classes=tuple(classes),
        images={"train": 4_000, "validation": 1_000, "test": TEST_IMAGES},
        majority_class=classes[0],
        majority_accuracy=1 / CLASSES,
    )
    epochs = tuple(made_up.epoch(number, epochs=EPOCHS) for number in range(1, EPOCHS + 1))
    store = open_store()
    store.add_recorded(
        EXPERIMENT,
        spec,
        MOMENT,
        made_up.origin(date=MOMENT),
        [
            RecordedRun(name, seed, {}, made_up.result(0.5), epochs, MOMENT, MOMENT, MOMENT)
            for seed in range(SEEDS)
            for name in names
        ],
    )
    hardness = random.normal(size=TEST_IMAGES)
    for rung, name in enumerate(names):
        for seed in range(SEEDS):
            logits = random.normal(size=(TEST_IMAGES, CLASSES))
            # The last is as good as the one before it: their difference is luck.
            skill = 0.4 * min(rung, len(names) - 2)
            logits[np.arange(TEST_IMAGES), labels[test]] += hardness + skill
            probabilities = np.exp(logits)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            write_predictions(
                run_id_of(EXPERIMENT, name, seed), Predictions(test, labels[test], probabilities)
            )
    for number in range(MORE_EXPERIMENTS):
        few = made_up.spec(strategies=(("cnn", {}),), seeds=tuple(range(RUNS_EACH)))
        runs = [
            RecordedRun("cnn", seed, {}, made_up.result(0.5), epochs, OLDER, OLDER, OLDER)
            for seed in range(RUNS_EACH)
        ]
        store.add_recorded(f"more{number}", few, OLDER, made_up.origin(date=OLDER), runs)
    return int(test[0])


def opened(query: dict[str, str]) -> tuple[float, Any]:
    """Seconds from asking for Compare until all of it was sent, and the page."""
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(PROJECT / "pages" / "compare.py"), default_timeout=120)
    for name, value in ({"experiment": EXPERIMENT} | query).items():
        page.query_params[name] = value
    return timed(page), page


def timed(page: Any) -> float:
    started = time.perf_counter()
    page.run()
    seconds = time.perf_counter() - started
    if page.exception or page.error:
        raise SystemExit(f"The page did not open as it should: {page.error or page.exception}")
    return seconds


def measure(image: int) -> dict[str, dict[str, float]]:
    """Each view with nothing cached, and once more with everything that it caches."""
    import streamlit as st

    first, again = {}, {}
    opened({"view": "report"})  # the imports of a fresh process are measured apart
    for query in VIEWS:
        name = " ".join(query.values())
        asked = {key: value.replace("IMAGE", str(image)) for key, value in query.items()}
        st.cache_resource.clear()
        st.cache_data.clear()
        first[name], page = opened(asked)
        again[name] = timed(page)
    return {"first": first, "again": again}


def measure_cells() -> list[float]:
    """Other cells of the confusion matrix, none of whose pictures was shown before."""
    _, page = opened({"view": "pictures"})
    times = []
    for true, said in ((1, 2), (3, 4), (5, 6), (7, 8)):
        page.query_params["true"] = f"class {true}"
        page.query_params["predicted"] = f"class {said}"
        times.append(timed(page))
    return times


def measure_list() -> float:
    """All experiments of the store as the list of the page shows them."""
    from core.ui.frame import reads
    from core.ui.widgets.results import experiment_label

    started = time.perf_counter()
    labels = [experiment_label(entry) for entry in reads.store().experiments()]
    seconds = time.perf_counter() - started
    if len(labels) < MORE_EXPERIMENTS:
        raise SystemExit("The store does not hold what was put into it.")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "benchmarks" / "results" / "compare_page.json"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADSTART_HOME"] = folder
        from core.experiments.recorded import prepare_home

        prepare_home()
        image = fill_home()
        fresh, _ = opened({"view": "overview"})
        views, cells, listed = measure(image), measure_cells(), measure_list()
    document = {
        "strategies": 10,
        "seeds": SEEDS,
        "test_images": TEST_IMAGES,
        "runs_in_store": 50 + MORE_EXPERIMENTS * RUNS_EACH,
        "overview_in_a_fresh_process_seconds": round(fresh, 3),
        "first_seconds": {name: round(value, 3) for name, value in views["first"].items()},
        "again_seconds": {name: round(value, 3) for name, value in views["again"].items()},
        "view_limit_seconds": VIEW_LIMIT,
        "other_cells_seconds": [round(value, 3) for value in cells],
        "cell_limit_seconds": CELL_LIMIT,
        "list_of_experiments_seconds": round(listed, 3),
        "list_limit_seconds": LIST_LIMIT,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(document, indent=2) + "\n")
    print(json.dumps(document, indent=2))
    kept = (
        max(*views["first"].values(), *views["again"].values()) < VIEW_LIMIT
        and max(cells) < CELL_LIMIT
        and listed < LIST_LIMIT
    )
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())

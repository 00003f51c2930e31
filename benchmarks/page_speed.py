"""How long people wait: every page to its first useful content, typical clicks, and what jumps.

    nice -n -20 python -m benchmarks.page_speed [--repeats 5]
        [--output benchmarks/results/page_speed.json]

Makes a home with the bundled datasets, the recorded experiments and copies of them, 200 runs and
more, starts the app over it, and opens each page in a fresh Chromium context, after one round that
warms the server; then once more in that context, as whoever has seen a page of the app before. A
page must show something useful in 2 seconds, a click in 1, and the layout may shift by 0.1 at most
(web.dev/cls calls that good). Medians; times hold the browser's own drawing.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

PAGE_LIMIT, CLICK_LIMIT, SHIFT_LIMIT = 2.0, 1.0, 0.1
LEAST_RUNS = 200
EXPERIMENT, DATASET = "e9933081", "themes16"
COMPARE = f"/compare?experiment={EXPERIMENT}"
WIDTH, HEIGHT = 1280, 900
SETTLED_MILLISECONDS = 1000
# A new context of Chromium is a new window, and what the window itself draws (chrome:// pages of
# the address bar, 1.3 s of processor time) would be counted as ours.
WINDOW_MILLISECONDS = 3000
# Streamlit 1.67 draws its empty main block narrow until the page asks for a wide one. That moves
# nothing that can be seen, so what only that block does is not counted.
WATCH_SHIFTS = """
    window.shifts = 0;
    const empty = source => source.node?.dataset?.testid === "stMainBlockContainer";
    new PerformanceObserver(list => {
        for (const entry of list.getEntries())
            if (!entry.hadRecentInput && !entry.sources.every(empty)) window.shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""
CHARTS_ARE_DRAWN = """() => [...document.querySelectorAll("[data-testid=stPlotlyChart]")]
    .every(chart => chart.querySelector(".main-svg"))"""
# Where to go, and what somebody came for: a heading alone is not yet useful.
Where = tuple[str, str]
EMPTY: Where = ("/", "[data-testid=stMain] h1")
PAGES: dict[str, Where] = {
    "story": ("/", "[data-testid=stMain] h1"),
    "try it": ("/try_it", "[data-testid=stMain] img"),
    "datasets": ("/datasets", "[data-testid=stFileUploaderDropzone]"),
    "dataset, health": (f"/datasets?dataset={DATASET}", "text=/appear in more than one/"),
    "dataset, images": (f"/datasets?dataset={DATASET}&section=Images", "[data-testid=stImage]"),
    "advice": ("/advice", "[data-testid=stMain] button:has-text('Measure')"),
    "benchmark": ("/benchmark", "[data-testid=stImage]"),
    "watch": ("/watch", "[data-testid=stMain] h1"),
    "compare": (COMPARE, "text=got the most test images right"),
    "compare, differences": (
        f"{COMPARE}&view=differences",
        "text=/after Holm|cannot be told apart/",
    ),
    "compare, time": (f"{COMPARE}&view=time", "text=One whole run took"),
    "compare, pictures": (f"{COMPARE}&view=pictures", "text=Confused most often"),
    "compare, several": (f"{COMPARE}&view=several", "[data-testid=stTable]"),
    "ladder": ("/ladder", "[data-testid=stMain] h2"),
    "measured": ("/measured", "[data-testid=stMain] h2"),
}
# Where from, what is clicked, and what must be there then.
CLICKS = {
    "story, next": ("/", "button:has-text('Next')", "text=/2 of \\d/"),
    "compare, macro F1": (COMPARE, "text=macro F1", "h2:has-text('Macro F1')"),
    "compare, differences": (COMPARE, "text=Differences", "h2:has-text('Class by class')"),
    "compare, time": (COMPARE, "text=Time", "h2:has-text('Where the time went')"),
    "compare, pictures": (COMPARE, "text=Pictures", "text=Choose a cell"),
    "pictures, hardest": (
        f"{COMPARE}&view=pictures", "text=Hardest", "[data-testid=stImage]",
    ),
    "dataset, pictures": (
        f"/datasets?dataset={DATASET}", "[role=tab]:has-text('Images')", "[data-testid=stImage]",
    ),
    "benchmark, another strategy": (
        "/benchmark",
        "[data-testid=stCheckbox] p:has-text('from random weights')",
        "text=/^\\d+ settings$/",
    ),
    "menu, to the ladder": (COMPARE, "a:has-text('The ladder')", "h1:has-text('The ladder')"),
    "menu, to datasets": (COMPARE, "a:has-text('Datasets')", "h1:has-text('Datasets')"),
}  # fmt: skip


def fill_home(scratch: Path) -> int:
    """Bundled datasets, recorded experiments and copies of them; returns the number of runs."""
    from core.experiments.recorded import (
        DOCUMENT_NAME,
        SHOWCASE_FOLDER,
        import_recorded,
        prepare_home,
    )
    from core.experiments.store import open_store

    prepare_home()
    store = open_store()
    folders = sorted(path.parent for path in SHOWCASE_FOLDER.glob(f"*/{DOCUMENT_NAME}"))
    number = 0
    while len(store.runs()) < LEAST_RUNS:
        source = folders[number % len(folders)]
        identity = f"{number:08x}"
        target = scratch / f"copies-{number}" / f"copy-{identity}"
        shutil.copytree(source, target)
        document = json.loads((target / DOCUMENT_NAME).read_text())
        moment = f"2026-01-{number + 1:02d}T10:00:00.000000+00:00"
        document |= {"id": identity, "created_at": moment}
        (target / DOCUMENT_NAME).write_text(json.dumps(document))
        import_recorded(store, target.parent)
        number += 1
    return len(store.runs())


def timed(act: Callable[[], None]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def new_context(browser: Any, base: str) -> Any:
    """A window of its own that has never seen the app: nothing of it in any cache."""
    context = browser.new_context(base_url=base, viewport={"width": WIDTH, "height": HEIGHT})
    context.new_page().wait_for_timeout(WINDOW_MILLISECONDS)
    return context


def open_page(context: Any, address: str, useful: str) -> tuple[Any, float]:
    """A page in a new tab, and the seconds until what is useful on it can be seen."""
    page = context.new_page()
    page.add_init_script(WATCH_SHIFTS)

    def act() -> None:
        page.goto(address, wait_until="commit")
        page.locator(useful).first.wait_for()

    return page, timed(act)


def settle_whole(page: Any) -> None:
    from playwright.sync_api import expect

    from tests.browser import settle

    settle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_function(CHARTS_ARE_DRAWN)
    page.evaluate("() => new Promise(resolve => requestIdleCallback(resolve))")
    page.wait_for_timeout(SETTLED_MILLISECONDS)


def empty_app(scratch: Path) -> Path:
    """What Streamlit itself costs on this machine at this hour: one title and nothing else."""
    script = scratch / "empty.py"
    script.write_text('import streamlit as st\n\nst.title("Empty")\n')
    return script


def measure_page(browser: Any, base: str, page: Where, repeats: int) -> dict[str, Any]:
    address, useful = page
    seconds, again, whole, shifts = [], [], [], []
    for _ in range(repeats + 1):
        context = new_context(browser, base)
        tab, took = open_page(context, address, useful)
        seconds.append(took)
        whole.append(took + timed(partial(settle_whole, tab)))
        shifts.append(tab.evaluate("window.shifts"))
        tab.close()
        again.append(open_page(context, address, useful)[1])
        context.close()
    return {
        "first_seconds": round(seconds[0], 3),
        "median_seconds": round(statistics.median(seconds[1:]), 3),
        "slowest_seconds": round(max(seconds[1:]), 3),
        "seen_before_median_seconds": round(statistics.median(again[1:]), 3),
        "whole_median_seconds": round(
            statistics.median(whole[1:]) - SETTLED_MILLISECONDS / 1000, 3
        ),
        "layout_shift": round(statistics.median(shifts[1:]), 4),
        "reached": statistics.median(seconds[1:]) <= PAGE_LIMIT
        and statistics.median(shifts[1:]) <= SHIFT_LIMIT,
    }


def measure_click(browser: Any, base: str, name: str, repeats: int) -> dict[str, Any]:
    address, clicked, expected = CLICKS[name]
    seconds = []
    for _ in range(repeats + 1):
        page, _ = open_page(new_context(browser, base), address, clicked)
        settle_whole(page)
        target = page.locator("[data-testid=stApp]").locator(clicked).first

        def act(page: Any = page, target: Any = target) -> None:
            target.click()
            page.locator(expected).first.wait_for()

        seconds.append(timed(act))
        page.context.close()
    median = statistics.median(seconds[1:])
    return {
        "first_seconds": round(seconds[0], 3),
        "median_seconds": round(median, 3),
        "slowest_seconds": round(max(seconds[1:]), 3),
        "reached": median <= CLICK_LIMIT,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", help="names with this text in them alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headstart-benchmark-") as folder:
        result = measure(Path(folder), arguments.repeats, arguments.only or "")
    text = json.dumps(result, indent=1) + "\n"
    if arguments.output:
        arguments.output.write_text(text)
    print(text)


def measure(scratch: Path, repeats: int, only: str) -> dict[str, Any]:
    from tests.browser import running_app, running_browser

    home = scratch / "home"
    os.environ["HEADSTART_HOME"] = str(home)
    runs = fill_home(scratch)
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_average_before": [round(value, 1) for value in os.getloadavg()],
        "date": time.strftime("%Y-%m-%d"),
        "runs": runs,
        "repeats": repeats,
        "limits": {"page": PAGE_LIMIT, "click": CLICK_LIMIT, "layout_shift": SHIFT_LIMIT},
        "pages": {},
        "clicks": {},
    }
    empty = running_app(home, scratch / "empty.log", script=empty_app(scratch))
    with empty as base, running_browser() as browser:
        result["empty_app"] = measure_page(browser, base, EMPTY, repeats)
        print("empty app", result["empty_app"], flush=True)
    with running_app(home, scratch / "server.log") as base, running_browser() as browser:
        for name in (name for name in PAGES if only in name):
            result["pages"][name] = measure_page(browser, base, PAGES[name], repeats)
            print(name, result["pages"][name], flush=True)
        for name in (name for name in CLICKS if only in name):
            result["clicks"][name] = measure_click(browser, base, name, repeats)
            print("click:", name, result["clicks"][name], flush=True)
    result["load_average_after"] = [round(value, 1) for value in os.getloadavg()]
    return result


if __name__ == "__main__":
    main()

"""A newcomer finds one experiment among sixty again: clicks and seconds, in a real browser.

    python -m benchmarks.find_again [--home FOLDER] [--output FILE] [--screenshots FOLDER]

Makes a home with 60 experiments of five datasets. Those that come with Headstart, two on birds (one
of them with ResNet50 from scratch) and one on leaves are real; the rest are stand-ins that say so
in their notes: no predictions, numbers drawn at random. Then headless Chromium does on the page
Experiments what somebody does who read nothing: finds the last one on birds with ResNet50, names
it, adds two seeds, archives twelve others and takes a file for a colleague. Every press of the
mouse and every field filled is counted; the wish is under three minutes. A browser without a
person needs no time to think, so what is measured is the page's own part of that.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.experiment_list import insert_finished
from benchmarks.scratch import tell

PROJECT = Path(__file__).resolve().parent.parent
EXPERIMENTS, WISH_SECONDS = 60, 180
ARCHIVED = 12
NAME = "Birds, ResNet50 from scratch"
STAND_IN = "A stand-in of benchmarks/find_again.py: its numbers were drawn at random."
# How many experiments of each dataset, and how many of these are run here; recorded ones count.
COUNTS = {"birds": 20, "flowers": 14, "leaves": 12, "digits": 7, "themes16": 7}
RUN_HERE = {"birds": 2, "leaves": 1}
STRATEGIES = (
    ("majority", "mlp", "cnn", "vgg16_probe"),
    ("majority", "cnn", "resnet50_probe", "resnet50_finetune"),
    ("majority", "efficientnet_lite0_probe", "squeezenet_probe"),
    ("majority", "mobilenet_v2_probe", "vgg16_finetune", "vgg16_scratch"),
)


@dataclass
class Steps:
    """What was pressed and how long each step took, seconds."""

    page: Any
    folder: Path | None
    presses: int = 0
    done: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        from tests.browser import settle, stand_still

        presses, start = self.presses, time.perf_counter()
        yield
        settle(self.page)
        seconds = time.perf_counter() - start
        self.done.append(
            {"step": name, "presses": self.presses - presses, "seconds": round(seconds, 1)}
        )
        if self.folder is not None:
            stand_still(self.page)
            self.page.screenshot(path=self.folder / f"{len(self.done)}.png")

    def press(self, what: Any) -> None:
        from tests.browser import click

        self.presses += 1
        click(self.page, what)

    def fill(self, what: Any, text: str) -> None:
        """Type into a field: one press for the field."""
        from tests.browser import settle

        self.presses += 1
        settle(self.page)
        what.fill(text)

    def press_row(self, row: int, **more: Any) -> None:
        """The box at the left edge of a row of the table, counted from 0; -1: of the head."""
        from tests.browser import settle

        self.presses += 1
        settle(self.page)
        table = self.page.get_by_test_id("stDataFrame").first
        # Rows are 40 pixels high (the table's row_height), its head 35.
        table.click(position={"x": 20, "y": 35 + 40 * row + 20 if row >= 0 else 17}, **more)


def make_home() -> str:
    """Fill ``HEADSTART_HOME``; returns the id of the experiment that is looked for."""
    from core.experiments.planning import plan_experiment
    from core.experiments.recorded import prepare_home
    from core.experiments.store import open_store

    prepare_home()
    store = open_store()
    for name in ("birds", "flowers", "leaves"):
        _add_dataset(name)
    _add_stand_ins()
    small = {"mlp.epochs": 2, "resnet50_scratch.epochs": 1}
    real = [
        plan_experiment("leaves", ["majority", "mlp"], image_size=32, overrides={"mlp.epochs": 2}),
        plan_experiment(
            "birds", ["majority", "mlp", "resnet50_scratch"], image_size=32, overrides=small
        ),
        plan_experiment("birds", ["majority", "mlp"], image_size=32, overrides={"mlp.epochs": 2}),
    ]
    ids = []
    for spec in real:
        ids.append(store.create_experiment(spec))
        _do_all(store)
    assert len(store.experiments()) == EXPERIMENTS, len(store.experiments())
    return ids[1]


def _do_all(store: Any) -> None:
    """In place of a worker: every job that waits."""
    from core.jobs.child import execute

    while (job := store.claim_next("benchmark")) is not None:
        execute(store, job.id)


def _add_dataset(name: str) -> None:
    """96 colour pictures of 32 x 32 in three classes that differ in colour."""
    from core.datasets.add import add_pixels

    random = np.random.default_rng(len(name) + ord(name[0]))
    labels = np.repeat(np.arange(3), 32)
    pixels = random.integers(0, 120, size=(96, 32, 32, 3)).astype(np.uint8)
    pixels[np.arange(96), :, :, labels] += 100
    add_pixels(pixels, labels, [f"{name} {kind}" for kind in "abc"], name, "made by a benchmark")


def _add_stand_ins() -> None:
    from core.analysis.listing import ListedResult, PretrainingGain
    from core.analysis.verdicts import Outcome
    from core.datasets.storage import open_dataset
    from core.experiments.labels import change_labels
    from core.experiments.planning import plan_experiment
    from core.experiments.store import open_store
    from core.experiments.summaries import keep_summary, read_summaries

    store, random = open_store(), np.random.default_rng(0)
    recorded = Counter(one.spec.dataset_name for one in store.experiments())
    ids: list[str] = []
    with store.database.writing() as connection:
        for dataset, count in COUNTS.items():
            for number in range(count - recorded[dataset] - RUN_HERE.get(dataset, 0)):
                planned = plan_experiment(open_dataset(dataset).id, ["majority"], image_size=96)
                names = STRATEGIES[number % len(STRATEGIES)]
                preset = ("quick", "article")[number % 2]
                changed: dict[str, object] = {
                    "strategies": tuple((one, {}) for one in names),
                    "preset": preset,
                }
                ids.append(f"{len(ids):08x}")
                moment = f"{1 + number:02d}T10:{len(ids):02d}:00.000000+00:00"
                day = f"2026-{9 + number % 2:02d}-{moment}"
                insert_finished(connection, ids[-1], planned.model_copy(update=changed), day)
    _, marks = read_summaries(store.database)
    for name in ids:
        accuracy, gain = random.uniform(0.5, 0.95), random.uniform(-0.05, 0.3)
        found = PretrainingGain(
            *("CNN, three blocks", "VGG16 probe", gain, gain - 0.08, gain + 0.08),
            Outcome.AHEAD if gain > 0.08 else Outcome.TIED,
        )
        listed = ListedResult(
            *("VGG16 probe", accuracy, accuracy - 0.05, accuracy + 0.04, accuracy - 0.4, True),
            *(found, "VGG16 probe", 12.0, 80.0, "a stand-in", 0),
        )
        keep_summary(store.database, name, marks[name], asdict(listed))
        change_labels(store, name, "benchmark", note=STAND_IN)


def newcomer(page: Any, folder: Path | None) -> list[dict[str, Any]]:
    """Do it all; returns the steps. Raises where the page did not do what was asked."""
    from playwright.sync_api import expect

    steps = Steps(page, folder)
    search = page.get_by_role("textbox", name="Search")
    page.goto("/experiments")
    page.get_by_test_id("stDataFrame").first.wait_for()

    def look_for(words: str, count: str) -> None:
        steps.fill(search, words)
        search.press("Enter")
        expect(page.get_by_text(f"{count} of {EXPERIMENTS}")).to_be_visible()

    with steps.step("find it"):
        look_for("birds resnet50", "6 experiments")
        steps.press_row(0)
        expect(page.get_by_role("link", name="Open", exact=True)).to_be_visible()
    with steps.step("name it"):
        steps.press(page.get_by_role("button", name="Name …"))
        steps.fill(page.get_by_label("Name", exact=True), NAME)
        steps.press(page.get_by_role("button", name="Save"))
        expect(page.get_by_role("dialog")).to_have_count(0)
    with steps.step("add two seeds"):
        steps.press(page.get_by_role("button", name="Add seeds …"))
        steps.fill(page.get_by_role("spinbutton", name="More seeds"), "2")
        steps.press(page.get_by_role("button", name="Run them"))
        expect(page.get_by_test_id("stMain").get_by_role("link", name="Watch it")).to_be_visible()
    with steps.step(f"archive {ARCHIVED} others"):
        look_for("flowers", f"{COUNTS['flowers']} experiments")
        steps.press_row(0)
        steps.press_row(ARCHIVED - 1, modifiers=["Shift"])
        steps.press(page.get_by_role("button", name="Archive", exact=True))
        expect(page.get_by_text(f"Archived: {ARCHIVED} experiments")).to_be_visible()
    with steps.step("a file for a colleague"):
        look_for("leaves", f"{COUNTS['leaves']} experiments")
        steps.press_row(0)
        with page.expect_download() as coming:
            steps.press(page.get_by_role("button", name="Export …"))
            steps.press(page.get_by_role("button", name="Results and weights"))
        assert coming.value.suggested_filename.startswith("headstart-")
    return steps.done


def check(wanted: str) -> None:
    """The store says that all of it was done."""
    from core.experiments.store import open_store

    store = open_store()
    found = store.experiment(wanted)
    assert (found.labels.name, found.spec.seeds) == (NAME, (0, 1, 2)), found
    archived = [one for one in store.experiments() if one.labels.archived]
    assert len(archived) == ARCHIVED, len(archived)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--home", type=Path, help="made there and kept; it must be empty")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--screenshots", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder) / "home"
        os.environ["HEADSTART_HOME"] = str(home)
        wanted = make_home()
        from tests.browser import running_app, running_browser

        with running_app(home, Path(folder) / "log") as address, running_browser() as browser:
            page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 800})
            done = newcomer(page, arguments.screenshots)
            check(wanted)
    document = {
        "experiments": EXPERIMENTS,
        "presses": sum(one["presses"] for one in done),
        "seconds": round(sum(one["seconds"] for one in done), 1),
        "wish_seconds": WISH_SECONDS,
        "steps": done,
        "load_average": round(os.getloadavg()[0], 1),
    }
    tell(document, arguments.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""A home with one tiny dataset, for tests that run, queue or type commands."""

import json
import tarfile
from pathlib import Path

import numpy as np
import psutil

from core.datasets.add import add_pixels
from core.datasets.dataset import Dataset
from core.experiments.planning import plan_experiment
from core.experiments.records import ExperimentSpec
from core.jobs.child import execute
from core.jobs.queue import JobQueue

CLASSES = ["down", "left", "up"]
IMAGES_PER_CLASS = 40
OLD_HOME = Path(__file__).parent / "old_home" / "home.tar.xz"


def leave_out_bundled_datasets(home: Path) -> None:
    """Note the bundled datasets as given already, so that no test pays for reading them."""
    folder = home / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundled.json").write_text(json.dumps({"digits": "0" * 64, "themes16": "0" * 64}))


def end_workers(queue: JobQueue) -> None:
    """End the detached workers of this queue, known by the id in their command line."""
    ids = {worker.id for worker in queue.live_workers()}
    for process in psutil.process_iter(["cmdline"]):
        if ids & set(process.info["cmdline"] or []):
            process.terminate()
            process.wait(timeout=20)


def do_next(queue: JobQueue) -> None:
    """In place of a worker: the first job that waits, done by the very function of the child."""
    job = queue.claim_next("here")
    assert job is not None
    execute(queue, job.id)


def add_arrows() -> Dataset:
    """120 grey pictures of 8x8 in three classes that differ in where they are bright."""
    random = np.random.default_rng(7)
    pixels = random.integers(0, 120, size=(3 * IMAGES_PER_CLASS, 8, 8)).astype(np.uint8)
    labels = np.repeat(np.arange(3), IMAGES_PER_CLASS)
    pixels[labels == 0, 4:, :] += 100
    pixels[labels == 1, :, :4] += 100
    pixels[labels == 2, :4, :] += 100
    return add_pixels(pixels, labels, CLASSES, "arrows", "made for a test")


def majority_spec(seeds: tuple[int, ...] = (0,)) -> ExperimentSpec:
    """The cheap real strategy on the arrows."""
    return plan_experiment("arrows", ["majority"], seeds=seeds, image_size=8)


def long_spec(epochs: int = 1000) -> ExperimentSpec:
    """A real network that trains long enough to be cancelled or killed on the way."""
    overrides = {"mlp.epochs": epochs, "mlp.hidden_width": 8, "mlp.hidden_layers": 1}
    return plan_experiment("arrows", ["mlp"], image_size=8, overrides=overrides)


def unpack_old_home(folder: Path) -> None:
    """Put the home of the first edition into ``folder``, without the weights beside it."""
    with tarfile.open(OLD_HOME) as archive:
        # As a property: Python 3.11.2, that of Debian 12, has no argument for it.
        archive.extraction_filter = lambda member, _folder: member
        archive.extractall(folder)

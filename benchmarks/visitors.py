"""What visitors cost the server: processor time of a page run, waiting times, memory.

    python -m benchmarks.visitors --label "what was changed" [--visitors 20] [--seconds 120]
        [--output benchmarks/results/visitors.json]

Starts the app over the recorded experiments and copies of them, 200 runs and more. Visitors are
sessions without a browser: each speaks Streamlit's protocol over a websocket, as a tab does, and
fetches the images that it has not seen yet. First one walks alone through ``STOPS`` with nothing
cached, then again several times: that gives each stop's processor time. Then all walk at once, each
from another stop, with a pause on each page. At last all watch an experiment at work, whose page
asks anew every second.

Processor seconds are those of the server's process alone, so they hold beside other work on the
machine; waiting times, until the last element is there, do not. The result is added to the list in
``--output``, so that what a change gained can be read there.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import random
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.page_speed import DATASET, EXPERIMENT, fill_home

COMPARE = f"experiment={EXPERIMENT}"
# What is asked for: a page and its query.
STOPS = {
    "story": ("", ""),
    "story, scene 3": ("", f"{COMPARE}&scene=3"),
    "compare": ("compare", COMPARE),
    "compare, macro F1": ("compare", f"{COMPARE}&metric=macro_f1"),
    "compare, differences": ("compare", f"{COMPARE}&view=differences"),
    "compare, time": ("compare", f"{COMPARE}&view=time"),
    "compare, confusion": ("compare", f"{COMPARE}&view=pictures"),
    "compare, hardest": ("compare", f"{COMPARE}&view=pictures&show=hardest"),
    "compare, several": ("compare", f"{COMPARE}&view=several"),
    "watch": ("watch", COMPARE),
    "try it": ("try_it", COMPARE),
    "try it, guess": ("try_it", f"{COMPARE}&view=guess"),
    "datasets": ("datasets", ""),
    "dataset, health": ("datasets", f"dataset={DATASET}"),
    "dataset, images": ("datasets", f"dataset={DATASET}&section=Images"),
}
WALKS_ALONE = 6
# Seconds that somebody looks at a page, at least and at most.
PAUSE = (2.0, 4.0)
# The server tidies up after a run, which belongs to it.
AFTERWARDS_SECONDS = 0.15
LOADING = "being loaded"
LOADING_SECONDS = 120
# Of the experiment at work: one run is over, the second too, the third goes on.
LIVE_STRATEGIES, LIVE_SIZE, LIVE_EPOCHS = ("majority", "mlp", "cnn"), 64, 40
EPOCH_SECONDS, PROGRESS_SECONDS = 3.0, 0.5
MEGABYTE = 1_000_000


class Visitor:
    """One session, as a tab of a browser has it."""

    def __init__(self, host: str, socket: Any) -> None:
        self._host = host
        self._socket = socket
        self._pages: dict[str, str] = {}
        # A browser keeps large messages for two runs; the server then sends their hashes alone.
        self._kept: deque[set[str]] = deque(maxlen=2)
        self._seen_images: set[str] = set()
        self._asked: dict[str, Any] = {}
        self.timers: dict[str, float] = {}
        self.messages: list[Any] = []

    def open(self, path: str, query: str) -> float:
        """Go to a page; returns the seconds until its last element is there."""
        self._asked = {"query_string": query}
        if path in self._pages:
            self._asked["page_script_hash"] = self._pages[path]
        else:
            self._asked["page_name"] = path
        self.timers = {}
        seconds = self._run(self._asked, "FINISHED_SUCCESSFULLY")
        self._fetch_images()
        return seconds

    def tick(self, fragment: str) -> float:
        """Draw a part of the page that asks anew by itself, once; the seconds as in ``open``."""
        asked = {**self._asked, "fragment_id": fragment, "is_auto_rerun": True}
        return self._run(asked, "FINISHED_FRAGMENT_RUN_SUCCESSFULLY")

    def words(self) -> str:
        """All texts of the last run, for a look at what is there."""
        return " ".join(
            message.delta.new_element.markdown.body
            for message in self.messages
            if message.HasField("delta")
        )

    def _run(self, asked: dict[str, Any], wanted: str) -> float:
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        message = BackMsg()
        for name, value in asked.items():
            setattr(message.rerun_script, name, value)
        message.rerun_script.cached_message_hashes.extend(set().union(*self._kept))
        self._kept.append(set())
        self.messages = []
        start = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while True:
            found = ForwardMsg()
            found.ParseFromString(self._socket.recv(timeout=120))
            self._take(found)
            if found.HasField("script_finished"):
                status = ForwardMsg.ScriptFinishedStatus.Name(found.script_finished)
                if status == wanted:
                    return time.perf_counter() - start
                if status == "FINISHED_WITH_COMPILE_ERROR":
                    raise RuntimeError("the page does not compile")

    def _take(self, message: Any) -> None:
        self.messages.append(message)
        if message.metadata.cacheable:
            self._kept[-1].add(message.hash)
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            self._kept[-1].add(message.ref_hash)
        elif kind == "navigation":
            self._pages = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "auto_rerun":
            self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "delta":
            element = message.delta.new_element
            if element.HasField("exception") or "Error id" in element.alert.body:
                raise RuntimeError(f"the page shows an error: {element}")

    def _fetch_images(self) -> None:
        found = {
            image.url
            for message in self.messages
            if message.HasField("delta")
            for image in message.delta.new_element.imgs.imgs
            if image.url.startswith("/media/")
        }
        with closing(HTTPConnection(self._host, timeout=60)) as connection:
            for url in sorted(found - self._seen_images):
                connection.request("GET", url)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{url} is answered with {answer.status}")
        self._seen_images |= found


@contextmanager
def visiting(base: str) -> Iterator[Visitor]:
    """A visitor of the app at ``base``, who has opened nothing yet."""
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    host = urlsplit(base).netloc
    address = f"ws://{host}/_stcore/stream"
    with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as socket:
        yield Visitor(host, socket)


@dataclass
class Server:
    """The running app, its process and what it used."""

    base: str
    process: psutil.Process

    def processor_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_megabytes(self) -> float:
        return round(self.process.memory_info().rss / MEGABYTE, 1)


@dataclass
class Waits:
    """How long each request took, counted by many threads."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, float | int]:
        ordered = sorted(self.seconds)
        return {
            "runs": len(ordered),
            "median_seconds": round(statistics.median(ordered), 3),
            "p95_seconds": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
            "worst_seconds": round(ordered[-1], 3),
        }


def walk_alone(server: Server) -> dict[str, dict[str, float]]:
    """Each stop by one visitor: at first with nothing cached, then the mean of several walks."""
    first: dict[str, tuple[float, float]] = {}
    again: dict[str, list[tuple[float, float]]] = {name: [] for name in STOPS}
    with visiting(server.base) as visitor:
        for walk in range(WALKS_ALONE + 1):
            for name, (path, query) in STOPS.items():
                before = server.processor_seconds()
                waited = visitor.open(path, query)
                time.sleep(AFTERWARDS_SECONDS)
                used = server.processor_seconds() - before
                if walk:
                    again[name].append((used, waited))
                else:
                    first[name] = (used, waited)
            if not walk:
                wait_for_networks(visitor)
    return {
        name: {
            "first_processor_seconds": round(first[name][0], 3),
            "first_seconds": round(first[name][1], 3),
            "processor_seconds": round(statistics.fmean(used for used, _ in again[name]), 4),
            "median_seconds": round(statistics.median(waited for _, waited in again[name]), 3),
        }
        for name in STOPS
    }


def wait_for_networks(visitor: Visitor) -> None:
    """Until those of the page Try it are loaded: that work is another process's, and noise here."""
    end = time.monotonic() + LOADING_SECONDS
    while time.monotonic() < end:
        visitor.open(*STOPS["try it"])
        if LOADING not in visitor.words():
            return
        time.sleep(1)


def in_a_crowd(
    server: Server, visitors: int, seconds: float, act: Callable[[int, Waits, float], None]
) -> dict[str, Any]:
    """``act(number, waits, end)`` in a thread for each visitor, and what the server used."""
    waits, end = Waits(), time.monotonic() + seconds

    def visit(number: int) -> None:
        try:
            act(number, waits, end)
        except Exception as error:  # noqa: BLE001 - told below, once all are done
            waits.errors.append(repr(error))

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(visitors)]
    before, start = server.processor_seconds(), time.perf_counter()
    memory = server.memory_megabytes()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used, took = server.processor_seconds() - before, time.perf_counter() - start
    if waits.errors:
        raise SystemExit(f"{len(waits.errors)} visitors met errors: {waits.errors[:3]}")
    return {
        "visitors": visitors,
        "seconds": round(took, 1),
        **waits.as_dict(),
        "processor_seconds_each": round(used / len(waits.seconds), 4),
        "processor_fraction": round(used / took, 3),
        "memory_before_mb": memory,
        "memory_after_mb": server.memory_megabytes(),
    }


def walk_together(server: Server, visitors: int, seconds: float) -> dict[str, Any]:
    names = list(STOPS)

    def act(number: int, waits: Waits, end: float) -> None:
        pause = random.Random(number)
        time.sleep(pause.uniform(0, PAUSE[1]))
        with visiting(server.base) as visitor:
            place = number % len(names)
            while time.monotonic() < end:
                waits.seconds.append(visitor.open(*STOPS[names[place]]))
                place = (place + 1) % len(names)
                time.sleep(pause.uniform(*PAUSE))

    return in_a_crowd(server, visitors, seconds, act)


def watch_together(server: Server, visitors: int, seconds: float) -> dict[str, Any]:
    def act(number: int, waits: Waits, end: float) -> None:
        with visiting(server.base) as visitor:
            visitor.open("watch", f"experiment={experiment}")
            ((fragment, interval),) = visitor.timers.items()
            time.sleep(random.Random(number).uniform(0, interval))
            while time.monotonic() < end:
                due = time.monotonic() + interval
                waits.seconds.append(visitor.tick(fragment))
                time.sleep(max(0.0, due - time.monotonic()))

    with experiment_at_work() as experiment:
        return in_a_crowd(server, visitors, seconds, act)


@contextmanager
def experiment_at_work() -> Iterator[str]:
    """An experiment whose epochs this process makes up, one every few seconds; gives its id."""
    from core.datasets.storage import open_dataset
    from core.experiments.planning import plan_experiment
    from core.experiments.store import open_store
    from core.jobs.progress import Progress
    from core.training.events import EpochRecord, TrackedImage
    from core.training.scoring import tracked_rows
    from tests import made_up

    store, worker, over = open_store(), "benchmark", threading.Event()
    spec = plan_experiment(DATASET, LIVE_STRATEGIES, image_size=LIVE_SIZE)
    dataset = open_dataset(DATASET)
    validation = spec.split.of(dataset).validation
    images = validation[tracked_rows(dataset.labels[validation])].tolist()

    def epoch(number: int) -> EpochRecord:
        answers = [
            TrackedImage(image, int(dataset.labels[image]) if place < number else 0, 0.5)
            for place, image in enumerate(images)
        ]
        accuracy = number / LIVE_EPOCHS
        return made_up.epoch(
            number,
            epochs=LIVE_EPOCHS,
            train_accuracy=accuracy,
            validation_accuracy=accuracy,
            tracked=tuple(answers),
        )

    experiment = store.create_experiment(spec)

    def next_run() -> str:
        job = store.claim_next(worker, experiment)
        assert job is not None, "somebody else took a run of this benchmark"
        return job.id

    # As a worker that serves all, so that the page starts none.
    store.announce_worker(worker)
    store.finish_run(next_run(), made_up.result(epochs=0))
    second = next_run()
    for number in range(1, LIVE_EPOCHS + 1):
        store.add_epoch(second, epoch(number))
    store.finish_run(second, made_up.result(0.81))

    def train(run: str) -> None:
        number, due = 0, 0.0
        while not over.wait(PROGRESS_SECONDS):
            store.heartbeat(worker)
            if time.monotonic() >= due and number < LIVE_EPOCHS:
                due, number = time.monotonic() + EPOCH_SECONDS, number + 1
                store.add_epoch(run, epoch(number))
            progress = Progress("Training", number, LIVE_EPOCHS, epoch=number, epochs=LIVE_EPOCHS)
            store.set_progress(run, progress)

    trainer = threading.Thread(target=train, args=(next_run(),))
    trainer.start()
    try:
        yield experiment
    finally:
        over.set()
        trainer.join()
        store.request_cancel_experiment(experiment)
        store.forget_worker(worker)


def measure(scratch: Path, label: str, visitors: int, seconds: float) -> dict[str, Any]:
    from core.devices import processor_name
    from tests.browser import running_app

    home = scratch / "home"
    os.environ["HEADSTART_HOME"] = str(home)
    runs = fill_home(scratch)
    result: dict[str, Any] = {
        "label": label,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": processor_name(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("streamlit", "plotly")},
        },
        "runs": runs,
        "load_average_before": [round(value, 1) for value in os.getloadavg()],
    }
    with running_app(home, scratch / "server.log") as base:
        server = Server(base, _server_process(base))
        stops = walk_alone(server)
        mean = statistics.fmean(stop["processor_seconds"] for stop in stops.values())
        result["alone"] = {
            "processor_seconds_each": round(mean, 4),
            "memory_mb": server.memory_megabytes(),
            "stops": stops,
        }
        print(json.dumps(result["alone"], indent=1), flush=True)
        result["walking"] = walk_together(server, visitors, seconds)
        print("walking", result["walking"], flush=True)
        result["watching"] = watch_together(server, visitors, seconds / 2)
        print("watching", result["watching"], flush=True)
    result["load_average_after"] = [round(value, 1) for value in os.getloadavg()]
    return result


def _server_process(base: str) -> psutil.Process:
    port = base.rpartition(":")[2]
    return next(each for each in psutil.Process().children() if port in each.cmdline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--label", default="", help="what is measured, for the result")
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headstart-benchmark-") as folder:
        result = measure(Path(folder), arguments.label, arguments.visitors, arguments.seconds)
    if arguments.output:
        known = json.loads(arguments.output.read_text()) if arguments.output.exists() else []
        arguments.output.write_text(json.dumps([*known, result], indent=1) + "\n")


if __name__ == "__main__":
    main()

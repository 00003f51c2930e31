"""The job ``live``: holds the networks of experiments and answers for them, one for each home.

One thread does everything that concerns Keras: it loads one network at a time, and takes questions
in between. Another indexes the images of the dataset, to know copies of them. A thread for each
connection only talks. The process works on the processor alone, gives
way to timed runs, and ends after some minutes without a question.
"""

import os
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from core.backbones.backend import load_keras
from core.datasets.copies import index_for_copy_lookup
from core.datasets.storage import open_dataset
from core.errors import BadInput, Cancelled
from core.experiments.store import Store, open_store
from core.jobs.context import JobContext
from core.jobs.kinds import find_kind
from core.live.connection import (
    CONNECT_SECONDS,
    Address,
    Arrays,
    Body,
    ConnectionLostError,
    check_visitor,
    listen,
    publish_address,
    read_address,
    receive,
    send,
)
from core.live.model_cache import Memory, ModelCache, RunKey
from core.networks.explain import explain
from core.settings import current_settings
from core.strategies.registry import find_strategy

TICK_SECONDS = 1.0
FREE_SECONDS = 30.0
NICENESS = 19
TIMED_RUN = (
    "A timed run is using this machine and goes first: answers come slowly until it is done, and "
    "their times mean nothing."
)
DO_NOT_FIT = (
    "Not all networks of this experiment fit into memory together: some are loaded again each time "
    "they are asked, which takes seconds."
)
COPIES = "Indexing the dataset's images, to recognise copies of them"


def run(_arguments: dict[str, Any], context: JobContext) -> None:
    """Load the libraries, listen, answer; returns when nobody asked for long or it must end."""
    context.report("Loading the libraries")
    load_keras()
    settings = current_settings()
    store = open_store()
    cache = ModelCache(store, Memory(settings.models_memory_bytes))
    requests = RequestLoop(store, cache, settings.models_idle_seconds)
    with listen() as listener:
        key = secrets.token_hex(32)
        address = Address(os.getpid(), listener.address, key, context.job.attempts)
        publish_address(address, context.job.id)
        threading.Thread(target=_accept, args=(listener, key, requests), daemon=True).start()
        # A home that was removed, as tests do, leaves nobody who could ask.
        while not (
            requests.is_over or read_address(context.job.id) != address or context.should_stop()
        ):
            requests.look_around()
            time.sleep(TICK_SECONDS)
        requests.is_over = True
    requests.finish()


def _accept(listener: Listener, key: str, requests: "RequestLoop") -> None:
    while not requests.is_over:
        try:
            connection = listener.accept()
        except OSError as error:
            if not requests.is_over:
                print(f"a connection could not be accepted: {error}", file=sys.stderr)  # noqa: T201
                time.sleep(TICK_SECONDS)
            continue
        threading.Thread(target=_talk, args=(connection, key, requests), daemon=True).start()


def _talk(connection: Connection, key: str, requests: "RequestLoop") -> None:
    """One question, one answer; a stranger gets none."""
    found: Arrays = {}
    with connection:
        try:
            check_visitor(connection, key)
            body, arrays = receive(connection, CONNECT_SECONDS)
            if requests.is_over:
                return  # whoever asked starts the next process
            try:
                reply, found = requests.handle(body, arrays)
            except BadInput as error:
                reply = {"refused": str(error)}
            except Exception as error:  # noqa: BLE001 - whoever asked must hear of it
                traceback.print_exc()
                reply = {"failed": find_kind("live").failure_message(error)}
            send(connection, reply, found)
        except ConnectionLostError as error:
            print(f"a connection was dropped: {error}", file=sys.stderr)  # noqa: T201


@dataclass
class Loading:
    """How far the networks of one experiment are; ``done`` of ``total`` belong to ``step``."""

    keys: tuple[RunKey, ...]
    step: str
    done: int
    total: int
    is_ready: bool = False
    do_not_fit: bool = False


class RequestLoop:
    """Hears requests on any thread and does the work on two of its own: networks, and copies."""

    def __init__(self, store: Store, cache: ModelCache, idle_seconds: float) -> None:
        self.is_over = False
        self._store = store
        self._cache = cache
        self._idle_seconds = idle_seconds
        self._asked_at = time.monotonic()
        self._taken_at: float | None = None
        self._loadings: dict[str, Loading] = {}
        self._deciding = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1)
        # Thousands of photographs take minutes to prepare: questions must not wait for that.
        self._indexer = ThreadPoolExecutor(max_workers=1)

    def finish(self) -> None:
        """Answer what was asked before, then stop."""
        self.is_over = True
        self._worker.shutdown()
        self._indexer.shutdown()

    def look_around(self) -> None:
        """Now and then: is a timed run at work, is memory short, was nothing asked for long?"""
        if self._store.is_taken("device"):
            if self._taken_at is None:
                _give_way()
            self._taken_at = time.monotonic()
        elif self._taken_at is not None and time.monotonic() - self._taken_at > FREE_SECONDS:
            print("the timed runs are done; the next process is as fast as ever", file=sys.stderr)  # noqa: T201
            self.is_over = True
        if self._cache.held and self._cache.memory.is_short:
            self._worker.submit(self._cache.make_room)
        if time.monotonic() - self._asked_at > self._idle_seconds:
            print("nobody asked for long", file=sys.stderr)  # noqa: T201 - this is its log
            self.is_over = True

    def handle(self, body: Body, arrays: Arrays) -> tuple[Body, Arrays]:
        """Answer one request: see ``core.live.client`` for who asks what.

        Raises ``BadInput`` for an image of another shape.
        """
        keys = tuple(RunKey(*run) for run in body["runs"])
        if body["do"] == "load":
            return self._state(body["experiment"], keys), {}
        self._asked_at = time.monotonic()
        work = self._worker.submit(self._answer, keys, arrays["image"], body["classes"])
        return work.result()

    def _state(self, experiment_id: str, keys: tuple[RunKey, ...]) -> Body:
        with self._deciding:
            loading = self._loadings.get(experiment_id)
            if loading is None or loading.keys != keys or self._was_let_go(loading):
                self._asked_at = time.monotonic()
                loading = Loading(keys, "Waiting for other networks", 0, len(keys))
                self._loadings[experiment_id] = loading
                self._worker.submit(self._load_next, experiment_id, loading)
        note = DO_NOT_FIT if loading.do_not_fit else ""
        reasons = {key.strategy: self._cache.failure(key) for key in keys}
        held = self._cache.held
        return {
            "state": "ready" if loading.is_ready else "loading",
            "step": loading.step,
            "done": loading.done,
            "total": loading.total,
            "loaded": [key.strategy for key in keys if key in held],
            "unable": {strategy: reason for strategy, reason in reasons.items() if reason},
            "note": note if self._taken_at is None else TIMED_RUN,
        }

    def _was_let_go(self, loading: Loading) -> bool:
        missing = bool(self._cache.missing(loading.keys))
        return loading.is_ready and not loading.do_not_fit and missing

    def _load_next(self, experiment_id: str, loading: Loading) -> None:
        """Load one network; the next is put behind the questions that came meanwhile."""
        if self.is_over or self._loadings[experiment_id] is not loading:
            return  # other runs of the experiment are wanted by now
        missing = self._cache.missing(loading.keys)
        if not missing or loading.do_not_fit:
            self._indexer.submit(self._index_copies, experiment_id, loading)
            return
        loading.done = loading.total - len(missing)
        loading.step = f"Loading {find_strategy(missing[0].strategy).title}"
        self._cache.take(missing[0])
        loading.do_not_fit = not self._cache.make_room(keep=loading.keys)
        self._worker.submit(self._load_next, experiment_id, loading)

    def _index_copies(self, experiment_id: str, loading: Loading) -> None:
        def report(done: int, total: int) -> None:
            loading.step, loading.done, loading.total = COPIES, done, total

        try:
            spec = self._store.experiment(experiment_id).spec
            dataset = open_dataset(spec.dataset_id)
            index_for_copy_lookup(
                dataset, spec.image_size, spec.resize, report, lambda: self.is_over
            )
        except Cancelled:
            return
        except Exception:  # noqa: BLE001 - the networks answer without it, and pages say so
            traceback.print_exc()
        loading.step, loading.done, loading.total = "", len(loading.keys), len(loading.keys)
        loading.is_ready = True

    def _answer(
        self, keys: tuple[RunKey, ...], image: np.ndarray, classes: Mapping[str, int] | None
    ) -> tuple[Body, Arrays]:
        """Arrays and seconds by run: probabilities, or heat maps for ``classes``."""
        seconds: dict[str, float] = {}
        arrays: dict[str, np.ndarray] = {}
        for key in keys:
            network = self._cache.take(key)
            if network is None:
                continue
            try:
                network.check_images(image[None])
                started = time.perf_counter()
                found = (
                    network.probabilities(image[None])
                    if classes is None
                    else explain(network, image[None], np.array([classes[key.run_id]]))
                )
                seconds[key.run_id] = time.perf_counter() - started
                arrays[key.run_id] = found[0]
            except BadInput:
                raise
            except Exception as error:  # noqa: BLE001 - one network fails, the others answer
                self._cache.note_failure(key, error)
        return {"seconds": seconds}, arrays


def _give_way() -> None:
    """Leave the processor to a timed run, whose clock must not feel the questions of a page.

    There is no way back without privileges: a process that gave way ends when the timed runs are
    done (``FREE_SECONDS`` after the last: one follows the other), and the next question starts a
    new one. With this niceness from the beginning, a busy machine would never load the libraries.
    """
    process = psutil.Process()
    if not sys.platform.startswith("linux"):
        process.nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else NICENESS)
        return
    for thread in process.threads():  # Linux: each thread has a niceness of its own
        try:
            os.setpriority(os.PRIO_PROCESS, thread.id, NICENESS)
        except ProcessLookupError:
            continue  # a connection that was answered meanwhile
    autogroup = Path("/proc/self/autogroup")
    if autogroup.exists():
        # Linux may divide the processor between sessions before it looks at niceness, and this
        # process has a session of its own.
        try:
            autogroup.write_text(str(NICENESS))
        except OSError as error:
            print(f"{autogroup}: {error}", file=sys.stderr)  # noqa: T201

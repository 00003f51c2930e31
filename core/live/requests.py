"""What the process that holds the networks is at: one thread, questions before loading."""

import itertools
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from core.datasets.copies import index_for_copy_lookup
from core.datasets.storage import open_dataset
from core.errors import BadInput
from core.experiments.store import Store
from core.live.model_cache import ModelCache, RunKey
from core.live.protocol import Arrays, Body
from core.strategies.registry import find_strategy

QUESTION, HOUSEKEEPING, LOADING, END = range(4)
FINISH_SECONDS = 10.0
FREE_SECONDS = 30.0
NICENESS = 19
TIMED_RUN = (
    "A timed run is using this machine and goes first: answers come slowly until it is done, and "
    "their times say nothing."
)
DO_NOT_FIT = (
    "Not all networks of this experiment fit into memory together: those that do not are put "
    "together again each time they are asked, which takes seconds."
)
COPIES = "Looking at the dataset's pictures, to tell copies of them"


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
    """Hears requests on any thread and does the work on one of its own."""

    def __init__(self, store: Store, cache: ModelCache, idle_seconds: float) -> None:
        self.is_over = False
        self._store = store
        self._cache = cache
        self._idle_seconds = idle_seconds
        self._asked_at = time.monotonic()
        self._taken_at: float | None = None
        self._held: frozenset[RunKey] = frozenset()
        self._loadings: dict[str, Loading] = {}
        self._deciding = threading.Lock()
        self._order = itertools.count()
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], None]]] = queue.PriorityQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Answer what was asked before, then stop."""
        self._put(END, lambda: None)
        self._thread.join(FINISH_SECONDS)

    def look_around(self) -> None:
        """Now and then: is a timed run at work, is memory short, was nothing asked for long?"""
        if self._store.is_taken("device"):
            if self._taken_at is None:
                _give_way()
            self._taken_at = time.monotonic()
        elif self._taken_at is not None and time.monotonic() - self._taken_at > FREE_SECONDS:
            print("the timed runs are done; the next process is as fast as ever", file=sys.stderr)  # noqa: T201
            self.is_over = True
        if self._held and self._cache.memory.is_short:
            self._put(HOUSEKEEPING, self._make_room)
        if time.monotonic() - self._asked_at > self._idle_seconds:
            print("nobody asked for long", file=sys.stderr)  # noqa: T201 - this is its log
            self.is_over = True

    def handle(self, body: Body, arrays: Arrays) -> tuple[Body, Arrays]:
        """Answer one request: see ``core.live.client`` for who asks what."""
        if body["do"] == "leave":
            self.is_over = True
            return {}, {}
        keys = tuple(RunKey(*run) for run in body["runs"])
        if body["do"] == "load":
            return self._standing(body["experiment"], keys), {}
        self._asked_at = time.monotonic()
        reply: Future[tuple[Body, Arrays]] = Future()
        explains = body["do"] == "explain"
        self._put(QUESTION, lambda: self._say(reply, keys, arrays["picture"], explains))
        return reply.result()

    def _standing(self, experiment_id: str, keys: tuple[RunKey, ...]) -> Body:
        with self._deciding:
            loading = self._loadings.get(experiment_id)
            if loading is None or loading.keys != keys or self._was_let_go(loading):
                self._asked_at = time.monotonic()
                loading = Loading(keys, "Waiting for other networks", 0, len(keys))
                self._loadings[experiment_id] = loading
                self._put(LOADING, lambda: self._load_next(experiment_id, loading))
        reasons = {key.strategy: self._cache.failure(key) for key in keys}
        return {
            "state": "ready" if loading.is_ready else "loading",
            "step": loading.step,
            "done": loading.done,
            "total": loading.total,
            "unable": {strategy: reason for strategy, reason in reasons.items() if reason},
            "note": TIMED_RUN
            if self._taken_at is not None
            else DO_NOT_FIT
            if loading.do_not_fit
            else "",
        }

    def _was_let_go(self, loading: Loading) -> bool:
        return loading.is_ready and not loading.do_not_fit and bool(self._missing(loading.keys))

    def _missing(self, keys: tuple[RunKey, ...]) -> list[RunKey]:
        return [key for key in keys if key not in self._held and self._cache.failure(key) is None]

    def _load_next(self, experiment_id: str, loading: Loading) -> None:
        """Put one network together; the next is another job, so that questions come between."""
        if self._loadings[experiment_id] is not loading:
            return  # other runs of the experiment are wanted by now
        missing = self._missing(loading.keys)
        if not missing or loading.do_not_fit:
            self._know_copies(experiment_id, loading)
            loading.is_ready = True
            return
        loading.done = loading.total - len(missing)
        loading.step = f"Putting {find_strategy(missing[0].strategy).title} together"
        self._cache.take(missing[0])
        loading.do_not_fit = not self._cache.make_room(keep=loading.keys)
        self._put(LOADING, lambda: self._load_next(experiment_id, loading))

    def _know_copies(self, experiment_id: str, loading: Loading) -> None:
        def tell(done: int, total: int) -> None:
            loading.step, loading.done, loading.total = COPIES, done, total

        spec = self._store.experiment(experiment_id).spec
        try:
            index_for_copy_lookup(open_dataset(spec.dataset_id), spec.image_size, spec.resize, tell)
        except Exception:  # noqa: BLE001 - the networks answer without it, and pages say so
            traceback.print_exc()
        loading.step, loading.done, loading.total = "", len(loading.keys), len(loading.keys)

    def _make_room(self) -> None:
        self._cache.make_room()

    def _say(
        self,
        reply: "Future[tuple[Body, Arrays]]",
        keys: tuple[RunKey, ...],
        picture: np.ndarray,
        explains: bool,
    ) -> None:
        seconds: dict[str, float] = {}
        arrays: dict[str, np.ndarray] = {}
        for key in keys:
            if explains and not find_strategy(key.strategy).convolutional:
                continue
            try:
                started = time.perf_counter()
                if explains:
                    found = self._cache.heat_map(key, picture)
                    took = time.perf_counter() - started
                else:
                    found, took = self._cache.probabilities(key, picture)
            except BadInput as error:
                reply.set_result(({"refused": str(error)}, {}))
                return
            except Exception as error:  # noqa: BLE001 - one network fails, the others answer
                self._cache.note_failure(key, error)
                continue
            if found is not None:
                seconds[key.run_id], arrays[key.run_id] = took, found
        reply.set_result(({"refused": "", "seconds": seconds}, arrays))

    def _put(self, priority: int, job: Callable[[], None]) -> None:
        self._jobs.put((priority, next(self._order), job))

    def _work(self) -> None:
        while True:
            priority, _, job = self._jobs.get()
            if priority == END:
                return
            try:
                job()
            except Exception:  # noqa: BLE001 - the next question must find a thread
                traceback.print_exc()
            self._held = frozenset(self._cache.held)


def _give_way() -> None:
    """Leave the processor to a timed run, whose clock must not feel the questions of a page.

    There is no way back without privileges: a process that gave way ends when the timed runs are
    done (``FREE_SECONDS`` after the last: one follows the other), and the next is started anew. At
    this niceness from the beginning a machine that is busy with anything would never load the
    libraries.
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
        # Linux may share the processor between sessions before it looks at niceness, and this
        # process has a session of its own.
        try:
            autogroup.write_text(str(NICENESS))
        except OSError as error:
            print(f"{autogroup}: {error}", file=sys.stderr)  # noqa: T201

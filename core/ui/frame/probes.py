"""``/health`` for a proxy and ``/metrics`` for Prometheus, beside the pages.

Streamlit's own ``/_stcore/health`` says that the server process answers; this one says that home
and database do too. Both give names and numbers, no path, no name of a dataset or a person, and
look at most once in ``KEPT_SECONDS``, however often they are asked.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.errors import StoreError
from core.jobs.overview import overview
from core.operations.check import Check
from core.operations.doctor import check_installation
from core.operations.machine_checks import free_bytes
from core.settings import current_settings
from core.ui.frame import reads

KEPT_SECONDS = 5.0
# Without these no page can be shown. Another problem (no worker, a disk that fills) is named, but a
# proxy must not take the pages away for it.
NEEDED_BY_PAGES = frozenset({"settings", "home", "database"})
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"

T = TypeVar("T")


class Lately(Generic[T]):
    """What ``look`` gave, kept for ``KEPT_SECONDS``; one thread looks at a time."""

    def __init__(self, look: Callable[[], T], now: Callable[[], float] = time.monotonic) -> None:
        self._look, self._now = look, now
        self._lock = threading.Lock()
        self._found: tuple[float, T] | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._found is None or self._now() - self._found[0] >= KEPT_SECONDS:
                self._found = (self._now(), self._look())
            return self._found[1]


def health_of(found: list[Check]) -> tuple[int, str]:
    """The status and the line for a proxy: 503 where pages cannot be shown."""
    problems = [check.name for check in found if check.state == "problem"]
    names = ", ".join(dict.fromkeys(problems))
    if NEEDED_BY_PAGES & set(problems):
        return 503, f"failing: {names}"
    return 200, f"ok, but: {names}" if problems else "ok"


class QueueCollector(Collector):
    """Queue, workers and disk, read from the database when Prometheus asks."""

    def collect(self) -> Iterator[Metric]:
        free = free_bytes(current_settings().home)
        yield GaugeMetricFamily("headstart_home_free_bytes", "Room on the disk of the home", free)
        try:
            found = overview(reads.store())
        except StoreError:
            yield GaugeMetricFamily("headstart_database_up", "1 if it answers", 0)
            return
        yield GaugeMetricFamily("headstart_database_up", "1 if it answers", 1)
        alive = len(found.live_workers)
        yield GaugeMetricFamily("headstart_workers", "Workers that renew their lease", alive)
        jobs = GaugeMetricFamily("headstart_jobs", "Jobs by pool", labels=["pool", "state"])
        for pool in found.pools:
            jobs.add_metric([pool.name, "waiting"], pool.waiting)
            jobs.add_metric([pool.name, "running"], pool.running)
        yield jobs


def routes() -> list[Route]:
    """The two addresses, for ``st.App``."""
    registry = CollectorRegistry()
    registry.register(QueueCollector())
    ProcessCollector(registry=registry)
    checks = Lately(lambda: check_installation(quick=True))
    measured = Lately(lambda: generate_latest(registry))

    async def health(_request: Request) -> Response:
        status, line = health_of(await run_in_threadpool(checks))
        return PlainTextResponse(f"{line}\n", status, {"Cache-Control": "no-store"})

    async def metrics(_request: Request) -> Response:
        return Response(await run_in_threadpool(measured), media_type=PROMETHEUS_TEXT)

    return [Route("/health", health), Route("/metrics", metrics)]

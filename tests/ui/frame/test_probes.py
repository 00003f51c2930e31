"""``/health`` and ``/metrics``: what they say, how seldom they look, and once really served."""

import asyncio
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from core.experiments.store import open_store
from core.jobs.records import NewJob
from core.operations.check import Check
from tests.browser import running_app
from tests.stored_home import leave_out_bundled_datasets

pytest.importorskip("prometheus_client", reason="what requirements.txt lists is not installed")

from prometheus_client import CollectorRegistry, generate_latest

from core.ui.frame.probes import KEPT_SECONDS, Lately, QueueCollector, health_of, routes


def problem(*names: str) -> list[Check]:
    return [Check("device", "ok", ""), *(Check(name, "problem", "secret") for name in names)]


@pytest.mark.parametrize(
    ("found", "status", "line"),
    [
        ([], 200, "ok"),
        ([Check("home", "note", "secret")], 200, "ok"),
        (problem("worker", "disk", "disk"), 200, "ok, but: worker, disk"),
        (problem("database"), 503, "failing: database"),
        (problem("home", "worker"), 503, "failing: home, worker"),
        (problem("settings"), 503, "failing: settings"),
    ],
)
def test_pages_are_taken_away_only_where_none_can_be_shown(found, status, line) -> None:
    assert health_of(found) == (status, line)


def test_it_looks_once_in_a_while() -> None:
    looked, clock = [], [0.0]
    lately = Lately(lambda: looked.append(1) or len(looked), now=lambda: clock[0])
    assert [lately(), lately()] == [1, 1]
    clock[0] = KEPT_SECONDS - 0.1
    assert lately() == 1
    clock[0] = KEPT_SECONDS
    assert lately() == 2


def asked(path: str) -> tuple[int, str]:
    """What the address says, asked without a server."""
    (route,) = (one for one in routes() if one.path == path)
    answer = asyncio.run(route.endpoint(None))
    return answer.status_code, bytes(answer.body).decode()


def metrics() -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(QueueCollector())
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_a_damaged_database_is_unhealthy(home: Path) -> None:
    open_store()
    assert asked("/health") == (200, "ok\n")
    with open(home / "headstart.db", "r+b") as file:
        file.write(b"noise" * 100)
    assert asked("/health") == (503, "failing: database\n")
    (home / "headstart.db").unlink()
    with closing(sqlite3.connect(home / "headstart.db")) as connection:
        connection.execute("CREATE TABLE other (a)")
    found = metrics()
    assert found["headstart_database_up"] == 0
    assert found["headstart_home_free_bytes"] > 0
    assert "headstart_workers" not in found


@pytest.mark.usefixtures("home")
def test_metrics_count_jobs_and_workers() -> None:
    store = open_store()
    for name in ("one", "two"):
        store.add_job(NewJob(name, "train", {}))
    store.register_worker("here", 1)
    store.claim_next("here")
    found = metrics()
    assert found["headstart_workers"] == 1
    assert found['headstart_jobs{pool="device",state="waiting"}'] == 1
    assert found['headstart_jobs{pool="device",state="running"}'] == 1
    assert found['headstart_jobs{pool="cpu",state="waiting"}'] == 0
    assert found["headstart_database_up"] == 1


def test_both_are_served_beside_the_pages(home: Path, tmp_path: Path) -> None:
    leave_out_bundled_datasets(home)
    with running_app(home, tmp_path / "server.log", script="serve.py") as address:
        for path, words in (
            ("/health", "ok\n"),
            ("/metrics", "headstart_database_up 1.0"),
            ("/compare", "<!doctype html>"),
        ):
            with urllib.request.urlopen(f"{address}{path}", timeout=20) as answer:
                assert words in answer.read().decode().lower()

"""Workers on a real Ray cluster of two nodes, over a real PostgreSQL."""

import json
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.jobs.queue import JobQueue, open_queue
from core.jobs.records import NewJob
from tests.jobs.conftest import processes_of, wait_for
from tests.operations.made_cluster import STAND_IN, RayCluster, ray_cluster, ray_environment
from tests.postgres import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),  # one cluster
    pytest.mark.skipif(
        not (ray_environment() / "bin" / "ray").exists(),
        reason="Ray is not installed (make cluster-test)",
    ),
]

HOSTS = ("head", "second")


@pytest.fixture(scope="module")
def cluster(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RayCluster]:
    home = tmp_path_factory.mktemp("shared")
    variables = {
        "HEADSTART_HOME": str(home),
        "HEADSTART_DATABASE_URL": postgres_server.url(),
        "HEADSTART_LAUNCHER": STAND_IN,
    }
    folder = Path(tempfile.mkdtemp(prefix="hs-ray-"))
    with ray_cluster(folder, variables, *HOSTS) as started:
        yield started


@pytest.fixture
def queue(
    cluster: RayCluster, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JobQueue]:
    """An empty queue, served by a worker on each node."""
    assert postgres_url == cluster.variables["HEADSTART_DATABASE_URL"]
    for name in ("HEADSTART_HOME", "HEADSTART_DATABASE_URL"):
        monkeypatch.setenv(name, cluster.variables[name])
    done = cluster.type_it("cluster", "up", "--address", cluster.address, "--cpus-per-slot", "1")
    assert done.returncode == 0, done.stderr.decode()
    found = open_queue()
    wait_for(lambda: len(found.live_workers()) == len(HOSTS))
    yield found
    done = cluster.type_it("cluster", "down", "--address", cluster.address, "--json")
    assert json.loads(done.stdout) == {"ended": len(HOSTS)}
    assert found.live_workers() == []


def add(queue: JobQueue, *ids: str, do: str = "wait", **more: object) -> None:
    for job_id in ids:
        queue.add_job(NewJob(job_id, "train", {"do": do, **more}))


def test_each_node_has_a_worker_that_does_jobs_once(queue: JobQueue, tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    add(queue, *(f"job-{number}" for number in range(6)), do="take", seconds=1, tally=str(tally))
    wait_for(lambda: not queue.jobs(states=("queued", "running")), seconds=120)
    jobs = queue.jobs()
    assert {(job.state, job.attempts) for job in jobs} == {("finished", 1)}
    assert {job.device for job in jobs} == {"slot-1", "slot-2"}
    assert Counter(tally.read_text().split()) == Counter(job.id for job in jobs)


def test_a_cancel_ends_the_family_on_each_node(queue: JobQueue) -> None:
    add(queue, "one", "two")
    wait_for(lambda: all(queue.job(job_id).progress for job_id in ("one", "two")))
    asked_at = time.monotonic()
    for job_id in ("one", "two"):
        queue.cancel_job(job_id)
    wait_for(lambda: [processes_of(job_id) for job_id in ("one", "two")] == [[], []])
    assert time.monotonic() - asked_at < 5
    assert {job.state for job in queue.jobs()} == {"cancelled"}


def test_a_killed_worker_is_started_again_and_so_is_its_job(queue: JobQueue) -> None:
    add(queue, "lost", do="take", seconds=4)
    wait_for(lambda: queue.job("lost").progress is not None)
    worker_id = queue.job("lost").worker_id
    (worker,) = [one for one in queue.live_workers() if one.id == worker_id]
    psutil.Process(worker.process_id).send_signal(signal.SIGKILL)
    wait_for(lambda: queue.job("lost").state == "finished", seconds=120)
    assert queue.job("lost").attempts == 2
    alive = {one.id for one in queue.live_workers()}
    assert len(alive) == 2
    assert worker_id not in alive


def test_when_the_head_is_lost_its_job_waits_again_and_a_new_cluster_does_the_rest(
    queue: JobQueue, cluster: RayCluster, tmp_path: Path
) -> None:
    tally = tmp_path / "tally"
    names = [f"job-{number}" for number in range(6)]
    add(queue, *names, do="take", seconds=4, tally=str(tally))
    wait_for(lambda: all(queue.job(name).progress for name in names[:2]), seconds=120)
    running = [job.id for job in queue.jobs(states=("running",))]
    cluster.kill_head()
    wait_for(lambda: not all(processes_of(name) for name in running))
    (on_head,) = (name for name in running if not processes_of(name))
    cluster.start_again()
    # The former workers are silent for as long as their lease, and then forgotten.
    up = ("cluster", "up", "--address", cluster.address, "--cpus-per-slot", "1")
    done = cluster.type_it(*up)
    assert done.returncode == 0, done.stderr.decode()
    wait_for(lambda: not queue.jobs(states=("queued", "running")), seconds=120)
    jobs = {job.id: job for job in queue.jobs()}
    assert {job.state for job in jobs.values()} == {"finished"}
    assert jobs[on_head].attempts == 2
    assert max(job.attempts for job in jobs.values()) == 2
    assert set(tally.read_text().split()) == set(names)
    assert len(queue.live_workers()) == len(HOSTS)


def test_a_node_that_differs_is_refused_by_name(queue: JobQueue, cluster: RayCluster) -> None:
    assert len(queue.live_workers()) == 2
    cluster.start_node("stranger", HEADSTART_DATABASE_URL="")
    done = cluster.type_it("cluster", "up", "--address", cluster.address, "--cpus-per-slot", "1")
    cluster.kill_node("stranger")
    assert done.returncode == 1
    assert "is refused: it needs PostgreSQL" in done.stderr.decode()
    assert "stranger" in done.stderr.decode()
    assert done.stdout.decode().count("0 workers started, 1 there before") == 2

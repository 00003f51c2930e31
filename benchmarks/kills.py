"""Random kills on a Ray cluster: is a job lost, done twice, or left behind?

``python -m benchmarks.kills`` (with ``make cluster-test`` before, for Ray) starts a PostgreSQL
server, a cluster of three nodes with a slot each, and queues jobs of some seconds. Then it kills at
random a worker, the process of a job, a whole node (it comes back), the head (then Ray is started
again on all nodes, and the workers with it, as docs/cluster.md says), or the server (which starts
again after two seconds), until no job waits or runs. ``--kinds`` says which. Jobs are stand-ins:
what is tried is the queue.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from core.errors import StoreError
from core.jobs.queue import JobQueue, open_queue
from core.jobs.records import ACTIVE_STATES, NewJob
from tests.jobs.conftest import processes_of
from tests.operations.made_cluster import STAND_IN, RayCluster, ray_cluster
from tests.postgres import Server, running_server

HOSTS = ("head", "second", "third")
KILLS = ("worker", "child", "node", "head", "database")
UP = ("--cpus-per-slot", "1")
# Counts each time that a job becomes finished, whoever says so.
TRIGGER = (
    "CREATE TABLE ends (id text)",
    "CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN INSERT INTO ends VALUES (new.id); RETURN new; END'",
    "CREATE TRIGGER note AFTER UPDATE ON jobs FOR EACH ROW WHEN "
    "(new.state = 'finished' AND old.state <> 'finished') EXECUTE FUNCTION note_end()",
)


class Campaign:
    """One cluster, its server and its queue; each method is one fault, False if it had no aim."""

    def __init__(
        self, cluster: RayCluster, server: Server, queue: JobQueue, seed: int, kinds: Sequence[str]
    ) -> None:
        self.cluster, self.server, self.queue = cluster, server, queue
        self.random = random.Random(seed)
        self.kinds = kinds
        self.killed_children: set[str] = set()

    def worker(self) -> bool:
        alive = [one for one in self.queue.live_workers() if psutil.pid_exists(one.process_id)]
        return bool(alive) and _kill(self.random.choice(alive).process_id)

    def child(self) -> bool:
        """Once for each job: a second time is a fault of the job's own, as when memory runs out."""
        at_work = {job.id for job in self.queue.jobs(states=("running",))} - self.killed_children
        for job_id in self.random.sample(sorted(at_work), len(at_work)):
            for process in processes_of(job_id):
                self.killed_children.add(job_id)
                return _kill(process.pid)
        return False

    def node(self) -> bool:
        host = self.random.choice(HOSTS[1:])
        self.cluster.kill_node(host)
        time.sleep(self.random.uniform(2, 8))
        self.cluster.start_node(host)
        return True

    def head(self) -> bool:
        self.cluster.kill_head()
        time.sleep(self.random.uniform(2, 8))
        self.cluster.start_again()
        self.up()
        return True

    def up(self) -> None:
        """A worker on each node."""
        done = self.cluster.type_it("cluster", "up", "--address", self.cluster.address, *UP)
        if done.returncode:
            raise SystemExit(done.stderr.decode())

    def database(self) -> bool:
        self.server.stop("immediate")
        time.sleep(2)
        self.server.start()
        return True


def _kill(process_id: int) -> bool:
    try:
        os.kill(process_id, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def run(
    jobs: int, seconds: int, limit_seconds: float, seed: int, kinds: Sequence[str]
) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="hs-ray-"))
    with tempfile.TemporaryDirectory() as home, running_server(is_durable=True) as server:
        variables = {
            "HEADSTART_HOME": home,
            "HEADSTART_DATABASE_URL": server.url(),
            "HEADSTART_LAUNCHER": STAND_IN,
        }
        os.environ |= variables
        queue = open_queue()
        server.execute(*TRIGGER)
        with ray_cluster(folder, variables, *HOSTS) as cluster:
            campaign = Campaign(cluster, server, queue, seed, kinds)
            campaign.up()
            names = [f"job-{number}" for number in range(jobs)]
            for name in names:
                queue.add_job(NewJob(name, "train", {"do": "take", "seconds": seconds}))
            found = _kill_until_done(campaign, limit_seconds)
            at_work = [one for name in names for one in processes_of(name)]
            workers = len(queue.live_workers())
        ends = Counter(name for (name,) in server.execute("SELECT id FROM ends"))
        stored = queue.jobs()
        return found | {
            "states": dict(Counter(job.state for job in stored)),
            "starts": dict(sorted(Counter(job.attempts for job in stored).items())),
            "lost": [name for name in names if ends[name] == 0],
            "finished twice": [name for name in names if ends[name] > 1],
            "left behind": len(at_work),
            "workers at the end": workers,
            "not finished": {job.id: job.error for job in stored if job.state != "finished"},
        }


def _kill_until_done(campaign: Campaign, limit_seconds: float) -> dict[str, object]:
    started, kills = time.monotonic(), Counter[str]()
    next_kill = started + 5
    while (passed := time.monotonic() - started) < limit_seconds:
        try:
            if not campaign.queue.jobs(states=ACTIVE_STATES):
                break
            if time.monotonic() >= next_kill:
                kind = campaign.random.choice(campaign.kinds)
                hit = getattr(campaign, kind)()
                kills[kind] += hit
                print(f"{passed:.0f} s: {kind} {'killed' if hit else 'not there'}", flush=True)
                next_kill = time.monotonic() + campaign.random.uniform(3, 12)
        except StoreError as error:
            print(f"{passed:.0f} s: {error}", flush=True)
        time.sleep(0.5)
    return {"seconds": round(time.monotonic() - started), "kills": dict(kills)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--seconds", type=int, default=4, help="how long a job takes")
    parser.add_argument("--limit", type=float, default=600, help="seconds until it is given up")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed when")
    parser.add_argument("--kinds", nargs="+", choices=KILLS, default=KILLS, help="what is killed")
    given = parser.parse_args()
    found = run(given.jobs, given.seconds, given.limit, given.seed, given.kinds)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

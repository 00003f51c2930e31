"""Workers on the machines of a Ray cluster: ``cluster up`` and ``cluster down``.

Ray places a worker on each device and keeps it alive, nothing else: jobs wait in PostgreSQL, and
each worker is the ordinary one, with child processes of its own.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput, HeadstartError
from core.jobs.queue import open_queue
from core.operations.slot import Slot, Wanted, wanted_here, why_refused
from core.text import shorten

NAMESPACE = "headstart"
CHECK_SECONDS, ANSWER_SECONDS = 120.0, 10.0
# A job that hears nothing is killed after some seconds, and its database may be starting again.
STOP_SECONDS = 60.0
LONGEST_REASON = 300


@dataclass(frozen=True)
class SlotSize:
    """What one worker has to itself: whole GPUs, or (with none) whole processors."""

    gpus: int = 0
    cpus: int = 0

    def fit(self, resources: dict[str, float]) -> int:
        """How many slots a machine with these resources has."""
        if self.gpus:
            return int(resources.get("GPU", 0) // self.gpus)
        return int(resources.get("CPU", 0) // self.cpus)

    def threads(self, resources: dict[str, float]) -> int:
        """How many threads the libraries of a worker's jobs may take."""
        if not self.gpus:
            return self.cpus
        return max(1, int(resources.get("CPU", 1) * self.gpus // resources["GPU"]))


@dataclass(frozen=True)
class ClusterStart:
    """By the names of machines: slots started now, those from before, and why one was refused."""

    started: dict[str, int]
    there: dict[str, int]
    refused: dict[str, str]


class _Actor(Slot):
    """What Ray keeps alive: its constructor runs again on each start."""

    def node_id(self) -> str:
        import ray

        return ray.get_runtime_context().get_node_id()


def up(address: str, size: SlotSize | None, say: Callable[[str], None]) -> ClusterStart:
    """Start a worker on each slot that has none, on each machine that may serve.

    Without a ``size``: one GPU each. Raises ``BadInput`` where there is no PostgreSQL, no Ray, or
    no GPU and no size.
    """
    wanted = wanted_here()
    open_queue()  # makes the tables, or says what is wrong with the server
    ray = _connected(address)
    if os.environ.get("RAY_AUTH_MODE") != "token":
        say(
            "Warning: whoever reaches the ports of this cluster can run programs on its machines. "
            "Set RAY_AUTH_MODE=token (docs/cluster.md)."
        )
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if size is None:
        if not any(node["Resources"].get("GPU") for node in nodes):
            raise BadInput(
                "No machine of the cluster has a GPU. Say how many processors each worker gets: "
                "--cpus-per-slot 4",
                "--cpus-per-slot",
            )
        size = SlotSize(gpus=1)
    taken, placed = _there(ray)
    nodes = [node for node in nodes if size.fit(node["Resources"])]
    checked = ray.remote(why_refused)
    checks = [
        checked.options(num_cpus=0, max_retries=0, **_on(node, soft=False)).remote(wanted)
        for node in nodes
    ]
    refused = {
        _name(node): reason
        for node, check in zip(nodes, checks, strict=True)
        if (reason := _answer(ray, check)) is not None
    }
    started: dict[str, int] = {}
    for node in nodes:
        if _name(node) in refused:
            continue
        missing = size.fit(node["Resources"]) - placed[node["NodeID"]]
        actors = [_start(ray, node, size, wanted, taken) for _ in range(missing)]
        for actor in actors:
            reason = _answer(ray, actor.node_id.remote(), expected=node["NodeID"])
            if reason is None:
                started[_name(node)] = started.get(_name(node), 0) + 1
            else:
                ray.kill(actor, no_restart=True)
                refused[_name(node)] = reason
    there = {_name(node): placed[node["NodeID"]] for node in nodes if placed[node["NodeID"]]}
    return ClusterStart(started, there, refused)


def down(address: str) -> int:
    """End all workers that ``up`` started, their jobs first; returns how many there were."""
    ray = _connected(address)
    actors = _actors(ray)
    if actors:
        asked = [actor.stop.remote() for actor in actors.values()]
        ray.wait(asked, num_returns=len(asked), timeout=STOP_SECONDS)
    for actor in actors.values():
        ray.kill(actor, no_restart=True)
    return len(actors)


def _connected(address: str) -> Any:
    """The module, connected to the cluster."""
    # One try of 50 seconds instead of 20 to reach a cluster that is not there.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise BadInput(
            "Ray is not installed. Run: python -m pip install --require-hashes "
            "-r requirements-cluster.txt",
            "ray",
        ) from None
    try:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise HeadstartError(
            f"There is no Ray cluster at {address} that takes this machine: "
            f"{_first_line(error)} Start it first: ray start (docs/cluster.md)."
        ) from error
    return ray


def _actors(ray: Any) -> dict[str, Any]:
    """The slots that this cluster knows, by name."""
    return {name: ray.get_actor(name) for name in ray.util.list_named_actors()}


def _there(ray: Any) -> tuple[set[str], Counter[str]]:
    """The names that are taken, and how many slots each machine has; one that waits for its
    machine to come back is on none."""
    actors = _actors(ray)
    asked = {actor.node_id.remote(): name for name, actor in actors.items()}
    placed: Counter[str] = Counter()
    if asked:
        answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_SECONDS)
        for answer in answered:
            try:
                placed[ray.get(answer)] += 1
            except ray.exceptions.RayError:
                continue  # it died meanwhile
    return set(actors), placed


def _start(ray: Any, node: dict[str, Any], size: SlotSize, wanted: Wanted, taken: set[str]) -> Any:
    """A worker that starts again on this machine, or where this one is gone on another."""
    name = next(name for n in range(1, len(taken) + 2) if (name := f"slot-{n}") not in taken)
    taken.add(name)
    options: dict[str, Any] = {"num_cpus": size.cpus, "num_gpus": size.gpus}
    lasting = {"name": name, "lifetime": "detached", "max_restarts": -1}
    actor = ray.remote(_Actor).options(**lasting, **options, **_on(node, soft=True))
    return actor.remote(name, wanted, size.threads(node["Resources"]), size.gpus > 0)


def _on(node: dict[str, Any], soft: bool) -> dict[str, Any]:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node["NodeID"], soft=soft)}


def _answer(ray: Any, asked: Any, expected: str | None = None) -> str | None:
    """What went wrong on the machine that was asked; None where it gave the expected answer."""
    try:
        answer = ray.get(asked, timeout=CHECK_SECONDS)
    except ray.exceptions.GetTimeoutError:
        return f"it gave no answer in {CHECK_SECONDS:.0f} s: something else may have taken it"
    except ray.exceptions.RayError as error:
        return shorten(_first_line(getattr(error, "cause", None) or error), LONGEST_REASON)
    return None if answer == expected else str(answer)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _name(node: dict[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"

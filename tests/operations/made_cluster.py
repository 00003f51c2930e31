"""A Ray cluster of the tests' own: its nodes are processes here, as root each with a host name.

Ray has an environment of its own, which ``make cluster-test`` makes.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core.jobs.launchers import child_environment
from core.settings import PROJECT_ROOT

RAY_VARIABLE = "HEADSTART_TEST_RAY"
STAND_IN = "tests.jobs.stand_in:StandInLauncher"


def ray_environment() -> Path:
    """Where Ray is installed, or would be."""
    return Path(os.environ.get(RAY_VARIABLE) or PROJECT_ROOT / ".venv-ray")


@dataclass
class RayCluster:
    """Nodes with one processor each; ``variables`` are the environment of all of them."""

    folder: Path
    variables: dict[str, str]
    port: int
    raylets: dict[str, int] = field(default_factory=dict)
    """Process ids of the nodes, by host name."""

    @property
    def address(self) -> str:
        return f"{_own_address()}:{self.port}"

    def start_node(self, host: str, **variables: str) -> None:
        """The first is the head."""
        before = _raylets()
        place = ["--head", "--port", str(self.port), "--include-dashboard", "false"]
        arguments = place if not self.raylets else ["--address", self.address]
        store = ["--num-cpus", "1", "--object-store-memory", "80000000", "--disable-usage-stats"]
        command = [*self._program("ray"), "start", *arguments, *store]
        if os.geteuid() == 0:
            command = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', host, *command]
        done = subprocess.run(
            command,
            env=self._environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout.decode()
        (self.raylets[host],) = _raylets() - before

    def kill_node(self, host: str) -> None:
        """As when its machine loses power: Ray, the worker and the jobs at once."""
        raylet = psutil.Process(self.raylets.pop(host))
        for process in [raylet, *raylet.children(recursive=True)]:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue

    def start_again(self) -> None:
        """As whoever finds the head lost: what is left of Ray ends on each node, and starts anew,
        which takes another port here: the old one may be held for a while."""
        hosts = ["head", *(host for host in self.raylets if host != "head")]
        self.end()
        self.raylets.clear()
        self.port = _free_port()
        for host in hosts:
            self.start_node(host)

    def kill_head(self) -> None:
        """Its node, and what keeps the state of the cluster."""
        control = [one for one in self._processes() if one.info["name"] == "gcs_server"]
        self.kill_node("head")
        for process in control:
            process.kill()

    def type_it(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """A verb of the command line, with Ray."""
        command = [*self._program("python"), "-m", "core", *arguments]
        return subprocess.run(
            command, env=self._environment(), cwd=PROJECT_ROOT, capture_output=True, check=False
        )

    def _program(self, name: str) -> list[str]:
        return [str(ray_environment() / "bin" / name)]

    def _environment(self) -> dict[str, str]:
        quiet = {"RAY_memory_monitor_refresh_ms": "0", "RAY_TMPDIR": str(self.folder)}
        return child_environment() | quiet | self.variables

    def end(self) -> None:
        for process in self._processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def _processes(self) -> list[psutil.Process]:
        """All of this cluster, with the jobs of its workers."""
        return [
            process
            for process in psutil.process_iter(["environ", "name"])
            if (process.info["environ"] or {}).get("RAY_TMPDIR") == str(self.folder)
        ]


@contextmanager
def ray_cluster(folder: Path, variables: dict[str, str], *hosts: str) -> Iterator[RayCluster]:
    """``folder`` has a short path: Ray keeps sockets below it."""
    cluster = RayCluster(folder, variables, _free_port())
    try:
        for host in hosts:
            cluster.start_node(host)
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def _own_address() -> str:
    """The address that Ray gives to this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _raylets() -> set[int]:
    return {one.pid for one in psutil.process_iter(["name"]) if one.info["name"] == "raylet"}

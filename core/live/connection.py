"""The process that holds the networks, seen from outside: is it there, start it, ask it.

It is a job of the kind ``live``, one for each home (for each machine where several share one): the
queue starts it, knows whether it lives and what it is doing, and ends it. Questions and answers go
over a socket of this machine, because a visitor's image must not touch the disk: JSON and arrays,
never pickle. Both ends prove that they know a key, new with each start, from a file that only the
owner of the home can read.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter

from core.files import make_way, write_json
from core.jobs.launchers import ensure_worker
from core.jobs.progress import progress_text
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord, NewJob
from core.settings import PROJECT_ROOT, current_settings

KIND = "live"
CONNECT_SECONDS = 10.0
FAILED_SECONDS = 60.0
STARTING = "Starting the process that holds the networks"
LARGEST_MESSAGE_BYTES = 64 * 1024**2
WAITING_CONNECTIONS = 32

Body = dict[str, Any]
Arrays = Mapping[str, np.ndarray]


class ConnectionLostError(Exception):
    """The process is gone, is silent, or does not know the key."""


@dataclass(frozen=True)
class Address:
    """Where a process listens: the path of a socket, or host and port. ``key`` is in hex digits,
    ``attempt`` is the start of the job that it belongs to."""

    process_id: int
    place: str | tuple[str, Annotated[int, Field(ge=0, le=65_535)]]
    key: str
    attempt: int


_ADDRESS = TypeAdapter(Address)


@dataclass(frozen=True)
class ServerState:
    """``text`` is what it is doing while it starts, or why it ``failed``, for a minute."""

    state: Literal["absent", "starting", "listening", "failed"]
    text: str = ""


# What pages ask -----------------------------------------------------------------------------------


def live_job_id(queue: JobQueue) -> str:
    """The job of this machine. Only its own processes can ask it: a socket is of one machine."""
    host = _only_host(queue)
    return KIND if host is None else f"{KIND}-{host}"


def _only_host(queue: JobQueue) -> str | None:
    """The machine whose workers may start it; None with SQLite, which is all on one."""
    return None if queue.database.file is not None else queue.host


def server_state(queue: JobQueue) -> ServerState:
    """How the process of this home is. One that runs other code than this process is told to end,
    and counts as starting until it has ended."""
    job = queue.find_job(live_job_id(queue))
    if job is None:
        return ServerState("absent")
    address = read_address(job.id)
    listened = address is not None and address.attempt == job.attempts
    if job.is_active:
        if job.arguments.get("code") != code_fingerprint():
            queue.cancel_job(job.id)
            return ServerState("starting")
        if job.state == "running" and listened:
            return ServerState("listening")
        return ServerState("starting", progress_text(job.progress) if job.progress else "")
    # After a crash at start-up the next one would need the same memory: wait a minute.
    if job.state == "failed" and not listened and _ended_just_now(job):
        return ServerState("failed", job.error or "")
    return ServerState("absent")


def start_server(queue: JobQueue) -> None:
    """Start the process unless it is there or starting. Raises ``OSError``."""
    arguments, job_id = {"code": code_fingerprint()}, live_job_id(queue)
    if queue.find_job(job_id) is None:
        queue.add_job_once(NewJob(job_id, KIND, arguments, host=_only_host(queue)))
    else:
        queue.requeue_job(job_id, arguments, _only_host(queue))
    ensure_worker(queue)


def ask(
    queue: JobQueue, body: Body, arrays: Arrays, seconds: float
) -> tuple[Body, dict[str, np.ndarray]]:
    """Ask the process of this home; ``seconds`` is how long it may take.

    Raises ``ConnectionLostError`` where none listens, it ended meanwhile, or it is silent. A
    process that does not even take part in the greeting is ended.
    """
    job_id = live_job_id(queue)
    address = read_address(job_id)
    if address is None or server_state(queue).state != "listening":
        raise ConnectionLostError("no process listens")
    try:
        connection = connect(address)
    except ConnectionLostError:
        queue.cancel_job(job_id)
        raise
    with connection:
        send(connection, body, arrays)
        return receive(connection, seconds)


def connect(address: Address) -> Connection:
    """A connection on which both ends have shown that they know the key."""
    try:
        connection = Client(address.place)
    except (OSError, ValueError) as error:
        raise ConnectionLostError(str(error)) from error
    try:
        _prove(connection, address.key, answer_challenge, deliver_challenge)
    except BaseException:
        connection.close()
        raise
    return connection


def _ended_just_now(job: JobRecord) -> bool:
    if job.finished_at is None:
        return False
    ago = datetime.now(UTC) - datetime.fromisoformat(job.finished_at)
    return ago.total_seconds() < FAILED_SECONDS


# What the process does ----------------------------------------------------------------------------


def listen() -> Listener:
    """A socket in a folder that only the owner of this process can enter; where the path of that
    is too long for a socket, a port of this machine."""
    try:
        return Listener(backlog=WAITING_CONNECTIONS)
    except OSError:
        return Listener(("127.0.0.1", 0), backlog=WAITING_CONNECTIONS)


def check_visitor(connection: Connection, key: str) -> None:
    """The listening end of ``connect``; raises ``ConnectionLostError`` for a stranger."""
    _prove(connection, key, deliver_challenge, answer_challenge)


def address_path(job_id: str = KIND) -> Path:
    """Of the process of that job: machines that share a home have one each."""
    name = "address.json" if job_id == KIND else f"{job_id}.json"
    return current_settings().home / "model-server" / name


def publish_address(address: Address, job_id: str = KIND) -> None:
    """Write it for those who ask, readable by the owner alone."""
    path = address_path(job_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    make_way(path)
    write_json(path, asdict(address), private=True)


def read_address(job_id: str = KIND) -> Address | None:
    """The address of the process that listens, or listened last, for this home.

    One that cannot be read counts as none: a process that nobody finds is replaced. Its process id
    is for people alone, since another program may have it by now: only the worker that started a
    process ends it.
    """
    try:
        return _ADDRESS.validate_json(address_path(job_id).read_bytes())
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """16 hex digits of the code of Headstart, as this process found it."""
    digest = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "core").rglob("*.py")):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# What goes over a connection ----------------------------------------------------------------------


def send(connection: Connection, body: Body, arrays: Arrays) -> None:
    """Send a message: one ``.npz`` with the arrays, and ``body`` as JSON."""
    message = io.BytesIO()
    np.savez(message, allow_pickle=False, body=np.array(json.dumps(body)), **arrays)
    try:
        connection.send_bytes(message.getvalue())
    except OSError as error:
        raise ConnectionLostError(str(error)) from error


def receive(connection: Connection, seconds: float) -> tuple[Body, dict[str, np.ndarray]]:
    """The next message. Raises ``ConnectionLostError``, also where none begins in time."""
    _wait(connection, seconds)
    try:
        message = io.BytesIO(connection.recv_bytes(LARGEST_MESSAGE_BYTES))
    except (OSError, EOFError) as error:
        raise ConnectionLostError(f"{type(error).__name__}: {error}") from error
    with np.load(message, allow_pickle=False) as found:
        arrays = dict(found)
    return json.loads(str(arrays.pop("body"))), arrays


def _prove(connection: Connection, key: str, *steps: Any) -> None:
    """Both ends challenge each other, in the order of ``steps``."""
    try:
        for step in steps:
            if step is answer_challenge:
                _wait(connection, CONNECT_SECONDS)
            step(connection, bytes.fromhex(key))
    except (OSError, EOFError, ValueError, AssertionError, AuthenticationError) as error:
        raise ConnectionLostError(f"{type(error).__name__}: {error}") from error


def _wait(connection: Connection, seconds: float) -> None:
    try:
        begins = connection.poll(seconds)
    except OSError as error:
        raise ConnectionLostError(str(error)) from error
    if not begins:
        raise ConnectionLostError(f"silent for {seconds:g} s")

"""The process that holds the networks, seen from outside: is it there, start it, ask it.

It is a job of the kind ``live``, one for each home: the queue starts it, knows whether it lives
and what it is at, and ends it. What it answers goes over a socket: a visitor's picture must not
touch the disk.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from core.jobs.launchers import ensure_worker
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord, NewJob, progress_text
from core.live.protocol import (
    Address,
    Arrays,
    Body,
    ConnectionLostError,
    code_fingerprint,
    connect,
    read_address,
    receive,
    send,
)

JOB_ID = KIND = "live"
CONNECT_SECONDS = 10.0
LEAVE_SECONDS = 2.0
FAILED_SECONDS = 60.0


class NobodyThere(Exception):
    """No process of this code holds networks for this home."""


@dataclass(frozen=True)
class ServerState:
    """``is_there``: it listens. ``is_starting``: its job waits or works, and ``step`` is what it
    is at. ``error``: why the last one could not start, for a minute."""

    is_there: bool = False
    is_starting: bool = False
    step: str = ""
    error: str = ""


def server_state(queue: JobQueue) -> ServerState:
    """How the process of this home stands."""
    job = queue.find_job(JOB_ID)
    if job is None:
        return ServerState()
    address = read_address()
    listened = address is not None and address.attempt == job.attempts
    if job.is_active:
        if job.state == "running" and listened:
            return ServerState(is_there=True)
        return ServerState(is_starting=True, step=progress_text(job.progress))
    # One that died before it listened is not followed at once by the next, which would load the
    # same libraries into the same memory.
    if job.state == "failed" and not listened and _ended_just_now(job):
        return ServerState(error=job.error or "")
    return ServerState()


def start_server(queue: JobQueue) -> None:
    """Start it unless it is there or starting. Raises ``OSError``."""
    arguments = {"code": code_fingerprint()}
    if queue.find_job(JOB_ID) is None:
        queue.add_job_once(NewJob(JOB_ID, KIND, arguments))
    else:
        queue.requeue_job(JOB_ID, arguments)
    ensure_worker(queue)


def ask(
    queue: JobQueue, body: Body, arrays: Arrays, seconds: float
) -> tuple[Body, dict[str, np.ndarray]]:
    """Ask the process of this home; ``seconds`` is how long it may think.

    Raises ``NobodyThere`` where none listens, it ended meanwhile, or it is silent. One of other
    code is asked to leave, one that does not even take part in the greeting is ended.
    """
    address = _address_of_running(queue)
    if address is None:
        raise NobodyThere
    try:
        connection = connect(address, CONNECT_SECONDS)
    except ConnectionLostError as error:
        queue.cancel_job(JOB_ID)
        raise NobodyThere from error
    with connection:
        try:
            if address.code != code_fingerprint():
                send(connection, {"do": "leave"}, {})
                receive(connection, LEAVE_SECONDS)
                raise NobodyThere
            send(connection, body, arrays)
            return receive(connection, seconds)
        except ConnectionLostError as error:
            raise NobodyThere from error


def dismiss_server(queue: JobQueue) -> None:
    """Have it end, if there is one, and its memory given back; it answers what was asked before."""
    address = _address_of_running(queue)
    if address is None:
        return
    try:
        with connect(address, CONNECT_SECONDS) as connection:
            send(connection, {"do": "leave"}, {})
            receive(connection, CONNECT_SECONDS)
    except ConnectionLostError:
        queue.cancel_job(JOB_ID)


def _address_of_running(queue: JobQueue) -> Address | None:
    return read_address() if server_state(queue).is_there else None


def _ended_just_now(job: JobRecord) -> bool:
    if job.finished_at is None:
        return False
    ago = datetime.now(UTC) - datetime.fromisoformat(job.finished_at)
    return ago.total_seconds() < FAILED_SECONDS

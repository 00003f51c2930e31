"""The process that holds the networks, seen from outside: is it there, start it, ask it."""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from core.files import lock, write_json
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
    server_folder,
)
from core.runs.launchers import python_command, start_detached
from core.settings import current_settings

MODULE = "core.live.server"
CONNECT_SECONDS = 10.0
LEAVE_SECONDS = 2.0
FAILED_SECONDS = 60.0
LOCK_SECONDS = 10.0
# A note older than this is of a machine that was switched off, not of a process that just died.
NOTE_SECONDS = 600.0
DIED = (
    "The process that holds the networks ended while it was starting; memory may have run out. "
    "Close other work; a minute from now it is tried again."
)


class NobodyThere(Exception):
    """No process of this code holds networks for this home."""


@dataclass(frozen=True)
class ServerState:
    """``is_there``: it listens. ``is_starting``: a process was started and ``step`` is what it is
    at. ``error``: why the last one could not start, for a minute."""

    is_there: bool = False
    is_starting: bool = False
    step: str = ""
    error: str = ""


def server_state() -> ServerState:
    """How the process of this home stands; looks at files and processes alone."""
    address = read_address()
    noted = _noted_start()
    there = address is not None and _lives(address.process_id)
    listens = address.process_id if there and address is not None else None
    if noted is not None and noted["process_id"] != listens and _lives(noted["process_id"]):
        return ServerState(is_starting=True, step=noted["step"])
    if there:
        return ServerState(is_there=True)
    if noted is not None and noted["error"] and time.time() - noted["at"] < FAILED_SECONDS:
        return ServerState(error=noted["error"])
    return ServerState()


def start_server() -> None:
    """Start it unless somebody else did so in this moment. Raises ``OSError``.

    One that died before it listened is not followed at once by the next, which would load the same
    libraries into the same memory: ``server_state`` says so for a minute first.
    """
    settings = current_settings()
    server_folder().mkdir(parents=True, exist_ok=True)
    with lock(settings.locks_folder / "model-server-start.lock", timeout_seconds=LOCK_SECONDS):
        address = read_address()
        state = server_state()
        if state.is_starting or (state.is_there and address is not None and _is_ours(address)):
            return
        noted = _noted_start()
        if noted is not None and not noted["error"] and time.time() - noted["at"] < NOTE_SECONDS:
            note_start("", noted["process_id"], DIED)
            return
        process_id = start_detached(
            python_command(MODULE, "--code", code_fingerprint()), settings.home / "model-server.log"
        )
        note_start("", process_id)


def note_start(step: str, process_id: int, error: str = "") -> None:
    """Leave a note for those who ask while nobody listens yet, or why nobody does."""
    path = server_folder() / "start.json"
    document = {"step": step, "process_id": process_id, "error": error, "at": time.time()}
    write_json(path, document)


def forget_start() -> None:
    """Take the note away: the process that it was about listens now."""
    (server_folder() / "start.json").unlink(missing_ok=True)


def ask(body: Body, arrays: Arrays, seconds: float) -> tuple[Body, dict[str, np.ndarray]]:
    """Ask the process of this home; ``seconds`` is how long it may think.

    Raises ``NobodyThere`` where none listens, it ended meanwhile, or it is silent. One of other
    code is asked to leave, one that does not even take part in the greeting is ended.
    """
    address = read_address()
    if address is None or not _lives(address.process_id):
        raise NobodyThere
    try:
        connection = connect(address, CONNECT_SECONDS)
    except ConnectionLostError as error:
        _end(address)
        raise NobodyThere from error
    with connection:
        try:
            if not _is_ours(address):
                send(connection, {"do": "leave"}, {})
                receive(connection, LEAVE_SECONDS)
                raise NobodyThere
            send(connection, body, arrays)
            return receive(connection, seconds)
        except ConnectionLostError as error:
            raise NobodyThere from error


def _is_ours(address: Address) -> bool:
    return address.code == code_fingerprint()


def _noted_start() -> dict[str, Any] | None:
    try:
        return json.loads((server_folder() / "start.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _lives(process_id: int) -> bool:
    """Whether that process is one that holds networks: ids are given out again."""
    try:
        process = psutil.Process(process_id)
        return process.status() != psutil.STATUS_ZOMBIE and MODULE in process.cmdline()
    except psutil.Error:
        return False


def _end(address: Address) -> None:
    try:
        process = psutil.Process(address.process_id)
        process.kill()
        process.wait(timeout=LEAVE_SECONDS)
    except psutil.Error:
        return  # it ended by itself in the meantime

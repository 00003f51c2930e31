"""The job ``live``: holds the networks of experiments and answers for them.

Started through ``core.live.process``; one for each home. One thread does everything that
concerns Keras, questions before networks that wait to be put together; a thread for each connection
only talks. It works on the processor alone, gives way to timed runs, and ends after some minutes
without a question.
"""

import os
import secrets
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection, Listener
from typing import Any

from core.backbones.backend import load_keras
from core.experiments.store import open_store
from core.jobs.context import JobContext
from core.jobs.kinds import find_kind
from core.live.model_cache import Memory, ModelCache
from core.live.protocol import (
    Address,
    ConnectionLostError,
    accept_proof,
    forget_address,
    free_place,
    publish_address,
    read_address,
    receive,
    send,
    server_folder,
)
from core.live.requests import RequestLoop
from core.settings import current_settings

TICK_SECONDS = 1.0
GREETING_SECONDS = 10.0
WAITING_CONNECTIONS = 32


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Load the libraries, listen, answer; returns when nobody asked for long or it must leave.

    ``code`` is the fingerprint of the code that asks.
    """
    context.report("Loading the libraries")
    server_folder().mkdir(parents=True, exist_ok=True)
    former = read_address()
    if former is not None:
        forget_address(former)  # of one that was killed: the queue runs one at a time
    load_keras()
    settings = current_settings()
    store = open_store()
    cache = ModelCache(store, Memory(settings.models_memory_bytes))
    work = RequestLoop(store, cache, settings.models_idle_seconds)
    work.start()
    family, place = free_place()
    where = place if family == "AF_UNIX" else ("127.0.0.1", int(place))
    listener = Listener(where, family, WAITING_CONNECTIONS)
    if family == "AF_INET":
        place = str(listener.address[1])
    address = Address(
        os.getpid(), arguments["code"], family, place, secrets.token_hex(32), context.job.attempts
    )
    publish_address(address)
    try:
        threading.Thread(target=_accept, args=(listener, address, work), daemon=True).start()
        # A home that was removed, as tests do, leaves nobody who could ask.
        while not work.is_over and read_address() == address and not context.should_stop():
            work.look_around()
            time.sleep(TICK_SECONDS)
    finally:
        work.is_over = True
        listener.close()  # it removes its socket, which must be there still
        forget_address(address)
    work.finish()


def _accept(listener: Listener, address: Address, work: RequestLoop) -> None:
    while not work.is_over:
        try:
            connection = listener.accept()
        except OSError as error:
            if not work.is_over:
                print(f"a connection could not be accepted: {error}", file=sys.stderr)  # noqa: T201
                time.sleep(TICK_SECONDS)
            continue
        threading.Thread(target=_talk, args=(connection, address, work), daemon=True).start()


def _talk(connection: Connection, address: Address, work: RequestLoop) -> None:
    """One question, one answer; a stranger gets none."""
    with connection:
        try:
            accept_proof(connection, address.key, GREETING_SECONDS)
            body, arrays = receive(connection, GREETING_SECONDS)
            try:
                reply, found = work.handle(body, arrays)
            except Exception as error:  # noqa: BLE001 - whoever asked must hear of it
                traceback.print_exc()
                reply, found = {"failed": find_kind("live").failure_message(error)}, {}
            send(connection, reply, found)
        except ConnectionLostError as error:
            print(f"a connection was dropped: {error}", file=sys.stderr)  # noqa: T201

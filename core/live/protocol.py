"""How a page and the process that holds the networks talk: JSON and ``.npy``, never pickle.

A message is one JSON document that names the arrays which follow it. Both sides prove that they
know a key that lies in a file only the owner of the home can read.
"""

import hashlib
import io
import json
import os
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import numpy as np

from core.files import write_json
from core.settings import PROJECT_ROOT, current_settings

LARGEST_MESSAGE_BYTES = 64 * 1024**2
# The limit is 107 bytes on Linux and 103 on macOS, for the whole path.
LONGEST_SOCKET_PATH_BYTES = 100
SOCKET_NAME = "models.sock"

Body = dict[str, Any]
Arrays = Mapping[str, np.ndarray]


class ConnectionLostError(Exception):
    """The other side is gone, is silent, or is not who it says."""


@dataclass(frozen=True)
class Address:
    """Where a process listens, and with which key (hex); ``code`` says of which code it is,
    ``attempt`` of which start of its job.

    ``family`` is ``AF_UNIX`` (``place`` is a path) or ``AF_INET`` (``place`` is a port here).
    """

    process_id: int
    code: str
    family: str
    place: str
    key: str
    attempt: int = 0

    @property
    def for_connection(self) -> str | tuple[str, int]:
        return self.place if self.family == "AF_UNIX" else ("127.0.0.1", int(self.place))


def server_folder() -> Path:
    return current_settings().home / "model-server"


def address_path() -> Path:
    return server_folder() / "address.json"


def free_place() -> tuple[str, str]:
    """Family and place for a new socket: a path where these are and it is short enough.

    Not in the home, whose path may be too long and whose disk may not carry sockets.
    """
    if hasattr(socket, "AF_UNIX"):
        folder = Path(tempfile.mkdtemp(prefix="headstart-"))  # the owner's alone
        place = str(folder / SOCKET_NAME)
        if len(os.fsencode(place)) <= LONGEST_SOCKET_PATH_BYTES:
            return "AF_UNIX", place
        folder.rmdir()
    return "AF_INET", "0"


def publish_address(address: Address) -> None:
    """Write it for those who ask, readable by the owner alone, whole or not at all."""
    write_json(address_path(), asdict(address), private=True)


def read_address() -> Address | None:
    """The address of the process that listens, or listened, for this home."""
    try:
        return Address(**json.loads(address_path().read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # none, or one that was damaged: a process that nobody finds is replaced


def forget_address(address: Address) -> None:
    """Remove it, with its socket, unless another process has published its own since."""
    if address.family == "AF_UNIX":
        Path(address.place).unlink(missing_ok=True)
        folder = Path(address.place).parent
        if folder.exists():
            folder.rmdir()
    if read_address() == address:
        address_path().unlink(missing_ok=True)


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """What the code of Headstart is, as this process found it: 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "core").rglob("*.py")):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def connect(address: Address, seconds: float) -> Connection:
    """A connection on which both sides have shown that they know the key.

    Raises ``ConnectionLostError`` where nobody listens, or says nothing for so many seconds.
    """
    try:
        connection = Client(address.for_connection, address.family)
    except OSError as error:
        raise ConnectionLostError(str(error)) from error
    try:
        _prove(connection, address.key, seconds, first=False)
    except BaseException:
        connection.close()
        raise
    return connection


def accept_proof(connection: Connection, key: str, seconds: float) -> None:
    """The listening side of ``connect``; raises ``ConnectionLostError`` for a stranger."""
    _prove(connection, key, seconds, first=True)


def _prove(connection: Connection, key: str, seconds: float, first: bool) -> None:
    secret = bytes.fromhex(key)
    steps = (
        (deliver_challenge, answer_challenge) if first else (answer_challenge, deliver_challenge)
    )
    try:
        for step in steps:
            if step is answer_challenge and not connection.poll(seconds):
                raise ConnectionLostError(f"silent for {seconds:g} s")
            step(connection, secret)
    except (OSError, EOFError, AssertionError, ValueError) as error:
        raise ConnectionLostError(f"{type(error).__name__}: {error}") from error
    except Exception as error:
        if type(error).__name__ == "AuthenticationError":
            raise ConnectionLostError("the key is another") from error
        raise


def send(connection: Connection, body: Body, arrays: Arrays) -> None:
    """Send a message. Raises ``ConnectionLostError``."""
    try:
        connection.send_bytes(json.dumps({"body": body, "arrays": list(arrays)}).encode())
        for array in arrays.values():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            connection.send_bytes(buffer.getvalue())
    except (OSError, EOFError) as error:
        raise ConnectionLostError(str(error)) from error


def receive(connection: Connection, seconds: float) -> tuple[Body, dict[str, np.ndarray]]:
    """The next message. Raises ``ConnectionLostError``, also where none begins in time or it is
    no message."""
    try:
        if not connection.poll(seconds):
            raise ConnectionLostError(f"silent for {seconds:g} s")
        document = json.loads(connection.recv_bytes(LARGEST_MESSAGE_BYTES))
        arrays = {}
        for name in document["arrays"]:
            content = io.BytesIO(connection.recv_bytes(LARGEST_MESSAGE_BYTES))
            arrays[name] = np.load(content, allow_pickle=False)
        return document["body"], arrays
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ConnectionLostError(f"{type(error).__name__}: {error}") from error

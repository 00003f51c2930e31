"""Names of workers: where they run, and which one of those that ever ran there."""

import os
import secrets
import socket


def new_worker_id() -> str:
    """Unlike any other, also when a process id is used again."""
    return f"{socket.gethostname()[:48]}-{os.getpid()}-{secrets.token_hex(4)}"

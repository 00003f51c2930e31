"""Machines that share files: each a home of its own, with a folder or an S3 server between them.

The server is moto's, in an environment of its own that ``make cluster-test`` makes; without it the
tests of object storage are skipped.
"""

import os
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.backbones import own_folder
from core.settings import PROJECT_ROOT
from core.storage import shared
from core.storage.objects import FolderObjects, Objects
from core.storage.s3 import S3Objects

MOTO_VARIABLE = "HEADSTART_TEST_MOTO"
MOTO = PROJECT_ROOT / ".venv-moto"
START_SECONDS = 30.0
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(autouse=True)
def _fresh_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of other tests, and nothing waits."""
    monkeypatch.setattr(shared, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(shared, "RETRY_AFTER_SECONDS", ())
    monkeypatch.setattr(shared, "AWAY_SECONDS", 0.0)
    monkeypatch.setattr(own_folder, "LOOK_SECONDS", 0.0)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    shared._opened.cache_clear()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server that lives as long as the session."""
    environment = Path(os.environ.get(MOTO_VARIABLE) or MOTO)
    program = environment / "bin" / "moto_server"
    if not program.exists():
        pytest.skip(f"no S3 server in {environment}: `make cluster-test` installs one (moto)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        try:
            wait_for_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for_port(port: int) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


@pytest.fixture
def bucket(s3_server: str) -> str:
    """An empty bucket of that server: ``s3://NAME``."""
    name = f"tests-{uuid.uuid4().hex}"
    with urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{name}", method="PUT")):
        return f"s3://{name}"


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """An empty storage of each kind."""
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        return S3Objects(f"{request.getfixturevalue('bucket')}/team/shared", server)
    (tmp_path / "storage").mkdir()
    return FolderObjects(tmp_path / "storage")


@pytest.fixture(params=["folder", "s3"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Objects:
    """What the machines of this test share, as the settings name it."""
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        url = f"{request.getfixturevalue('bucket')}/team"
        monkeypatch.setenv("HEADSTART_STORAGE_ENDPOINT", server)
        monkeypatch.setenv("HEADSTART_STORAGE_URL", url)
        return S3Objects(url, server)
    return _folder(tmp_path, monkeypatch)


@pytest.fixture
def folder_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderObjects:
    return _folder(tmp_path, monkeypatch)


def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderObjects:
    root = tmp_path / "storage"
    root.mkdir()
    monkeypatch.setenv("HEADSTART_STORAGE_URL", str(root))
    return FolderObjects(root)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """``machine("a")``: from here on this process works in the home of machine a, as a new one."""
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)

    def go_to(name: str) -> Path:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        monkeypatch.setenv("HEADSTART_HOME", str(home))
        shared._opened.cache_clear()
        return home

    return go_to

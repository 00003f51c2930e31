"""The files in deploy/: what they name is there, and limits and addresses agree with the app."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from core.cli import parser
from core.operations.machine_checks import PYTHONS
from core.settings import PROJECT_ROOT, current_settings

DEPLOY = PROJECT_ROOT / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
SERVICES = [path for path in UNITS if path.suffix == ".service"]


def unit(path: Path) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(path)
    return read


def test_the_document_names_every_file() -> None:
    text = (PROJECT_ROOT / "docs" / "deploy.md").read_text()
    assert len(UNITS) == 4
    for path in DEPLOY.iterdir():
        assert path.name in text or f"`{path.stem}" in text, path.name


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_runs_what_there_is(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["User"] == "headstart"
    assert service["EnvironmentFile"] == "/etc/headstart/headstart.env"
    command = shlex.split(service["ExecStart"])
    if command[0] == "/bin/sh":
        command = shlex.split(command[-1])[1:]  # what follows exec
    assert command[:2] == ["/opt/headstart/.venv/bin/python", "-m"]
    if command[2] == "core":
        assert parser().parse_args(command[3:]).run
    else:
        assert command[2:4] == ["streamlit", "run"]
        assert (PROJECT_ROOT / command[4]).exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in UNITS:  # with programs that are here
        text = path.read_text().replace("/opt/headstart/.venv/bin/python", "/bin/true")
        (tmp_path / path.name).write_text(text.replace("/opt/headstart", "/tmp"))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / path.name) for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_proxy_takes_what_the_app_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", raising=False)
    text = (DEPLOY / "nginx.conf").read_text()
    (limit,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(limit) == current_settings().upload_limit_bytes // 1024**2 + 1
    assert {"proxy_pass http://127.0.0.1:8501;"} == set(re.findall(r"proxy_pass .*", text))
    assert "--server.port 8501" in (DEPLOY / "headstart.service").read_text()


def test_the_image_has_a_python_that_headstart_runs_on() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    (major, minor) = re.findall(r"^FROM \S*python:(\d+)\.(\d+)", text, flags=re.MULTILINE)[0]
    lowest, highest = PYTHONS
    assert lowest <= (int(major), int(minor)) <= highest
    for name in re.findall(r"requirements[a-z-]*\.txt", text):
        assert (PROJECT_ROOT / name).exists(), name

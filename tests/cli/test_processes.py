"""The command line in processes of its own: stopped, its reader gone, what it loads, elsewhere."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.experiments.store import Store
from core.jobs.launchers import child_environment
from core.settings import PROJECT_ROOT
from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.usefixtures("home", "no_showcase")


def python_m_core(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "core", *arguments],
        cwd=PROJECT_ROOT,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_running(store: Store, stop: signal.Signals) -> None:
    options = ("--strategies", "mlp", "--seeds", "0,1", "--image-size", "8")
    process = python_m_core("run", "arrows", *options, "--set", "mlp.epochs=1000")
    wait_for(lambda: any(run.progress for run in store.runs()), seconds=120)
    process.send_signal(stop)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Stopped. To go on: python -m core experiments resume " in err
    assert "Traceback" not in err
    # The process brought the recorded results of the project into the store, too.
    (own,) = [entry.id for entry in store.experiments() if not entry.recorded]
    assert [run.state for run in store.runs(own)] == ["interrupted", "cancelled"]
    assert store.live_workers() == []


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    process = python_m_core("strategies", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) in (0, 1)
    assert err == ""


HEAVY = {"tensorflow", "keras", "jax", "torch", "streamlit", "plotly", "pandas", "sklearn"}
# In this order in one process: the first loads least.
LIGHT_VERBS = {
    "strategies": HEAVY | {"pydantic", "sqlalchemy", "PIL"},
    "experiments list": HEAVY,
    "runs list": HEAVY,
    "datasets list": HEAVY,
    "weights status": HEAVY,
}


def test_light_verbs_load_no_heavy_library() -> None:
    code = (
        "import sys; from core.cli import main\n"
        f"for verb, heavy in {LIGHT_VERBS!r}.items():\n"
        "    main(verb.split())\n"
        "    print(verb, sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment() | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line for line in done.stderr.splitlines() if line.endswith("]")]
    assert told == [f"{verb} []" for verb in LIGHT_VERBS]


def test_the_project_is_found_from_another_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "core", "datasets", "list", "--json"],
        cwd=tmp_path,
        env=child_environment() | {"HEADSTART_HOME": os.environ["HEADSTART_HOME"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [entry["name"] for entry in json.loads(done.stdout)] == ["arrows"]

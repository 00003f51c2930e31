"""The web process stays light: nothing that it imports pulls in a machine-learning framework."""

import subprocess
import sys

import pytest

from core.settings import PROJECT_ROOT

FORBIDDEN = ("tensorflow", "keras", "jax", "torch")
PROGRAM = """
import pkgutil, sys, importlib
import core.ui, core.analysis, core.charts, core.reports
import core.experiments.planning, core.jobs.launchers, core.experiments.recorded
for package in (core.ui, core.analysis, core.charts, core.reports):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
from streamlit.testing.v1 import AppTest
for page in sys.argv[1:]:
    app = AppTest.from_file(page, default_timeout=60).run()
    assert not app.exception, app.exception
    assert not app.error, app.error
print(",".join(name for name in {names} if name in sys.modules))
""".replace("{names}", repr(FORBIDDEN))


@pytest.mark.slow
def test_pages_and_all_that_they_import_load_no_framework(tmp_path, monkeypatch):
    from tests import stored_home

    home = tmp_path / "home"
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    stored_home.leave_out_bundled_datasets(home)
    stored_home.add_arrows()
    files = [PROJECT_ROOT / "app.py", *sorted((PROJECT_ROOT / "pages").glob("*.py"))]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, files)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""

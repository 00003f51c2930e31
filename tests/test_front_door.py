"""The front door for notebooks: the page about it, line by line, and what importing it loads."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import core as headstart
from core.analysis.advice import facts as facts_module
from core.analysis.advice.race import request
from core.errors import UnknownName
from core.experiments import recorded
from core.experiments.run_files import write_predictions
from core.settings import PROJECT_ROOT
from core.training.events import Predictions
from tests import made_up
from tests.analysis.advice.race.conftest import StandIn
from tests.made_facts import facts
from tests.stored_home import add_arrows, do_next, leave_out_bundled_datasets

CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def birds_here(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with ``birds.zip`` in it, and an empty home."""
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "home"))
    leave_out_bundled_datasets(tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("birds.zip", "w") as archive:
        for path in sorted(tiny_folder.rglob("*.png")):
            archive.write(path, path.relative_to(tiny_folder))
    return tmp_path


@pytest.mark.tensorflow
def test_the_lines_of_the_notebook_page_run(birds_here, capsys):
    blocks = CODE.findall((PROJECT_ROOT / "docs" / "notebook.md").read_text(encoding="utf-8"))
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "notebook.md", "exec"), names)
    experiment = names["experiment"]
    frame = experiment.comparison().frame()
    assert list(frame["state"]) == ["finished", "finished"]
    assert [run.seed for run in experiment.runs] == [0, 0, 1, 1]
    assert (experiment.labels.name, experiment.labels.tags) == ("Birds, small", ("demo",))
    assert names["chart"].words in capsys.readouterr().out
    assert (birds_here / "birds.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert experiment.tables("birds-tables.zip").stat().st_size > 1000


def test_a_home_that_is_named_holds_for_the_processes_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "another"))
    leave_out_bundled_datasets(tmp_path / "mine")
    lab = headstart.open_home(tmp_path / "mine", say=lambda _line: None)
    assert os.environ["HEADSTART_HOME"] == str(tmp_path / "mine")
    assert lab.datasets() == []
    assert {experiment.spec.dataset_name for experiment in lab.experiments()} == {
        "digits",
        "themes16",
    }


def test_an_experiment_is_extended_named_and_sent_from_a_notebook(tmp_path, monkeypatch):
    """A stand-in serves the queue."""

    def serve(store, _experiment_id, _say):
        while (job := store.claim_next("worker")) is not None:
            run = store.run(job.id)
            store.finish_run(run.id, made_up.result(0.5))
            test = np.arange(3)
            answers = np.full((3, 3), 1 / 3, np.float32)
            write_predictions(run.id, Predictions(test, test.astype(np.int32), answers))

    monkeypatch.setattr("core.lab.run_to_end", serve)
    monkeypatch.setattr(recorded.import_recorded, "__defaults__", (tmp_path / "nothing",))
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "here"))
    leave_out_bundled_datasets(tmp_path / "here")
    add_arrows()
    lab = headstart.open_home(say=lambda _line: None)
    experiment = lab.run("arrows", ["majority"], image_size=8)
    experiment.extend(seeds=[3], say=lab.say)
    assert [run.seed for run in experiment.runs] == [0, 3]
    assert experiment.label(name="Arrows").name == "Arrows"
    for field, value in (("removed", True), ("reviewed_by", "somebody else")):
        with pytest.raises(UnknownName, match=f"no label named '{field}'"):
            experiment.label(**{field: value})
    file = experiment.export(tmp_path / "arrows.zip")
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "there"))
    leave_out_bundled_datasets(tmp_path / "there")
    there = headstart.open_home(say=lambda _line: None).import_experiment(file)
    assert (there.id, there.labels.name) == (experiment.id, "Arrows")
    assert [run.state for run in there.runs] == ["finished", "finished"]


def test_a_race_gives_those_that_are_worth_a_full_run(tmp_path, monkeypatch):
    """The networks are made up; the job is done where a worker would be started."""
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    leave_out_bundled_datasets(tmp_path)
    monkeypatch.setattr(recorded.import_recorded, "__defaults__", (tmp_path / "nothing",))
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 2)
    monkeypatch.setattr(request, "ensure_worker", do_next)
    monkeypatch.setattr("core.training.engine.train", StandIn(accuracy={"mlp": 0.9}))
    add_arrows()
    lab = headstart.open_home(tmp_path, say=lambda _line: None)
    race = lab.race("arrows", 5, ["mlp", "majority"], image_size=8)
    assert (race.ended, race.remaining) == ("done", ("majority", "mlp"))
    assert race.status.leader.strategy == "mlp"


def test_advice_says_what_to_run_first(tmp_path, monkeypatch):
    """The facts are made up, where a job would have measured them."""
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    leave_out_bundled_datasets(tmp_path)
    monkeypatch.setattr(recorded.import_recorded, "__defaults__", (tmp_path / "nothing",))
    monkeypatch.setattr(facts_module, "is_available", lambda weights: weights.backbone == "vgg16")
    arrows = add_arrows()
    here = facts_module.backbones_here()
    facts_module.write_facts(facts(arrows), facts_module.facts_path(arrows, 96, here))
    lab = headstart.open_home(tmp_path, say=lambda _line: None)
    advice = lab.advise("arrows")
    assert advice.first.strategy == "efficientnet_lite0_probe"
    assert advice.facts.train_images == 113
    assert (advice.forecasts, advice.is_silent) == ((), False)
    assert list(advice.placements) == [arrows.id]


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, core; first = set(sys.modules); core.open_home; "
        "print([m for m in ('pandas', 'numpy') if m in first], "
        "[m for m in ('tensorflow', 'keras', 'jax', 'torch', 'streamlit') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[] []\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'open_house'"):
        _ = headstart.open_house

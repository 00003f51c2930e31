"""The command of a report, read by the real parser and planned again, gives the same experiment."""

import json
import shlex

import pytest

from core.cli import parser
from core.cli.run import parse_overrides, plan
from core.datasets.storage import rename_dataset
from core.experiments import planning as specs
from core.experiments.planning import plan_experiment
from core.experiments.recorded import SHOWCASE_FOLDER
from core.experiments.records import ExperimentSpec
from core.reports.command import run_arguments, run_command
from tests import made_up, stored_home

ODD_SPLIT = {"test": 0.4, "validation": 0.125, "seed": 7, "use_given": False}


@pytest.fixture
def arrows(home):
    stored_home.leave_out_bundled_datasets(home)
    return stored_home.add_arrows()


def planned_again(spec: ExperimentSpec) -> ExperimentSpec:
    words = shlex.split(run_command(spec))
    assert words[:3] == ["python", "-m", "core"]
    arguments = parser().parse_args(words[3:])
    return plan(arguments, parse_overrides(arguments.overrides))


@pytest.mark.usefixtures("arrows")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "strategies": ["cnn", "majority"],
            "seeds": (3, 1),
            "preset": "article",
            "image_size": 148,
        },
        {
            "split": ODD_SPLIT,
            "resize": "crop",
            "precision": "float32",
            "strategies": ["mlp"],
            "image_size": 9,
        },
        {
            "overrides": {
                "mlp.learning_rate": 3e-5,
                "mlp.hidden_layers": 1,
                "cnn.padding": "valid",
            },
            "image_size": 150,
        },
        {"train_share": 0.35},
        {"strategies": ["mlp"], "overrides": {"mlp.batch_size": 76}},
    ],
    ids=["nothing special", "preset", "split", "settings", "share", "batch"],
)
def test_the_command_plans_the_same_experiment(options):
    chosen = {"strategies": ["majority", "mlp", "cnn"], "image_size": 96} | options
    spec = plan_experiment("arrows", **chosen)
    assert planned_again(spec) == spec


@pytest.mark.usefixtures("arrows")
def test_the_dataset_is_found_after_it_was_renamed():
    spec = plan_experiment("arrows", ["majority"], image_size=8)
    rename_dataset("arrows", "--help; rm -rf")
    again = planned_again(spec)
    assert again.dataset_name == "--help; rm -rf"
    assert again.model_copy(update={"dataset_name": "arrows"}) == spec


@pytest.mark.usefixtures("bundled_home")
@pytest.mark.parametrize("dataset", ["themes16", "digits"])
def test_the_recorded_experiments_can_be_run_again(monkeypatch, dataset):
    monkeypatch.setattr(specs, "is_available", lambda weight_set: not weight_set.include_top)
    (path,) = SHOWCASE_FOLDER.glob(f"{dataset}-quick-*/experiment.json")
    spec = ExperimentSpec.model_validate(json.loads(path.read_text())["spec"])
    # Strategies are named one by one, so nothing is left out silently.
    assert planned_again(spec) == spec.model_copy(update={"unavailable": {}})


def test_only_what_differs_from_the_preset_is_set():
    settings = {"epochs": 7, "learning_rate": 0.001}
    spec = made_up.spec(strategies=(("cnn", settings),), seeds=(0,))
    assert run_arguments(spec) == [
        "run", "dddddddddddd", "--strategies", "cnn", "--preset", "quick", "--seeds", "0",
        "--image-size", "64", "--precision", "float32", "--set", "cnn.epochs=7",
    ]  # fmt: skip


def test_settings_of_a_strategy_that_is_gone_are_all_given():
    spec = made_up.spec(strategies=(("once", {"epochs": 7}),), precision="auto")
    assert run_arguments(spec)[-2:] == ["--set", "once.epochs=7"]

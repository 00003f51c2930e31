"""The package of a kept model: made from a real training, its program run as printed."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from core.datasets.decoding.decode import decode_image
from core.datasets.prepare import prepare_image, prepare_images, smallest_edge
from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.planning import plan_experiment
from core.experiments.records import result_of
from core.experiments.run_files import (
    read_predictions,
    read_weights,
    weights_path,
    write_predictions,
)
from core.experiments.store import Store, open_store
from core.jobs import cached
from core.jobs.child import execute
from core.jobs.launchers import ProcessLauncher
from core.jobs.worker import serve
from core.networks.restore import restored_model
from core.reports.export_model import (
    ExportableRun,
    exportable_runs,
    make_package,
    model_package,
    package_name,
    ready_package,
    snippet,
    why_nothing_to_export,
)
from core.reports.model_card import CARD, CONTENTS, KERAS_FILE, SNIPPET
from core.training.events import Predictions
from tests.datasets.pictures import tiff
from tests.jobs.stand_in import QuietContext
from tests.stored_home import add_arrows

SMALL = {"cnn.epochs": 1, "mlp.epochs": 1, "mlp.hidden_width": 8, "mlp.hidden_layers": 1}
# Keras of these versions says so while it converts.
pytestmark = pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")


def run_of(dataset: Dataset, strategy: str, image_size: int, resize: str) -> tuple[Store, str]:
    """A run that was really trained here, and keeps its weights."""
    store = open_store()
    overrides = {key: value for key, value in SMALL.items() if key.startswith(strategy)}
    spec = plan_experiment(
        dataset.id, [strategy], image_size=image_size, resize=resize, overrides=overrides,
        precision="float32",
    )  # fmt: skip
    store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    assert execute(store, run.id) == 0
    return store, run.id


def unpacked(store: Store, run_id: str, folder: Path) -> Path:
    result = folder / "package.zip"
    make_package(store, run_id, result, QuietContext())
    with zipfile.ZipFile(result) as archive:
        archive.extractall(folder)
    return folder / run_id


def as_printed(folder: Path, *arguments: str) -> list[str]:
    """What the program of the package prints, where nothing of Headstart can be imported."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "predict.py", *arguments],
        cwd=folder,
        env=environment | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


def save_photograph(path: Path) -> Path:
    """A large JPEG that its EXIF turns by a quarter."""
    across = np.tile(np.linspace(0, 255, 900, dtype=np.uint8), (700, 1))
    pixels = np.stack([across, np.full_like(across, 90), across[:, ::-1]], axis=-1)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, "JPEG", exif=exif.tobytes())
    return path


@pytest.mark.tensorflow
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("strategy", "colour", "image_size", "resize"),
    [("cnn", True, 64, "pad"), ("mlp", False, 16, "stretch")],
)
def test_the_program_says_what_the_run_would(
    tiny_folder: Path, tmp_path: Path,
    strategy: str, colour: bool, image_size: int, resize: str,
) -> None:  # fmt: skip
    dataset = add_dataset(tiny_folder, "tiny") if colour else add_arrows()
    store, run_id = run_of(dataset, strategy, image_size, resize)
    folder = unpacked(store, run_id, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == sorted(CONTENTS)
    assert (folder / "predict.py").read_text(encoding="utf-8") == snippet()
    assert json.loads((folder / "labels.json").read_text()) == list(dataset.classes)
    side = min(image_size, 40 if colour else 8)
    prepare = json.loads((folder / "preprocessing.json").read_text())
    channels = 3 if colour else 1
    assert (prepare["side"], prepare["channels"], prepare["resize"]) == (side, channels, resize)

    picture = save_photograph(tmp_path / "a photograph.jpg")
    run = store.run(run_id)
    spec = store.experiment(run.experiment_id).training_spec(run)
    decoded = decode_image(picture.read_bytes(), picture.name, smallest_edge(side))
    live = restored_model(spec, read_weights(run_id), dataset).probabilities(
        prepare_image(decoded, side, resize, channels)[np.newaxis]
    )[0]
    expected = [
        f"{live[place]:7.2%}  {dataset.classes[place]}" for place in live.argsort()[::-1][:3]
    ]
    assert as_printed(folder, str(picture)) == expected
    assert as_printed(folder, str(picture), "--onnx") == expected
    measured = result_of(run).deployment
    assert measured is not None
    # The name of the file is in it, nothing else that differs.
    assert measured.file_bytes == pytest.approx((folder / KERAS_FILE).stat().st_size, abs=64)
    assert 0 < measured.image_seconds_low <= measured.image_seconds <= measured.image_seconds_high
    assert measured.timed_images >= 9
    assert 50e6 < measured.memory_bytes < 3e9
    assert 0 < measured.measuring_seconds < 60
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "What it costs to use: one image takes " in card
    tested = len(read_predictions(run_id).labels)
    assert (
        f"on {tested} test pictures `model.keras` made the same prediction as the run {tested}"
        in card
    )


@pytest.mark.tensorflow
@pytest.mark.usefixtures("home", "not_measured")
def test_the_program_answers_for_deep_images_of_a_folder_as_the_run_would(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    for number in range(24):
        name = ("dim", "bright")[number % 2]
        (tmp_path / "scans" / name).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(90, (1200, 4095)[number % 2], (16, 16)).astype(np.uint16)
        (tmp_path / "scans" / name / f"{number}.tif").write_bytes(tiff(pixels))
    dataset = add_dataset(tmp_path / "scans")
    assert dataset.levels.whole is not None
    store, run_id = run_of(dataset, "mlp", 16, "stretch")
    folder = unpacked(store, run_id, tmp_path)
    prepare = json.loads((folder / "preprocessing.json").read_text())
    assert prepare["levels"] == {"whole": list(dataset.levels.whole), "floats": None}
    run = store.run(run_id)
    spec = store.experiment(run.experiment_id).training_spec(run)
    pictures = prepare_images(dataset, 16, "stretch")
    live = restored_model(spec, read_weights(run_id), dataset).probabilities(pictures.read(0, 24))
    shown = dict(zip(dataset.file_names, live, strict=True))
    expected = []
    for path in sorted((tmp_path / "scans").rglob("*.tif")):
        answers = shown[path.relative_to(tmp_path / "scans").as_posix()]
        expected.append(str(path))
        expected += [
            f"{answers[place]:7.2%}  {dataset.classes[place]}" for place in answers.argsort()[::-1]
        ]
    (tmp_path / "scans" / "notes.txt").write_text("not an image")
    assert as_printed(folder, str(tmp_path / "scans"), "--onnx") == expected
    assert as_printed(folder, *expected[::3]) == expected


@pytest.mark.tensorflow
@pytest.mark.usefixtures("home", "not_measured")
def test_a_file_that_answers_otherwise_is_not_handed_out(tmp_path: Path) -> None:
    store, run_id = run_of(add_arrows(), "mlp", 16, "stretch")
    stored = read_predictions(run_id)
    turned = np.roll(stored.probabilities, 1, axis=1)
    write_predictions(run_id, Predictions(stored.test_indices, stored.labels, turned))
    tested = len(stored.labels)
    sentence = f"^The exported file does not predict what the run did: only 0 of {tested} test"
    with pytest.raises(HeadstartError, match=sentence):
        make_package(store, run_id, tmp_path / "x.zip", QuietContext())
    assert [path for path in tmp_path.iterdir() if path.suffix == ".zip"] == []


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("not_measured")
def test_a_package_is_made_by_a_job(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_arrows()
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)
    store = open_store()
    overrides = {"mlp.epochs": 1, "mlp.hidden_width": 8, "mlp.hidden_layers": 1}
    spec = plan_experiment(
        open_dataset("arrows").id, ["mlp"], image_size=16, overrides=overrides, precision="float32"
    )
    store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    assert execute(store, run.id) == 0
    assert model_package(store, run.id).state == "working"
    serve(store, ProcessLauncher(), exit_when_idle=0)
    work = model_package(store, run.id)
    assert (work.state, work.error) == ("ready", "")
    assert work.result.is_relative_to(home)
    with zipfile.ZipFile(work.result) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {CARD, KERAS_FILE, SNIPPET} <= names
    assert [path.name for path in work.result.parent.iterdir()] == [work.result.name]


@pytest.mark.tensorflow
@pytest.mark.usefixtures("home", "not_measured")
def test_what_can_be_kept_and_what_not() -> None:
    store, run_id = run_of(add_arrows(), "mlp", 16, "stretch")
    experiment_id = store.run(run_id).experiment_id
    parameters = 16 * 16 * 3 * 8 + 8 + 8 * 3 + 3
    (epoch,) = store.epochs(run_id)
    assert exportable_runs(store, experiment_id) == [
        ExportableRun(run_id, "mlp", "MLP", 0, 8 * parameters, epoch.validation_accuracy)
    ]
    assert ready_package(store, run_id) is None
    aside = weights_path(run_id).rename(weights_path(run_id).with_suffix(".aside"))
    with pytest.raises(BadInput, match="Run the benchmark here and export one of its runs"):
        model_package(store, run_id)
    aside.rename(weights_path(run_id))
    store.create_experiment(plan_experiment("arrows", ["majority"], image_size=16))
    waiting = store.claim_next("worker")
    assert waiting is not None
    assert exportable_runs(store, waiting.group_id) == []
    assert why_nothing_to_export(store, waiting.group_id) == (
        "No network has finished yet. It can be kept as soon as its run has."
    )
    assert execute(store, waiting.id) == 0
    assert why_nothing_to_export(store, waiting.group_id) == (
        "No network of this experiment has finished, so there is nothing to keep."
    )
    with pytest.raises(BadInput, match="has no network"):
        model_package(store, waiting.id)


def test_names_of_packages_are_plain() -> None:
    assert package_name("Été *2026*", "cnn", 1) == "headstart-ete-2026-cnn-seed1.zip"
    assert package_name("日本", "mlp", 0) == "headstart-mlp-seed0.zip"

"""The package of a kept model: made from a real training, its program run as printed."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from core.datasets.decoding.decode import decode_image
from core.datasets.decoding.levels import Levels
from core.datasets.prepare import prepare_image, prepare_images, smallest_edge
from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.planning import plan_experiment
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
from tests.datasets.pictures import interlaced_png, tiff
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


def program(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kept_predict", folder / "predict.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    card = (folder / "README.md").read_text(encoding="utf-8")
    tested = len(read_predictions(run_id).labels)
    assert (
        f"on {tested} test pictures `model.keras` made the same prediction as the run {tested}"
        in card
    )


def odd_pictures(folder: Path) -> list[Path]:
    """Every kind of pixels that the formats know, none of them square."""
    random = np.random.default_rng(5)
    colour = Image.fromarray(random.integers(0, 255, (50, 70, 3), dtype=np.uint8))
    levels = random.integers(0, 65535, (50, 70)).astype(np.uint16)
    veil = Image.fromarray(random.integers(0, 255, (50, 70, 4), dtype=np.uint8))
    exif = Image.Exif()
    made = []
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        made.append(folder / f"turned {orientation}.jpg")
        colour.resize((700, 500)).save(made[-1], exif=exif.tobytes())
    for name, picture, options in (
        ("colour.png", colour, {}),
        ("veil.png", veil, {}),
        ("veil.webp", veil, {"lossless": True}),
        ("grey and alpha.png", veil.convert("LA"), {}),
        ("grey.png", colour.convert("L"), {}),
        ("one bit.png", colour.convert("1"), {}),
        ("palette.png", colour.quantize(16), {"transparency": 3}),
        ("palette.gif", colour.quantize(16), {"transparency": 3}),
        ("deep.png", Image.fromarray(levels), {}),
        ("inks.jpg", colour.convert("CMYK"), {}),
        ("plain.bmp", colour, {}),
        ("plain.ppm", colour, {}),
        ("plain.tga", colour, {}),
        ("veil.avif", veil, {}),
        ("turned.avif", colour, {"exif": exif.tobytes()}),
        ("packed.tif", colour, {"compression": "tiff_lzw"}),
    ):
        made.append(folder / name)
        picture.save(made[-1], **options)
    twelve = levels // 16
    colours = np.stack([twelve, twelve[::-1], twelve // 2], axis=-1)
    floats = (levels / 65535).astype(np.float32)
    for name, data in (
        ("deep.tif", tiff(levels)),
        ("deep negative.tif", tiff(levels, white_is_zero=True)),
        ("deep colours.tif", tiff(colours)),
        ("deep.ppm", b"P6 70 50 65535\n" + colours.astype(">u2").tobytes()),
        ("twelve.ppm", b"P6 70 50 4095\n" + colours.astype(">u2").tobytes()),
        ("twelve.pgm", b"P5 70 50 4095\n" + twelve.astype(">u2").tobytes()),
        ("plain text.pgm", b"P2 70 50 4095\n" + " ".join(map(str, twelve.ravel())).encode()),
        ("signed.tif", tiff(twelve.astype(np.int16) - 1024)),
        ("floats.tif", tiff(floats)),
        ("large floats.tif", tiff(floats * 300 - 20)),
        ("interlaced.png", interlaced_png(levels)),
        ("interlaced colours.png", interlaced_png(colours)),
    ):
        made.append(folder / name)
        made[-1].write_bytes(data)
    return made


def without_model(folder: Path, **prepare: object) -> Path:
    """The program with what it reads first; there is no model to ask."""
    (folder / "predict.py").write_text(snippet(), encoding="utf-8")
    (folder / "labels.json").write_text("[]")
    (folder / "preprocessing.json").write_text(json.dumps(prepare))
    return folder


LEVELS = {
    "usual": Levels(),
    "12 bits": Levels(whole=(90, 4095)),
    "signed, and floats": Levels(whole=(-1024, 3071), floats=(-3.5, 250)),
}


@pytest.mark.parametrize(
    ("resize", "channels", "levels"),
    [
        ("stretch", 1, "usual"), ("pad", 1, "usual"), ("crop", 3, "usual"), ("pad", 3, "usual"),
        ("stretch", 3, "12 bits"), ("crop", 1, "signed, and floats"),
    ],
)  # fmt: skip
def test_the_program_prepares_pictures_to_the_same_pixels(
    tmp_path: Path, resize: str, channels: int, levels: str
) -> None:
    side = 24
    scale = LEVELS[levels]
    without_model(tmp_path, side=side, channels=channels, resize=resize, levels=scale.to_json())
    printed = program(tmp_path)
    for path in odd_pictures(tmp_path):
        decoded = decode_image(path.read_bytes(), path.name, smallest_edge(side), scale)
        ours = prepare_image(decoded, side, resize, channels)
        theirs = printed.prepared(path)
        assert (theirs.shape, theirs.dtype) == ((1, side, side, channels), np.uint8)
        np.testing.assert_array_equal(theirs[0], ours, err_msg=path.name)


def told(folder: Path, *arguments: str) -> tuple[int, str, list[str]]:
    """Status, output and errors of the program."""
    run = subprocess.run(
        [sys.executable, "predict.py", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in run.stderr
    return run.returncode, run.stdout, run.stderr.splitlines()


HEIC = b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(200)
NOT_USED = {
    "missing": (None, "there is no such file"),
    "a.heic": (HEIC, "a HEIC image, as iPhones take them: save it as JPEG"),
    "a.dcm": (
        bytes(128) + b"DICM",
        "a DICOM file: save it as PNG or TIFF, as the images that the model was trained on",
    ),
    "a.jpg": (
        b"version https://git-lfs.github.com/spec/v1\n",
        "a pointer of Git LFS, not the image itself: run `git lfs pull`",
    ),
    "b.jpg": (b"", "the file is empty"),
    "c.jpg": (
        b"no picture",
        "not an image of a kind that can be opened (JPEG, PNG, GIF, BMP, WEBP, PPM, AVIF, TIFF,"
        " TGA); save it as PNG or JPEG",
    ),
    "d.ppm": (b"P6 20 20 255\n" + bytes(30), "damaged or cut short (image file is truncated"),
    "e.pgm": (b"P5 9000 9000 255\n", "it has more than 50 megapixels"),
    "f.tif": (
        tiff(np.zeros((9, 9, 3), np.uint16), apart=True),
        "a TIFF with more than 8 bits and each channel apart: save it as PNG",
    ),
    "g.tif": (tiff(np.full((9, 9), np.nan, np.float32)), "it contains pixels that are not numbers"),
    "empty folder": ("folder", "there is no image in this folder"),
}


def test_what_the_program_cannot_use_is_told_in_a_sentence_each(tmp_path: Path) -> None:
    without_model(tmp_path, side=8, channels=3, resize="stretch")
    for name, (content, _) in NOT_USED.items():
        if content == "folder":
            (tmp_path / name).mkdir()
        elif isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
    status, output, errors = told(tmp_path, *NOT_USED)
    assert (status, output) == (1, "")
    for line, (name, (_, sentence)) in zip(errors, NOT_USED.items(), strict=True):
        assert line.startswith(f"{name}: {sentence}")
        assert line.endswith(".")


def test_the_program_without_arguments_says_how_to_use_it(tmp_path: Path) -> None:
    without_model(tmp_path, side=8, channels=3, resize="stretch")
    for arguments in ((), ("--onnx",), ("--help",)):
        status, _, errors = told(tmp_path, *arguments)
        assert status == 1
        assert errors[0].endswith("python predict.py IMAGE_OR_FOLDER ... [--onnx]")


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    without_model(tmp_path, side=8, channels=3, resize="stretch")
    Image.new("RGB", (9, 9)).save(tmp_path / "x.png")
    status, _, errors = told(tmp_path, "x.png", "--onnx")
    assert status == 1
    assert errors[-1].startswith("The model beside this program cannot be loaded:")


@pytest.mark.tensorflow
@pytest.mark.usefixtures("home")
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
@pytest.mark.usefixtures("home")
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
@pytest.mark.usefixtures("home")
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

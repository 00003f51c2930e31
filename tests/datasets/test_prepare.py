import hashlib
import json
import logging
import multiprocessing
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import files
from core.datasets import prepare
from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.errors import BadInput, Cancelled, HeadstartError
from tests.datasets.pictures import encoded, two_classes, write_zip


@pytest.fixture
def wide(home: Path, tmp_path: Path) -> Dataset:  # noqa: ARG001 - sets the home
    """One 60x30 picture, left half black and right half white, and some small noise."""
    pixels = np.zeros((30, 60, 3), np.uint8)
    pixels[:, 30:] = 255
    members = two_classes() | {"cats/wide.png": encoded(Image.fromarray(pixels))}
    return add_dataset(write_zip(tmp_path / "wide.zip", members))


def test_all_images_at_the_size(tiny_dataset):
    progress = []
    prepared = prepare_images(
        tiny_dataset, 16, progress=lambda done, total: progress.append((done, total))
    )
    assert prepared.shape == (60, 16, 16, 3)
    assert prepared.image_size == 16
    assert progress == [(done, 60) for done in range(1, 61)]
    pixels = np.load(prepared.path)
    assert pixels.dtype == np.uint8
    assert prepared.digest == hashlib.sha256(pixels.tobytes()).hexdigest()
    expected = tiny_dataset.image(7).resize((16, 16), Image.Resampling.BILINEAR)
    assert (pixels[7] == np.asarray(expected)).all()


def test_read_and_take(tiny_dataset):
    prepared = prepare_images(tiny_dataset, 16)
    pixels = np.load(prepared.path)
    assert (prepared.read(0, 60) == pixels).all()
    assert (prepared.read(50, 999) == pixels[50:]).all()
    assert prepared.read(60, 70).shape == (0, 16, 16, 3)
    assert prepared.read(7, 3).shape == (0, 16, 16, 3)
    taken = prepared.take(np.array([5, 3, 3, 59]))
    assert (taken == pixels[[5, 3, 3, 59]]).all()
    assert type(taken) is np.ndarray
    taken[:] = 0
    assert (prepared.read(5, 6) == pixels[5:6]).all()


def test_never_larger_than_the_source(tiny_dataset, digits, home):
    large = prepare_images(tiny_dataset, 224)
    assert large.shape == (60, 40, 40, 3)
    assert large.image_size == 224
    assert prepare_images(tiny_dataset, 96).path == large.path
    small = prepare_images(digits, 96)
    assert small.shape == (1797, 8, 8, 1)
    assert small.path.is_relative_to(home)
    assert small.read(0, 1)[0, 0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]


def test_stretch_pad_and_crop(wide):
    position = wide.file_names.index("cats/wide.png")
    rows = {
        resize: prepare_images(wide, 20, resize).take(np.array([position]))[0, ..., 0]
        for resize in ("stretch", "pad", "crop")
    }
    assert rows["stretch"][10, :8].max() == 0
    assert rows["stretch"][10, 12:].min() == 255
    assert rows["pad"][:5].min() == rows["pad"][15:].min() == 255
    assert rows["pad"][5:15, :8].max() == 0
    assert rows["crop"][0, :8].max() == 0
    assert rows["crop"][0, 12:].min() == 255


def test_grey_pad_is_white(digits):
    assert prepare_images(digits, 4, "pad").shape == (1797, 4, 4, 1)


def test_bad_requests(tiny_dataset):
    with pytest.raises(BadInput, match="must be one of: stretch, pad, crop") as caught:
        prepare_images(tiny_dataset, 16, "fold")
    assert caught.value.field == "resize"
    with pytest.raises(BadInput, match="at least 1"):
        prepare_images(tiny_dataset, 0)


def test_the_second_time_comes_from_the_cache(tiny_dataset, monkeypatch):
    first = prepare_images(tiny_dataset, 16)
    monkeypatch.setattr(prepare, "_build", None)
    assert prepare_images(tiny_dataset, 16) == first


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(bytes(data))


def put_a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


OTHER_OFFSET = '{"shape": [1], "digest": "", "pixels_offset": "x", "dataset_id": ""}'


@pytest.mark.parametrize(
    ("damage", "logged"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "size does not fit"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "size does not fit"),
        (flip_a_bit, "content changed"),
        (lambda path: path.unlink(), None),
        (lambda path: path.with_suffix(".json").unlink(), None),
        (lambda path: path.with_suffix(".json").write_text('{"shape": ['), "manifest damaged"),
        (lambda path: path.with_suffix(".json").write_text("[]"), "manifest damaged"),
        (lambda path: path.with_suffix(".json").write_text('{"a": 1}'), "manifest damaged"),
        (lambda path: path.with_suffix(".json").write_text(OTHER_OFFSET), "manifest damaged"),
        (put_a_folder, "is a folder; it is now"),
        (lambda path: put_a_folder(path.with_suffix(".json")), "is a folder; it is now"),
    ],
    ids=[
        "cut",
        "longer",
        "flipped",
        "gone",
        "no manifest",
        "cut manifest",
        "list",
        "other manifest",
        "text for a number",
        "folder",
        "folder as manifest",
    ],
)
def test_a_damaged_cache_is_built_again(tiny_dataset, damage, logged, caplog):
    first = prepare_images(tiny_dataset, 16)
    whole = first.path.read_bytes()
    damage(first.path)
    with caplog.at_level(logging.WARNING):
        assert prepare_images(tiny_dataset, 16) == first
    assert first.path.read_bytes() == whole
    assert (logged is None and caplog.text == "") or logged in caplog.text


def test_cancel_leaves_nothing(tiny_dataset, home):
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        prepare_images(tiny_dataset, 16, should_stop=lambda: next(calls))
    assert list((home / "cache" / "prepared").iterdir()) == []
    assert prepare_images(tiny_dataset, 16).shape[0] == 60


def test_cancel_while_another_builds(tiny_dataset, monkeypatch):
    building, leave = threading.Event(), threading.Event()
    build = prepare._build

    def slow_build(*arguments: object) -> object:
        building.set()
        assert leave.wait(20)
        return build(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(prepare, "_build", slow_build)
    monkeypatch.setattr(files, "LOCK_POLL_SECONDS", 0.01)
    thread = threading.Thread(target=prepare_images, args=(tiny_dataset, 16))
    thread.start()
    assert building.wait(20)
    with pytest.raises(Cancelled):
        prepare_images(tiny_dataset, 16, should_stop=lambda: True)
    leave.set()
    thread.join(20)
    monkeypatch.setattr(prepare, "_build", None)
    assert prepare_images(tiny_dataset, 16).shape[0] == 60


def test_a_failure_while_writing_leaves_nothing(tiny_dataset, home, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        prepare_images(tiny_dataset, 16)
    assert list((home / "cache" / "prepared").iterdir()) == []


def test_no_room_on_the_disk(tiny_dataset, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("core.datasets.storage.shutil.disk_usage", lambda _: usage)
    with pytest.raises(HeadstartError, match="the prepared images would take"):
        prepare_images(tiny_dataset, 16)


def test_what_a_killed_process_left_is_removed(tiny_dataset):
    path = prepare_images(tiny_dataset, 16).path
    path.unlink()
    left_behind = path.with_name(f".{path.name}.{'0' * 32}.part")
    left_behind.write_bytes(b"half")
    prepare_images(tiny_dataset, 16)
    assert sorted(path.parent.iterdir()) == [path.with_suffix(".json"), path]


def _prepare(home: Path, log: Path, results: "multiprocessing.Queue[str]") -> None:
    os.environ["HEADSTART_HOME"] = str(home)
    built = []
    prepared = prepare_images(open_dataset("tiny"), 32, progress=lambda done, _: built.append(done))
    log.with_suffix(f".{os.getpid()}").write_text(json.dumps(len(built)))
    results.put(prepared.digest)


def test_processes_that_prepare_at_once_build_once(tiny_dataset, home, tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    log = tmp_path / "built"
    children = [context.Process(target=_prepare, args=(home, log, results)) for _ in range(3)]
    for child in children:
        child.start()
    digests = {results.get(timeout=60) for _ in children}
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert digests == {prepare_images(tiny_dataset, 32).digest}
    counts = sorted(int(path.read_text()) for path in tmp_path.glob("built.*"))
    assert counts == [0, 0, 60]

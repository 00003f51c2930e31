"""Images deeper than 8 bits: one scale for the whole dataset, wherever its images are used."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.copies import copies_of
from core.datasets.dataset import Dataset
from core.datasets.decoding.levels import USUAL_LEVELS, Levels
from core.datasets.export import export_zip
from core.datasets.health.findings import findings
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset, remove_dataset
from core.datasets.versions import Changes, make_version
from tests.datasets.bad_inputs.making import add_zip, png_chunk
from tests.datasets.pictures import encoded, noise_png, tiff, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
RANDOM = np.random.default_rng(7)
SHAPE = (40, 36)
STRETCHED = (
    "The images have more than 8 bits a pixel: their levels {} to {} were stretched to 0 to 255,"
    " in all images alike."
)


def scenes(low: float, high: float, count: int = 6, shape: tuple[int, ...] = SHAPE) -> list:
    """Images of different brightness, whose levels together are exactly these."""
    found = []
    for number in range(count):
        top = low + (high - low) * (number + 1) / count
        scene = low + RANDOM.random(shape) * (top - low)
        scene[0, 0], scene[0, 1] = low, top
        found.append(scene)
    return found


def png16(scene: np.ndarray) -> bytes:
    return encoded(Image.fromarray(scene.round().astype(np.uint16)))


def pgm16(scene: np.ndarray) -> bytes:
    start = f"P5\n{scene.shape[1]} {scene.shape[0]}\n65535\n".encode()
    return start + scene.round().astype(">u2").tobytes()


def ppm16(scene: np.ndarray) -> bytes:
    start = f"P6\n{scene.shape[1]} {scene.shape[0]}\n65535\n".encode()
    return start + scene.round().astype(">u2").tobytes()


def colour_png16(scene: np.ndarray, alpha: bool = False) -> bytes:
    """Of 16 bits a colour, which Pillow cannot save."""
    pixels = scene.round()
    if alpha:
        pixels = np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 65535)], axis=2)
    height, width, channels = pixels.shape
    kind = {2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(">u2"))
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def members(files: list[bytes], ending: str) -> dict[str, bytes]:
    classes = ("cats", "dogs")
    return {f"{classes[at % 2]}/{at}.{ending}": data for at, data in enumerate(files)}


def image_named(dataset: Dataset, number: int) -> np.ndarray:
    (at,) = (at for at, name in enumerate(dataset.file_names) if Path(name).stem == str(number))
    return np.asarray(dataset.image(at))


def expected(scene: np.ndarray, low: float, high: float) -> np.ndarray:
    grey = np.rint(np.clip((scene - low) * 255 / (high - low), 0, 255)).astype(int)
    return grey if grey.ndim == 3 else np.repeat(grey[..., np.newaxis], 3, axis=2)


def saved_as(kind: type):
    return lambda scene: tiff(
        scene.astype(kind) if kind is np.float32 else scene.round().astype(kind)
    )


COLOURS = (*SHAPE, 3)
KINDS = {
    "12 bits, TIFF": (saved_as(np.uint16), "tif", 90, 4095, SHAPE),
    "12 bits, PNG": (png16, "png", 90, 4095, SHAPE),
    "12 bits, PGM": (pgm16, "pgm", 90, 4095, SHAPE),
    "9 bits, TIFF": (saved_as(np.uint16), "tif", 90, 420, SHAPE),
    "10 bits, PNG": (png16, "png", 0, 1023, SHAPE),
    "14 bits, TIFF": (saved_as(np.uint16), "tif", 100, 16383, SHAPE),
    "a bright band, TIFF": (saved_as(np.uint16), "tif", 40000, 52000, SHAPE),
    "CT, TIFF": (saved_as(np.int16), "tif", -1024, 3071, SHAPE),
    "signed 32 bits, TIFF": (saved_as(np.int32), "tif", -100, 1_000_000, SHAPE),
    "unsigned 32 bits, TIFF": (saved_as(np.uint32), "tif", 0, 3000, SHAPE),
    "floats, TIFF": (saved_as(np.float32), "tif", -3.5, 12.25, SHAPE),
    "small floats, TIFF": (saved_as(np.float32), "tif", 0, 0.015625, SHAPE),
    "12 bits in colour, TIFF": (saved_as(np.uint16), "tif", 90, 4095, COLOURS),
    "12 bits in colour, PNG": (colour_png16, "png", 90, 4095, COLOURS),
    "12 bits in colour with alpha, PNG": (
        lambda scene: colour_png16(scene, alpha=True), "png", 90, 4095, COLOURS,
    ),
    "12 bits of grey with alpha, PNG": (
        lambda scene: colour_png16(scene[..., np.newaxis], alpha=True), "png", 90, 4095, SHAPE,
    ),
    "12 bits in colour, PPM": (ppm16, "ppm", 90, 4095, COLOURS),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_levels_of_all_images_settle_one_scale(tmp_path, kind):
    save, ending, low, high, shape = KINDS[kind]
    made = scenes(low, high, shape=shape)
    dataset = add_zip(tmp_path, members([save(scene) for scene in made], ending))
    (note,) = dataset.health.notes
    shown = [f"{level:,.0f}" if level == int(level) else f"{level:,.4g}" for level in (low, high)]
    assert note == STRETCHED.format(*shown)
    for number, scene in enumerate(made):
        stored = scene if "floats" in kind else scene.round()
        difference = np.abs(image_named(dataset, number) - expected(stored, low, high))
        assert difference.max() <= 1, number
    assert dataset.health.levels[0] <= 1
    assert dataset.health.levels[1] >= 200
    assert dataset.health.quarantined == ()


def test_images_that_are_read_twice_are_counted_twice(tmp_path):
    made = members([png16(scene) for scene in scenes(90, 4095)], "png")
    seen: list[tuple[int, int]] = []
    add_dataset(
        write_zip(tmp_path / "deep.zip", made), progress=lambda *counts: seen.append(counts)
    )
    assert seen == [(done, 6) for done in range(1, 7)] * 2


FULL = {
    "PNG": (png16, "png", 65535, SHAPE),
    "TIFF": (saved_as(np.uint16), "tif", 65535, SHAPE),
    "colour PNG": (colour_png16, "png", 65535, COLOURS),
    "half of the levels": (png16, "png", 33000, SHAPE),
    "floats to 1": (saved_as(np.float32), "tif", 1, SHAPE),
    "floats to 255": (saved_as(np.float32), "tif", 255, SHAPE),
}


@pytest.mark.parametrize("kind", FULL)
def test_the_full_range_stays_as_it_was(tmp_path, kind):
    save, ending, high, shape = FULL[kind]
    made = scenes(0, high, shape=shape)
    dataset = add_zip(tmp_path, members([save(scene) for scene in made], ending))
    assert dataset.health.notes == ()
    assert dataset.levels.whole is None
    white = 65535 if high == 33000 else high
    for number, scene in enumerate(made):
        difference = np.abs(image_named(dataset, number) - expected(scene, 0, white))
        assert difference.max() <= 1, number


def test_a_dataset_of_the_full_range_has_the_id_that_it_always_had(tmp_path):
    grey = np.linspace(0, 65535, 24 * 24).reshape(24, 24)
    made = [np.roll(grey, 50 * number) for number in range(4)]
    dataset = add_zip(tmp_path, members([png16(scene) for scene in made], "png"))
    assert dataset.id == "6649611744960e4bb6b47070073a2fde38aaa864072ce6d03907ad7574636f02"
    assert "levels" not in json.loads((dataset.folder / "manifest.json").read_text())


def test_a_dark_image_stays_darker_than_a_bright_one(tmp_path):
    made = scenes(0, 4000, count=8)
    dataset = add_zip(tmp_path, members([png16(scene) for scene in made], "png"))
    tops = [int(image_named(dataset, number).max()) for number in range(8)]
    assert tops == [32, 64, 96, 128, 159, 191, 223, 255]


def test_a_few_broken_pixels_do_not_settle_the_scale(tmp_path):
    made = scenes(100, 4000, shape=(120, 120))
    made[3][5, 5] = 65535
    dataset = add_zip(tmp_path, members([png16(scene) for scene in made], "png"))
    (note,) = dataset.health.notes
    assert note.endswith(" Levels beyond became black or white.")
    assert dataset.levels.whole is not None
    assert 100 <= dataset.levels.whole[0] < 200
    assert 3500 < dataset.levels.whole[1] <= 4000
    assert image_named(dataset, 3)[5, 5].tolist() == [255] * 3


@pytest.mark.parametrize(("kind", "fill"), [(np.float32, -9999.0), (np.int16, -32768)])
def test_what_stands_for_not_measured_is_black_and_does_not_settle_the_scale(tmp_path, kind, fill):
    made = scenes(200, 1800)
    for scene in made:
        scene[:8] = fill
        scene[8, 0] = 200
    dataset = add_zip(tmp_path, members([saved_as(kind)(scene) for scene in made], "tif"))
    levels = dataset.levels.floats if kind is np.float32 else dataset.levels.whole
    assert levels is not None
    assert levels[0] == pytest.approx(200, abs=15)
    assert levels[1] == pytest.approx(1800, abs=15)
    assert image_named(dataset, 5)[0, 0].tolist() == [0, 0, 0]


def test_images_of_8_bits_beside_deep_ones_stay_as_they_are(tmp_path):
    made = scenes(0, 1000)
    plain = noise_png(3)
    files = members([png16(scene) for scene in made], "png") | {"cats/plain.png": plain}
    dataset = add_zip(tmp_path, files)
    assert dataset.levels.whole == (0, 1000)
    at = dataset.file_names.index("cats/plain.png")
    assert dataset.image(at).tobytes() == Image.open(io.BytesIO(plain)).tobytes()


@pytest.fixture
def twelve_bits(tmp_path):
    made = scenes(90, 4095)
    dataset = add_zip(tmp_path, members([png16(scene) for scene in made], "png"), "deep.zip")
    return dataset, made


def test_the_scale_is_stored_with_the_dataset(twelve_bits):
    dataset, _ = twelve_bits
    assert dataset.levels == Levels(whole=(90, 4095))
    again = open_dataset(dataset.id)
    assert again.levels == dataset.levels
    assert np.asarray(again.image(0)).max() > 30
    thumbnail = np.asarray(Image.open(io.BytesIO(again.thumbnail(5, 64))))
    assert np.ptp(thumbnail) > 100
    prepared = prepare_images(again, 32).read(0, 6)
    assert prepared.max() > 200


def test_the_id_depends_on_the_scale(tmp_path):
    made = scenes(90, 4095)
    files = members([png16(scene) for scene in made], "png")
    darker = scenes(90, 8000)[5]
    one = add_zip(tmp_path, files, "one.zip")
    files["dogs/more.png"] = png16(darker)
    other = add_zip(tmp_path, files, "other.zip")
    position = other.file_names.index("cats/0.png")
    assert one.levels != other.levels
    assert (one.digests[one.file_names.index("cats/0.png")] != other.digests[position]).any()


def test_a_version_keeps_the_scale(twelve_bits):
    dataset, _ = twelve_bits
    version = make_version(dataset, Changes(drop_images=(5,)))
    assert version.levels == dataset.levels
    assert version.image(0).tobytes() == dataset.image(0).tobytes()
    assert version.health.levels == dataset.health.levels
    remove_dataset(dataset.name)
    assert open_dataset(version.id).levels == version.levels


def test_an_export_has_the_images_as_people_see_them(twelve_bits, tmp_path):
    dataset, _ = twelve_bits
    path = tmp_path / "again.zip"
    with open(path, "wb") as file:
        export_zip(dataset, file)
    shown = [dataset.image(at).tobytes() for at in range(6)]
    remove_dataset(dataset.name)
    again = add_dataset(path)
    assert again.id == dataset.id
    assert [again.image(at).tobytes() for at in range(6)] == shown
    assert again.levels == dataset.levels != USUAL_LEVELS  # for uploads as deep as the first images


def test_an_upload_of_its_own_image_is_found(twelve_bits):
    dataset, made = twelve_bits
    position = dataset.file_names.index("cats/2.png")
    prepared = prepare_images(dataset, 32).read(position, position + 1)[0]
    copies = copies_of(dataset, png16(made[2]), "holiday.png", prepared, "stretch")
    assert copies.same.tolist() == [position]


def test_old_datasets_have_no_scale(tmp_path):
    dataset = add_zip(tmp_path, two_classes())
    manifest = json.loads((dataset.folder / "manifest.json").read_text())
    assert "levels" not in manifest
    del manifest["health"]["levels"]
    (dataset.folder / "manifest.json").write_text(json.dumps(manifest))
    old = open_dataset(dataset.id)
    assert old.levels == USUAL_LEVELS
    assert old.health.levels == (0, 255)
    assert "low_contrast" not in {finding.kind for finding in findings(old)}


@pytest.mark.parametrize(("top", "found"), [(15, True), (60, True), (90, False)])
def test_a_dataset_that_is_dark_as_a_whole_is_found(tmp_path, top, found):
    images = [
        encoded(Image.fromarray(RANDOM.integers(0, top + 1, (30, 30, 3)).astype(np.uint8)))
        for _ in range(8)
    ]
    # One image like all others elsewhere does not hide the rest.
    dataset = add_zip(tmp_path, members(images * 4, "png") | {"cats/bright.png": noise_png(1)})
    titles = {finding.kind: finding.title for finding in findings(dataset)}
    assert ("low_contrast" in titles) == found
    if found:
        expected_title = f"Nearly all images use only the levels 0 to {top} of 0 to 255."
        assert titles["low_contrast"] == expected_title

"""The program of an exported network: it decodes, prepares and refuses as Headstart does."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from core.datasets.decoding.decode import decode_image
from core.datasets.decoding.levels import Levels
from core.datasets.prepare import prepare_image, smallest_edge
from core.reports.export_model import snippet
from tests.datasets.pictures import interlaced_png, tiff

pytestmark = pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")


def program(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kept_predict", folder / "predict.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    "e.pgm": (b"P5 9000 9000 255\n", "it has more than 51 megapixels"),
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

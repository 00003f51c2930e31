"""I11: every kind of pixels becomes the RGB that people see."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.datasets.export import export_zip
from tests.datasets.bad_inputs.making import add_zip, reasons
from tests.datasets.pictures import encoded, two_classes

pytestmark = pytest.mark.usefixtures("home")
RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)
SIDE = 16
SIZE = (SIDE, SIDE)


def transparent_palette() -> Image.Image:
    image = Image.new("P", SIZE, 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.info["transparency"] = 1
    return image


def level(value: float, kind: type) -> Image.Image:
    return Image.fromarray(np.full(SIZE, value, kind))


GOLDEN = {
    "RGB": (encoded(Image.new("RGB", SIZE, (10, 20, 30))), (10, 20, 30)),
    "grey": (encoded(Image.new("L", SIZE, 77)), (77, 77, 77)),
    "1-bit": (encoded(Image.new("1", SIZE, 1)), WHITE),
    "palette": (encoded(Image.new("RGB", SIZE, RED).quantize(4)), RED),
    "palette with transparency": (encoded(transparent_palette()), WHITE),
    "RGBA clear": (encoded(Image.new("RGBA", SIZE, (255, 0, 0, 0))), WHITE),
    "RGBA opaque": (encoded(Image.new("RGBA", SIZE, (255, 0, 0, 255))), RED),
    "RGBA a fifth": (encoded(Image.new("RGBA", SIZE, (0, 0, 0, 51))), (204, 204, 204)),
    "grey, clear": (encoded(Image.new("LA", SIZE, (0, 0))), WHITE),
    "16-bit white": (encoded(level(65535, np.uint16)), WHITE),
    "16-bit middle": (encoded(level(32768, np.uint16)), (128, 128, 128)),
    "16-bit dark": (encoded(level(257, np.uint16)), (1, 1, 1)),
    "16-bit, that level clear": (encoded(level(300, np.uint16), transparency=300), WHITE),
    "float 0.5": (encoded(level(0.5, np.float32), "TIFF"), (128, 128, 128)),
    "float 1.0": (encoded(level(1.0, np.float32), "TIFF"), WHITE),
    "float 200": (encoded(level(200.0, np.float32), "TIFF"), (200, 200, 200)),
    "CMYK": (encoded(Image.new("CMYK", SIZE, (0, 255, 255, 0)), "JPEG", quality=100), (255, 0, 0)),
}


@pytest.mark.parametrize(
    ("data", "expected"), GOLDEN.values(), ids=[f"I11-{kind}" for kind in GOLDEN]
)
def test_i11_the_right_pixels(tmp_path, data, expected):
    # The one format that is opened for its name alone.
    name = "cats/x.tif" if data.startswith(b"II*") else "cats/x.png"
    dataset = add_zip(tmp_path, two_classes() | {name: data})
    assert reasons(dataset) == {}
    picture = dataset.image(dataset.file_names.index(name))
    assert (picture.mode, picture.size) == ("RGB", SIZE)
    assert picture.getpixel((SIDE // 2, SIDE // 2)) == expected


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "top left"), (2, "top right"), (3, "bottom right"), (4, "bottom left"),
     (5, "top left"), (6, "top right"), (7, "bottom right"), (8, "bottom left")],
    ids=[f"I11-orientation {number}" for number in range(1, 9)],
)  # fmt: skip
def test_i11_exif_orientation_turns_the_picture_upright(tmp_path, orientation, corner):
    image = Image.new("RGB", (6, 4), WHITE)
    image.putpixel((0, 0), BLACK)
    exif = Image.Exif()
    exif[0x0112] = orientation
    dataset = add_zip(tmp_path, two_classes() | {"cats/x.png": encoded(image, exif=exif)})
    position = dataset.file_names.index("cats/x.png")
    upright = dataset.image(position)
    assert upright.size == ((6, 4) if orientation < 5 else (4, 6))
    assert (dataset.widths[position], dataset.heights[position]) == upright.size
    x = 0 if "left" in corner else upright.width - 1
    y = 0 if "top" in corner else upright.height - 1
    assert upright.getpixel((x, y)) == BLACK


def test_i11_pixels_that_are_not_numbers_are_refused(tmp_path):
    data = encoded(level(np.nan, np.float32), "TIFF")
    dataset = add_zip(tmp_path, two_classes() | {"cats/x.tif": data})
    assert reasons(dataset) == {"cats/x.tif": "contains pixels that are not numbers"}


def test_i11_no_place_in_thumbnails_and_exports(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera of mine"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 59.0)})
    picture = Image.new("RGB", (40, 20), "red")
    picture.putpixel((0, 0), (0, 0, 255))
    located = {
        f"cats/gps.{kind.lower()}": encoded(picture, kind, exif=exif)
        for kind in ("JPEG", "PNG", "WEBP")
    }
    dataset = add_zip(tmp_path, two_classes() | located)
    for name in located:
        position = dataset.file_names.index(name)
        assert (dataset.widths[position], dataset.heights[position]) == (20, 40)
        thumbnail = Image.open(io.BytesIO(dataset.thumbnail(position, 32)))
        assert thumbnail.size == (16, 32)
        assert (dict(thumbnail.getexif()), thumbnail.info) == ({}, {})
    exported = io.BytesIO()
    export_zip(dataset, exported)
    with zipfile.ZipFile(exported) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    pictures = [data for name, data in contents.items() if "gps" in name]
    assert len(pictures) == 3
    for data in pictures:
        exported_exif = Image.open(io.BytesIO(data)).getexif()
        assert set(exported_exif) <= {0x0112}
        assert exported_exif.get_ifd(0x8825) == {}
        assert b"camera" not in data

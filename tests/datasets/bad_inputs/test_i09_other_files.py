"""I9: what a file holds decides, not what it is called."""

import pytest
from PIL import Image

from tests.datasets.bad_inputs.making import add_zip, reasons
from tests.datasets.pictures import encoded, two_classes

pytestmark = pytest.mark.usefixtures("home")
PICTURE = Image.new("RGB", (16, 16), (10, 20, 30))
KNOWN = "JPEG, PNG, GIF, BMP, WEBP"
UNKNOWN = f"not a readable image of a known format ({KNOWN})"

REFUSED = {
    "HTML": ("x.jpg", b"<!DOCTYPE html><html>", f"a web page, not one of {KNOWN}"),
    "SVG": ("x.jpg", b"<svg xmlns='x'/>", f"a vector drawing or XML, not one of {KNOWN}"),
    "PDF": ("x.jpg", b"%PDF-1.7\n", f"a PDF document, not one of {KNOWN}"),
    "text": ("x.jpg", b"hello", UNKNOWN),
    "nothing": ("x.jpg", b"", "the file is empty"),
    "TIFF": ("x.png", encoded(PICTURE, "TIFF"), "a TIFF whose name does not end in .tif or .tiff"),
    "EPS": ("x.png", b"%!PS-Adobe-3.0 EPSF-3.0\n", UNKNOWN),
    "HEIC": (
        "IMG_1.HEIC",
        b"\0\0\0\x24ftypheic\0\0\0\0mif1",
        f"a HEIC image, as iPhones take them: save it as JPEG (formats that can be read: {KNOWN})",
    ),
    "AVIF": (
        "x.avif",
        b"\0\0\0\x20ftypavif\0\0\0\0",
        f"an AVIF image: save it as JPEG or PNG (formats that can be read: {KNOWN})",
    ),
    "film": ("x.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0", f"a video, not one of {KNOWN}"),
    "PSD": ("x.png", b"8BPS\0\1" + bytes(40), UNKNOWN),
}
ACCEPTED = {
    "JPEG named png": ("x.png", "JPEG"),
    "PNG named jpg": ("x.jpg", "PNG"),
    "WebP": ("x.webp", "WEBP"),
    "BMP": ("x.bmp", "BMP"),
    "GIF": ("x.gif", "GIF"),
    "TIFF": ("x.tif", "TIFF"),
}


@pytest.mark.parametrize(
    ("name", "data", "reason"), REFUSED.values(), ids=[f"I9-{kind}" for kind in REFUSED]
)
def test_i9_what_is_no_picture_is_refused_by_content(tmp_path, name, data, reason):
    dataset = add_zip(tmp_path, two_classes() | {f"cats/{name}": data})
    assert reasons(dataset) == {f"cats/{name}": reason}
    assert dataset.image_count == 6


@pytest.mark.parametrize(
    ("name", "kind"), ACCEPTED.values(), ids=[f"I9-{kind}" for kind in ACCEPTED]
)
def test_i9_a_picture_is_taken_whatever_its_name(tmp_path, name, kind):
    dataset = add_zip(tmp_path, two_classes() | {f"cats/{name}": encoded(PICTURE, kind)})
    assert reasons(dataset) == {}
    colour = dataset.image(dataset.file_names.index(f"cats/{name}")).getpixel((8, 8))
    assert max(abs(a - b) for a, b in zip(colour, (10, 20, 30), strict=True)) <= 2

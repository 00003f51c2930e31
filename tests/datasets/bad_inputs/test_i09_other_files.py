"""I9: what a file holds decides, not what it is called."""

import pytest
from PIL import Image

from tests.datasets.bad_inputs.making import add_zip, reasons
from tests.datasets.pictures import encoded, two_classes

pytestmark = pytest.mark.usefixtures("home")
PICTURE = Image.new("RGB", (16, 16), (10, 20, 30))
READABLE = "JPEG, PNG, GIF, BMP, WEBP, TIFF, AVIF, TGA or PPM"

REFUSED = {
    "HTML": (
        "x.jpg",
        b"<!DOCTYPE html><html>",
        "a web page, not an image: the download went wrong or asked for a sign-in; download it"
        " again",
    ),
    "Git LFS": (
        "x.jpg",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a pointer of Git LFS, not the image itself: run `git lfs pull` in the repository and add"
        " the images again",
    ),
    "SVG": ("x.jpg", b"<svg xmlns='x'/>", "a vector drawing: export it as PNG"),
    "SVG with a head": ("x.svg", b"<?xml?><svg/>", "a vector drawing: export it as PNG"),
    "XML": (
        "x.jpg",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        "an XML document, not an image: often what a download says when it fails",
    ),
    "PDF": ("x.jpg", b"%PDF-1.7\n", "a PDF document, not an image"),
    "text": ("x.jpg", b"hello", "a text, not an image"),
    "bytes": ("x.jpg", b"\x80\x81\x82", f"not a readable image of a known format ({READABLE})"),
    "zeros": (
        "x.jpg",
        bytes(5000),
        "nothing but zeros: the file was not copied or downloaded as a whole",
    ),
    "nothing": ("x.jpg", b"", "the file is empty"),
    "TIFF": ("x.png", encoded(PICTURE, "TIFF"), "a TIFF whose name does not end in .tif or .tiff"),
    "TGA": (
        "x.png",
        encoded(PICTURE, "TGA"),
        f"not a readable image of a known format ({READABLE})",
    ),
    "EPS": ("x.png", b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript drawing: export it as PNG"),
    "HEIC": (
        "IMG_1.HEIC",
        b"\0\0\0\x24ftypheic\0\0\0\0mif1",
        "a HEIC image, as iPhones take them: export the photos as JPEG (on a Mac: Photos, File,"
        " Export; or `sips -s format jpeg *.HEIC --out jpeg`), or set the phone to Most Compatible",
    ),
    "AVIF cut short": (
        "x.avif",
        b"\0\0\0\x20ftypavif\0\0\0\0",
        "an AVIF image that is damaged or of a kind that cannot be read: save it as PNG",
    ),
    "film": ("x.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0", "a video, not an image"),
    "PSD": ("x.png", b"8BPS\0\1" + bytes(40), f"a Photoshop file: save it as {READABLE}"),
    "DICOM": (
        "IM0001",
        bytes(128) + b"DICM" + bytes(60),
        "a DICOM file: save it as PNG or TIFF of 16 bits (for example with the free program dcm2pnm"
        " or Weasis), the same window for all",
    ),
    "JPEG 2000": (
        "x.jp2",
        encoded(PICTURE, "JPEG2000"),
        "a JPEG 2000 image: save it as PNG (for example with opj_decompress)",
    ),
    "JPEG XL": (
        "x.jxl",
        b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30),
        "a JPEG XL image: save it as PNG (for example with djxl)",
    ),
    "raw": (
        "x.NEF",
        encoded(PICTURE, "TIFF"),
        "a camera's raw file: develop it, and save it as JPEG or TIFF",
    ),
    "colour PFM": (
        "x.pfm",
        b"PF\n2 2\n-1.0\n" + bytes(48),
        "a PFM image of floats in colour: save it as TIFF",
    ),
}
ACCEPTED = {
    "JPEG named png": ("x.png", "JPEG"),
    "PNG named jpg": ("x.jpg", "PNG"),
    "WebP": ("x.webp", "WEBP"),
    "BMP": ("x.bmp", "BMP"),
    "GIF": ("x.gif", "GIF"),
    "TIFF": ("x.tif", "TIFF"),
    "AVIF": ("x.avif", "AVIF"),
    "AVIF named jpg": ("x.jpg", "AVIF"),
    "TGA": ("x.TGA", "TGA"),
    "JPEG named tga": ("x.tga", "JPEG"),
    "PPM": ("x.ppm", "PPM"),
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

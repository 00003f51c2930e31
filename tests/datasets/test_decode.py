import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from core.datasets.as_rgb import UnreadableImageError
from core.datasets.decode import decode_image
from core.datasets.pillow_warnings import without_pillow_warnings
from tests.datasets.pictures import encoded, noise_png, png_header

RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)


def pixel(data: bytes, file_name: str = "") -> tuple[int, int, int]:
    return decode_image(data, file_name).getpixel((0, 0))


def transparent_palette() -> Image.Image:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.info["transparency"] = 1
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("RGB", (4, 4), (10, 20, 30)), (10, 20, 30)),
        (Image.new("L", (4, 4), 77), (77, 77, 77)),
        (Image.new("1", (4, 4), 1), WHITE),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), WHITE),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 255)), RED),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 51)), (204, 204, 204)),
        (Image.new("LA", (4, 4), (0, 0)), WHITE),
        (transparent_palette(), WHITE),
        (Image.fromarray(np.full((4, 4), 65535, np.uint16)), WHITE),
        (Image.fromarray(np.full((4, 4), 32768, np.uint16)), (128, 128, 128)),
        (Image.fromarray(np.full((4, 4), 257, np.uint16)), (1, 1, 1)),
    ],
    ids=[
        "rgb",
        "grey",
        "1-bit",
        "clear",
        "opaque",
        "half-clear",
        "clear grey",
        "palette",
        "16-bit white",
        "16-bit middle",
        "16-bit dark",
    ],
)
def test_png_modes_become_the_rgb_that_people_see(image, expected):
    assert pixel(encoded(image)) == expected


def test_16_bit_transparent_level_becomes_white():
    data = encoded(Image.fromarray(np.full((4, 4), 300, np.uint16)), transparency=300)
    assert pixel(data) == WHITE


def test_cmyk_jpeg():
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)
    red, green, blue = pixel(data)
    assert red >= 253
    assert max(green, blue) <= 2


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, (128, 128, 128)), (1.0, WHITE), (200.0, (200, 200, 200))]
)
def test_float_tiff(value, expected):
    image = Image.fromarray(np.full((4, 4), value, np.float32))
    assert pixel(encoded(image, "TIFF"), "x.tif") == expected


def test_float_tiff_with_nan_is_refused():
    image = Image.fromarray(np.full((4, 4), np.nan, np.float32))
    with pytest.raises(UnreadableImageError, match="not numbers"):
        decode_image(encoded(image, "TIFF"), "x.tif")


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "top left"), (2, "top right"), (3, "bottom right"), (4, "bottom left"),
     (5, "top left"), (6, "top right"), (7, "bottom right"), (8, "bottom left")],
)  # fmt: skip
def test_exif_orientation_turns_the_picture_upright(orientation, corner):
    image = Image.new("RGB", (6, 4), WHITE)
    image.putpixel((0, 0), BLACK)
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode_image(encoded(image, exif=exif))
    assert upright.size == ((6, 4) if orientation < 5 else (4, 6))
    x = 0 if "left" in corner else upright.width - 1
    y = 0 if "top" in corner else upright.height - 1
    assert upright.getpixel((x, y)) == BLACK


def test_only_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLACK)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixel(data) == RED


def test_a_jpeg_named_png_is_a_jpeg():
    assert decode_image(encoded(Image.new("RGB", (8, 8)), "JPEG"), "x.png").size == (8, 8)


def test_a_large_jpeg_may_come_reduced_but_never_below_the_side():
    data = encoded(Image.new("RGB", (800, 400)), "JPEG")
    assert decode_image(data, smallest_side=100).size == (200, 100)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "x.png", "the file is empty"),
        (b"hello", "x.png", "not a readable picture of a known format"),
        (b"<!DOCTYPE html><html>", "x.jpg", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x.png", "a vector drawing"),
        (b"%PDF-1.7", "x.jpg", "a PDF document"),
        (encoded(Image.new("RGB", (4, 4)), "TIFF"), "x.png", "a TIFF whose name"),
        (noise_png(1)[:200], "x.png", "damaged or cut short"),
        (encoded(Image.new("RGB", (64, 64)), "JPEG")[:400], "x.jpg", "damaged or cut short"),
        (encoded(Image.new("RGB", (1, 1))), "x.png", "1 x 1 pixels: each side must be at least 2"),
        (encoded(Image.new("L", (1, 50000))), "x.png", "1 x 50000 pixels: each side"),
        (
            png_header(10000, 10000),
            "x.png",
            "10000 x 10000 pixels is over the limit of 50 megapixels",
        ),
        (png_header(60000, 60000), "x.png", "over the limit of 50 megapixels"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(data, name, reason):
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(data, name)
    assert reason in str(caught.value)


def test_eps_and_psd_are_refused():
    for data in (b"%!PS-Adobe-3.0 EPSF-3.0\n", b"8BPS\0\1" + b"\0" * 40):
        with pytest.raises(UnreadableImageError, match="not a readable picture"):
            decode_image(data, "x.png")


def test_warnings_are_silent_inside_and_restored_outside():
    before = list(warnings.filters)
    inside = threading.Event()
    leave = threading.Event()

    def stay_inside() -> None:
        with without_pillow_warnings():
            inside.set()
            leave.wait(5)

    thread = threading.Thread(target=stay_inside)
    thread.start()
    assert inside.wait(5)
    with without_pillow_warnings():
        warnings.warn("not heard", stacklevel=1)
    warnings.warn("not heard either: another thread is inside", stacklevel=1)
    leave.set()
    thread.join()
    assert warnings.filters == before
    with pytest.raises(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)

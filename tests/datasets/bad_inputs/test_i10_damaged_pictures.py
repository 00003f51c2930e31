"""I10: images that are damaged, of odd size, or made to fill the memory."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from core.datasets.decoding.decode import LARGEST_PIXELS
from tests.datasets.bad_inputs.limited import add_under_limits
from tests.datasets.bad_inputs.making import add_zip, huge_png, png_chunk, reasons
from tests.datasets.pictures import encoded, noise_png, png_header, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
ONE_GIGABYTE = 1000**3
JUST_UNDER = (7176, 7176)
LIMIT = "is over the limit of 51 megapixels: save it smaller"
DAMAGED = "damaged or cut short ("


def jpeg(edge: int = 64, **options: object) -> bytes:
    return encoded(Image.effect_noise((edge, edge), 60).convert("RGB"), "JPEG", **options)


def with_chunk(kind: bytes, data: bytes) -> bytes:
    """A good PNG with one more chunk behind its header."""
    png = noise_png(1)
    return png[:33] + png_chunk(kind, data) + png[33:]


def with_bad_chunk() -> bytes:
    png = bytearray(noise_png(1))
    png[png.index(b"IDAT") + 10] ^= 0xFF
    return bytes(png)


def drawn_in_many_passes(kind: str = "JPEG") -> bytes:
    """A progressive JPEG that says the last scan of its (first) picture a thousand times."""
    picture = Image.effect_noise((64, 64), 60).convert("RGB")
    several = {"save_all": True, "append_images": [picture]} if kind == "MPO" else {}
    data = encoded(picture, kind, progressive=True, **several)
    end = data.index(b"\xff\xd9\xff\xd8") if several else len(data) - 2
    at = data.rindex(b"\xff\xda", 0, end)
    return data[:at] + data[at:end] * 1000 + data[end:]


REFUSED = {
    "truncated JPEG": (jpeg()[:400], DAMAGED),
    "short PNG": (noise_png(1)[:200], DAMAGED),
    "bad chunk": (with_bad_chunk(), DAMAGED),
    "header alone": (png_header(20, 20), DAMAGED),
    "0 wide": (png_header(0, 20), "a PNG that is damaged: make or download it again"),
    "1 x 1": (encoded(Image.new("RGB", (1, 1))), "1 x 1 pixels: each side must be at least 2"),
    "1 x 50000": (encoded(Image.new("L", (1, 50000))), "1 x 50000 pixels: each side must be"),
    "15000 x 15000": (huge_png(15_000, 15_000), f"the image {LIMIT}"),
    "100 megapixels": (huge_png(10_000, 10_000), f"10000 x 10000 pixels {LIMIT}"),
    "one row too many": (huge_png(5_000, 10_301), f"5000 x 10301 pixels {LIMIT}"),
    "huge text": (
        with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80 * 1024**2))),
        "contains a text that unpacks to far more than an image's description needs",
    ),
    "many passes": (
        drawn_in_many_passes(),
        "drawn in more than 500 passes, which would take hours to read",
    ),
    "many passes, two pictures in one file": (
        drawn_in_many_passes("MPO"),
        "drawn in more than 500 passes, which would take hours to read",
    ),
}


@pytest.mark.parametrize(
    ("data", "reason"), REFUSED.values(), ids=[f"I10-{kind}" for kind in REFUSED]
)
def test_i10_such_a_picture_is_quarantined_with_the_reason(tmp_path, data, reason):
    dataset = add_zip(tmp_path, two_classes() | {"cats/bad.png": data})
    assert list(reasons(dataset)) == ["cats/bad.png"]
    assert reasons(dataset)["cats/bad.png"].startswith(reason)
    assert dataset.image_count == 6


def test_i10_only_the_first_of_10000_frames_is_read(tmp_path):
    frames = [Image.new("L", (8, 8), level) for level in (77, 255, 0)]
    three = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    later, end = three.index(b"\x21\xf9", three.index(b"\x2c")), len(three) - 1
    data = three[:later] + three[later:end] * 5_000 + three[end:]
    assert Image.open(io.BytesIO(data)).n_frames == 10_001
    dataset = add_zip(tmp_path, two_classes() | {"cats/long.gif": data})
    assert reasons(dataset) == {}
    assert dataset.image(dataset.file_names.index("cats/long.gif")).getpixel((0, 0)) == (77,) * 3


def largest(mode: str) -> Image.Image:
    """A picture just under the limit whose every row is different."""
    width, height = JUST_UNDER
    row = np.arange(width) % 256
    grey = ((row[None, :] + np.arange(height)[:, None]) % 256).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    channels = {"RGB": (grey, 255 - grey, grey), "RGBA": (grey, 255 - grey, grey, grey)}
    return Image.fromarray(np.dstack(channels[mode]))


TURNED = Image.Exif()
TURNED[0x0112] = 6
LARGEST = {
    "RGBA PNG, turned": ("RGBA", "PNG", {"compress_level": 1, "exif": TURNED}, 600),
    "16-bit PNG": ("I;16", "PNG", {"compress_level": 1}, 600),
    "progressive JPEG": ("RGB", "JPEG", {"progressive": True, "subsampling": 0}, 600),
    "WebP": ("RGBA", "WEBP", {"lossless": True, "method": 0, "quality": 0}, 1000),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "kind", "options", "most_megabytes"),
    LARGEST.values(),
    ids=[f"I10-{name}" for name in LARGEST],
)
def test_i10_several_of_the_largest_pictures_fit_in_memory(
    home, tmp_path, mode, kind, options, most_megabytes
):
    assert JUST_UNDER[0] * JUST_UNDER[1] <= LARGEST_PIXELS < (JUST_UNDER[0] + 1) ** 2
    data = encoded(largest(mode), kind, **options)
    members = {f"cats/{number}.{kind}": data for number in range(3)} | {"dogs/1.png": noise_png(1)}
    # Packed once more, a picture as regular as this would be taken for a bomb.
    large = write_zip(tmp_path / "large.zip", members, zipfile.ZIP_STORED)
    report = add_under_limits(large, home)
    assert (report["images"], report["reasons"]) == (4, {})
    assert report["peak_bytes"] < most_megabytes * 1_000_000
    assert report["peak_bytes"] < ONE_GIGABYTE


def test_i10_a_gif_whose_frame_is_larger_than_its_canvas(tmp_path):
    data = bytearray(encoded(Image.new("L", (8, 8)), "GIF"))
    at = data.index(b"\x2c")
    data[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    dataset = add_zip(tmp_path, two_classes() | {"cats/wide.gif": bytes(data)})
    assert reasons(dataset) == {"cats/wide.gif": f"the image {LIMIT}"}

"""Formats beyond the common ones: what they hold, in every form, and under the same limits."""

import io

import numpy as np
import pytest
from PIL import Image, PpmImagePlugin

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.decode import decode, decode_image
from tests.datasets.pictures import encoded, interlaced_png, tiff

COLOURS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4
GREYS = COLOURS[..., 0]
BITS = (COLOURS[..., 1] // 4 % 2).astype(np.uint8)


def numbers(values: np.ndarray, of: str = " ") -> bytes:
    return of.join(map(str, values.ravel())).encode()


def rgb(greys: np.ndarray) -> np.ndarray:
    return np.repeat(greys[..., np.newaxis], 3, axis=2)


NETPBM = {
    "P1": (b"P1\n# a comment\n5 4\n" + numbers(BITS), rgb(255 * (1 - BITS))),
    "P1 without blanks": (b"P1\n5 4\n" + numbers(BITS, ""), rgb(255 * (1 - BITS))),
    "P2": (b"P2 5 4 255 # comment\n" + numbers(GREYS), rgb(GREYS)),
    "P2 of 10 bits": (b"P2 5 4 1023\n" + numbers(GREYS.astype(int) * 4), rgb(GREYS // 1)),
    "P3": (b"P3\n5 4\n255\n" + numbers(COLOURS, "\n"), COLOURS),
    "P4": (b"P4\n5 4\n" + np.packbits(BITS, axis=1).tobytes(), rgb(255 * (1 - BITS))),
    "P5": (b"P5\n5 4\n255\n" + GREYS.tobytes(), rgb(GREYS)),
    "P5 up to 100": (b"P5\n5 4\n100\n" + (GREYS // 3).tobytes(), rgb(np.rint(GREYS // 3 * 2.55))),
    "P5 of 16 bits": (b"P5\n5 4\n65535\n" + (GREYS * 257.0).astype(">u2").tobytes(), rgb(GREYS)),
    "P5 of 12 bits": (b"P5\n5 4\n4080\n" + (GREYS * 16.0).astype(">u2").tobytes(), rgb(GREYS)),
    "P6": (b"P6\n5 4\n255\n" + COLOURS.tobytes(), COLOURS),
    "P6 of 16 bits": (b"P6\n5 4\n65535\n" + (COLOURS * 257.0).astype(">u2").tobytes(), COLOURS),
    "P6 of 12 bits": (b"P6\n5 4\n4080\n" + (COLOURS * 16.0).astype(">u2").tobytes(), COLOURS),
    "Pf": (b"Pf\n5 4\n-1.0\n" + (GREYS[::-1] / 255).astype("<f4").tobytes(), rgb(GREYS)),
}


@pytest.mark.parametrize("kind", NETPBM)
def test_every_form_of_netpbm(kind):
    data, expected = NETPBM[kind]
    found = np.asarray(decode_image(data, "x.pnm"))
    np.testing.assert_allclose(found.astype(int), expected, atol=1 if "10 bits" in kind else 0)


@pytest.mark.parametrize("maxval", [1, 77, 255, 256, 1000, 65535])
@pytest.mark.parametrize("plain", [True, False])
def test_netpbm_is_decoded_as_pillow_does(maxval, plain):
    values = np.random.default_rng(maxval).integers(0, maxval + 1, (6, 7))
    body = numbers(values) if plain else values.astype("u1" if maxval < 256 else ">u2").tobytes()
    data = (b"P2" if plain else b"P5") + f"\n7 6\n{maxval}\n".encode() + body
    pillow = np.asarray(Image.open(io.BytesIO(data))).astype(np.int64)
    expected = (pillow * 255 + 32767) // 65535 if maxval > 255 else pillow
    np.testing.assert_array_equal(np.asarray(decode_image(data))[..., 0], expected)


@pytest.mark.parametrize(
    "data",
    [
        b"P5\n5 4\n255\n" + bytes(19),
        b"P5\n5 4\n300\n" + bytes(39),
        b"P6\n7000 7000\n65535\n",
        b"P2\n5 4\n255\n1 2 3",
        b"P2\n5 4\n255\n" + b"300 " * 20,
        b"P2\n5 4\n255\n" + b"-1 " * 20,
        b"P2\n5 4\n255\n" + b"x " * 20,
        b"P1\n5 4\n" + b"2" * 20,
        b"P5\n5 4\n70000\n" + bytes(40),
        b"P2\n",
    ],
)
def test_netpbm_that_lies_is_refused(data):
    with pytest.raises(UnreadableImageError, match=r"^damaged or cut short"):
        decode(data, "x.pgm")


def test_no_netpbm_is_decoded_number_by_number(monkeypatch):
    """Pillow's decoders in Python take some four seconds a megapixel."""

    def slow(*_):
        raise AssertionError

    monkeypatch.setattr(PpmImagePlugin.PpmDecoder, "decode", slow)
    monkeypatch.setattr(PpmImagePlugin.PpmPlainDecoder, "decode", slow)
    for data, _ in NETPBM.values():
        assert decode_image(data).size == (5, 4)


@pytest.mark.parametrize("kind", ["TGA", "AVIF", "PPM"])
def test_a_file_cut_short_is_refused(kind):
    image = Image.effect_noise((64, 48), 80).convert("RGB")
    data = encoded(image, kind)
    assert decode_image(data, f"x.{kind.lower()}").size == (64, 48)
    with pytest.raises(UnreadableImageError):
        decode(data[: len(data) // 2], f"x.{kind.lower()}")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("options", [{}, {"compression": "tga_rle"}], ids=["plain", "packed"])
def test_every_kind_of_tga(mode, options):
    image = Image.effect_noise((20, 10), 80).convert("RGB").convert(mode)
    data = encoded(image, "TGA", **options)
    png = decode_image(encoded(image), "x.png")
    assert decode_image(data, "x.tga").tobytes() == png.tobytes()


def test_a_tga_of_100_megapixels_is_refused():
    header = bytes([0, 0, 2, *[0] * 9, 0x10, 0x27, 0x10, 0x27, 24, 0])
    with pytest.raises(UnreadableImageError, match="over the limit of 51 megapixels"):
        decode(header, "x.tga")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif_is_turned_upright(orientation):
    image = Image.new("RGB", (64, 32), "white")
    image.paste("black", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = {"exif": exif.tobytes()} if orientation > 1 else {}
    upright = decode_image(encoded(image, "AVIF", quality=100, **plain), "x.avif")
    expected = decode_image(encoded(image, "PNG", exif=exif), "x.png")
    difference = np.abs(np.asarray(upright).astype(int) - np.asarray(expected))
    assert upright.size == expected.size
    assert difference.mean() < 3


def test_of_several_frames_the_first_is_read():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    for kind in ("AVIF", "TIFF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        red, _, blue = decode_image(data, f"x.{kind.lower()}").getpixel((3, 3))
        assert red > 250, kind
        assert blue < 5, kind


RANDOM = np.random.default_rng(1)
TIFFS_NOT_READ = {
    "5 channels of 16 bits": (RANDOM.integers(0, 65535, (9, 8, 5)).astype(np.uint16), {}),
    "3 channels of 32 bits, floats": (RANDOM.random((9, 8, 3), np.float32), {}),
    "3 channels of 16 bits, each channel apart": (
        RANDOM.integers(0, 65535, (9, 8, 3)).astype(np.uint16),
        {"apart": True},
    ),
    "1 channel of 64 bits, floats": (RANDOM.random((9, 8)), {}),
    "1 channel of 8 bits, packed by method 34887": (
        RANDOM.integers(0, 255, (9, 8)).astype(np.uint8),
        {"compression": 34887},
    ),
}


@pytest.mark.parametrize("kind", TIFFS_NOT_READ)
def test_a_tiff_that_cannot_be_read_is_told_as_that(kind):
    pixels, options = TIFFS_NOT_READ[kind]
    with pytest.raises(UnreadableImageError) as caught:
        decode(tiff(pixels, **options), "x.tif")
    assert str(caught.value) == (
        f"a TIFF of a kind that cannot be read ({kind}): save it as PNG, or as a TIFF of 1 or 3"
        " channels of 8 or 16 bits"
    )


@pytest.mark.parametrize("compression", ["jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_packed_tiffs_are_read(compression):
    image = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    found = decode_image(encoded(image, "TIFF", compression=compression), "x.tif")
    assert np.abs(np.asarray(found).astype(int) - np.asarray(image)).max() < 12


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_interlaced_png_is_read_and_told_truly_where_it_is_cut(depth, channels):
    shape = (37, 23) if channels == 1 else (37, 23, 3)
    pixels = RANDOM.integers(0, np.iinfo(depth).max, shape).astype(depth)
    data = interlaced_png(pixels)
    found = np.asarray(decode_image(data)).astype(int)
    expected = pixels.astype(float) * (255 / np.iinfo(depth).max)
    assert np.abs(found - (rgb(expected) if channels == 1 else expected)).max() <= 1
    with pytest.raises(UnreadableImageError, match="damaged or cut short") as caught:
        decode(data[: len(data) // 2])
    assert "function takes" not in str(caught.value)


def test_a_png_that_the_memory_does_not_hold_is_told_as_that(monkeypatch):
    def no_room(*_):
        raise OSError("out of memory when reading image file")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", no_room)
    with pytest.raises(UnreadableImageError, match=r"^too large for the memory of this machine$"):
        decode(interlaced_png(np.zeros((9, 9), np.uint16)))


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_deep_tiff_whose_0_is_white(kind):
    pixels = np.linspace(0, 1, 80).reshape(8, 10) * (65535 if kind is np.uint16 else 1)
    dark = np.asarray(decode_image(tiff(pixels.astype(kind)), "x.tif")).astype(int)
    bright = decode_image(tiff(pixels.astype(kind), white_is_zero=True), "x.tif")
    np.testing.assert_array_equal(np.asarray(bright), 255 - dark)

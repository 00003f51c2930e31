import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.datasets.decoding.decode import decode
from core.datasets.decoding.metadata import jpeg_orientation, with_orientation, without_metadata
from tests.datasets.pictures import encoded

SECRETS = (b"Exif", b"GPS-PLACE", b"http://ns.adobe.com", b"a comment", b"MPF", b"tail of a zip")


def photo(size=(64, 48), mode="RGB"):
    """Smooth colours with some texture, as a camera would give."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    noise = np.random.default_rng(3).integers(0, 40, (height, width))
    pixels = np.stack([x + noise, y + noise, (x + y) / 2], axis=2).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def segment(marker, content):
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def exif_with_a_place(orientation=1):
    exif = Image.Exif()
    exif[0x010F] = "GPS-PLACE camera"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif


def with_secrets(jpeg):
    """The same JPEG with everything in it that should not leave."""
    extra = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>GPS-PLACE</x>")
    extra += segment(0xFE, b"a comment") + segment(0xE2, b"MPF\0 preview") + segment(0xED, b"Photo")
    extra += b"\xff\xff\xff" + segment(0xE5, b"GPS-PLACE")  # filling before a marker
    return jpeg[:2] + extra + jpeg[2:] + b"PK\3\4 tail of a zip"


KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_blocks": 1},
    "restart marker rows": {"restart_marker_rows": 1},
    "best quality": {"quality": 100, "subsampling": 0},
    "optimised": {"optimize": True},
    "with a profile": {"icc_profile": b"a colour profile" * 10_000},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_the_picture_stays_bit_for_bit_and_all_else_goes(mode, options):
    one_colour = encoded(photo(mode=mode), "JPEG", **options)
    given_away = with_secrets(
        encoded(photo(mode=mode), "JPEG", exif=exif_with_a_place(), **options)
    )
    assert all(secret in given_away for secret in SECRETS)
    stripped = without_metadata(given_away)
    assert not any(secret in stripped for secret in SECRETS)
    assert stripped == one_colour == without_metadata(one_colour)
    shown, expected = (np.asarray(decode(data).image) for data in (stripped, given_away))
    assert (shown == expected).all()


def test_the_profile_and_the_colours_of_adobe_stay():
    cmyk = without_metadata(encoded(photo(mode="CMYK"), "JPEG"))
    assert b"Adobe" in cmyk
    profiled = Image.open(io.BytesIO(without_metadata(encoded(photo(), "JPEG", icc_profile=b"p"))))
    assert profiled.info["icc_profile"] == b"p"


def test_the_preview_in_a_jfif_segment_goes():
    one_colour = encoded(photo(), "JPEG")
    assert one_colour[2:4] == b"\xff\xe0"
    jfif = segment(0xE0, one_colour[6:18] + b"\2\2" + b"SEE" * 4)
    stripped = without_metadata(one_colour[:2] + jfif + one_colour[20:])
    assert b"SEE" not in stripped
    assert stripped == one_colour


def test_a_second_picture_behind_the_first_goes():
    first, second = encoded(photo(), "JPEG"), encoded(photo((200, 100)), "JPEG")
    assert without_metadata(first + second) == first


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_stays_turned_and_has_no_place(orientation):
    given_away = with_secrets(
        encoded(photo(), "JPEG", exif=exif_with_a_place(orientation), quality=90)
    )
    assert jpeg_orientation(given_away) == orientation
    bare = without_metadata(given_away)
    assert jpeg_orientation(bare) == 1
    turned = with_orientation(bare, orientation)
    assert jpeg_orientation(turned) == orientation
    shown, expected = decode(turned), decode(given_away)
    assert (shown.width, shown.height) == (expected.width, expected.height)
    assert (np.asarray(shown.image) == np.asarray(expected.image)).all()
    exif = Image.open(io.BytesIO(turned)).getexif()
    assert dict(exif) == ({} if orientation == 1 else {0x0112: orientation})
    assert exif.get_ifd(0x8825) == {}
    assert without_metadata(turned) == bare


@pytest.mark.parametrize("orientation", [0, 9, 40_000])
def test_an_orientation_that_is_none_turns_nothing(orientation):
    assert jpeg_orientation(encoded(photo(), "JPEG", exif=exif_with_a_place(orientation))) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not start like a JPEG"),
        (b"\x89PNG\r\n\x1a\n", "does not start like a JPEG"),
        (b"\xff\xd8", "no marker at byte 2"),
        (b"\xff\xd8\xff", "no marker at byte 2"),
        (b"\xff\xd8\xff\xff\xff", "no marker"),
        (b"\xff\xd8rest", "no marker at byte 2"),
        (b"\xff\xd8\xff\xe0", "cut short"),
        (b"\xff\xd8\xff\xe0\0\1", "cut short"),
        (b"\xff\xd8\xff\xe0\0\x20short", "cut short"),
        (b"\xff\xd8\xff\xda\0\2pixels without an end", "the scan has no end"),
        (b"\xff\xd8\xff\xda\0\2pixels\xff", "the scan has no end"),
        (b"\xff\xd8\xff\xda\0\2pixels\xff\0\xff\xd0more", "the scan has no end"),
    ],
)
def test_what_has_not_the_structure_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        without_metadata(data)


WHOLE = with_secrets(encoded(photo((32, 24)), "JPEG", exif=exif_with_a_place(6), progressive=True))


def stripped_or_refused(data):
    try:
        return without_metadata(data)
    except ValueError:
        return None


@given(st.integers(0, len(WHOLE)))
@settings(deadline=None, max_examples=200)
def test_cut_anywhere_it_is_stripped_or_refused(length):
    stripped = stripped_or_refused(WHOLE[:length])
    # Whole up to the end mark of the picture, so that only the tail was cut.
    assert stripped is None or stripped == without_metadata(WHOLE)


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8)
)
@settings(deadline=None, max_examples=300)
def test_bytes_changed_anywhere_are_stripped_or_refused(changes):
    data = bytearray(WHOLE)
    for position, value in changes:
        data[position] = value
    stripped = stripped_or_refused(bytes(data))
    if stripped is not None:
        assert len(stripped) <= len(data)
        assert without_metadata(stripped) == stripped


@given(st.binary(max_size=300).map(lambda tail: b"\xff\xd8" + tail))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_stripped_or_refused(data):
    stripped = stripped_or_refused(data)
    assert stripped is None or stripped.startswith(b"\xff\xd8")

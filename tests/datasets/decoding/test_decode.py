import threading
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.datasets.decoding import as_rgb, decode
from core.datasets.decoding.as_rgb import UnreadableImageError, bands
from core.datasets.decoding.decode import decode_image, decoding
from core.datasets.decoding.examine import Examined, examine_file
from core.datasets.decoding.pool import without_pillow_warnings
from tests.datasets.pictures import encoded

# What becomes of each kind of file and of pixels is in bad_inputs (I9 to I11).
KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
MODES = {
    "RGB": Image.effect_noise((30, 50), 80).convert("RGB"),
    "RGBA": Image.merge("RGBA", [Image.effect_noise((30, 50), 80)] * 4),
    "LA": Image.merge("LA", [Image.effect_noise((30, 50), 80)] * 2),
    "I;16": Image.fromarray(np.arange(1500, dtype=np.uint16).reshape(50, 30) * 40),
    "F": Image.fromarray(np.linspace(0, 1, 1500, dtype=np.float32).reshape(50, 30)),
}


def test_a_large_jpeg_may_come_reduced_but_never_below_the_edge():
    data = encoded(Image.new("RGB", (800, 400)), "JPEG")
    assert decode_image(data, smallest_edge=100).size == (200, 100)
    assert decode_image(data).size == (800, 400)


@pytest.mark.parametrize("mode", MODES)
def test_a_large_picture_is_the_same_band_by_band(monkeypatch, mode):
    data, name = encoded(MODES[mode], "TIFF" if mode == "F" else "PNG"), "x.tif"
    whole, described = decode_image(data, name), examine_file(data, name)
    monkeypatch.setattr(as_rgb, "BAND_PIXELS", 210)
    assert [band.shape for band in bands(whole)] == [(7, 30, 3)] * 7 + [(1, 30, 3)]
    assert decode_image(data, name).tobytes() == whole.tobytes()
    again = examine_file(data, name)
    assert (again.digest, again.hash, again.grey) == (
        described.digest,
        described.hash,
        described.grey,
    )


@pytest.mark.parametrize(
    ("progressive", "edge", "alone"),
    [(False, None, True), (False, 20, False), (True, 20, True)],
    ids=["whole", "reduced", "progressive, reduced"],
)
def test_large_pictures_are_looked_at_one_at_a_time(monkeypatch, progressive, edge, alone):
    monkeypatch.setattr(decode, "LARGE_PIXELS", 5_000)
    data = encoded(Image.new("RGB", (200, 100)), "JPEG", progressive=progressive)
    other_is_done = threading.Event()

    def other() -> None:
        decode.decode(data, smallest_edge=edge)
        other_is_done.set()

    thread = threading.Thread(target=other)
    with decoding(data, smallest_edge=edge):
        thread.start()
        assert other_is_done.wait(0.5) != alone
    thread.join(10)
    assert other_is_done.is_set()


def test_what_is_raised_while_a_picture_is_looked_at_is_not_the_picture_s_fault():
    data = encoded(Image.new("RGB", (20, 10)))
    with pytest.raises(ZeroDivisionError), decoding(data):
        raise ZeroDivisionError


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 2**12),
)
@example(kind="GIF", changes=[], cut=0)
def test_whatever_the_bytes_are_a_picture_or_a_reason_comes_out(kind, changes, cut):
    picture = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    data = bytearray(encoded(picture, kind))
    for position, value in changes:
        data[position % len(data)] = value
    data = data[: len(data) - cut % len(data)] if cut else data
    described = described_or_reason(bytes(data), f"x.{kind.lower()}")
    if isinstance(described, str):
        assert described.isprintable()
        assert len(described) < 200
    else:
        assert described.height * described.width <= decode.LARGEST_PIXELS


def described_or_reason(data: bytes, name: str) -> Examined | str:
    try:
        return examine_file(data, name)
    except UnreadableImageError as error:
        return str(error)


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

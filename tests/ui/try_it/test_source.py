"""What a visitor may show: every format that a dataset may hold; and where there is no camera."""

import pytest
from PIL import Image

from core.datasets.decoding.decode import BY_SUFFIX, FORMATS
from core.ui.try_it.source import IMAGE_TYPES, camera_is_allowed


def test_whatever_a_dataset_may_hold_can_be_shown():
    known = Image.registered_extensions()
    offered = {known.get(f".{ending}") for ending in IMAGE_TYPES}
    assert offered == {*FORMATS, *BY_SUFFIX.values()}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("http://localhost:8501/try_it", True),
        ("http://127.0.0.1:8501", True),
        ("http://[::1]:8501", True),
        ("https://benchmarks.example.org/try_it", True),
        ("http://192.168.1.7:8501/try_it", False),
        (None, True),
    ],
)
def test_the_camera_needs_a_safe_address(address, allowed):
    assert camera_is_allowed(address) == allowed

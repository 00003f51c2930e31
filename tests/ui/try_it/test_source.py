"""What a visitor may show: every format that a dataset may hold."""

from PIL import Image

from core.datasets.decoding.decode import BY_SUFFIX, FORMATS
from core.ui.try_it.source import IMAGE_TYPES


def test_whatever_a_dataset_may_hold_can_be_shown():
    known = Image.registered_extensions()
    offered = {known.get(f".{ending}") for ending in IMAGE_TYPES}
    assert offered == {*FORMATS, *BY_SUFFIX.values()}

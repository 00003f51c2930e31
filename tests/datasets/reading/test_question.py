"""What is offered of a reading: classes with counts and thumbnails, what is left out, options."""

import base64
import io

import numpy as np
from PIL import Image

from core.datasets.reading.question import IMAGES_OF_A_CLASS, THUMBNAIL_EDGE, offer
from core.datasets.reading.recognise import readings
from core.datasets.reading_choice import Choice
from tests.datasets.listings import listing_of
from tests.datasets.pictures import encoded, two_classes


def test_a_reading_is_offered_with_thumbnails_and_options():
    files = two_classes(5) | {"cats/broken.jpg": b"no image", "masks/1.png": b"x"}
    (reading,) = readings(listing_of(files), Choice(leave_out=("masks",)))
    offered = offer(reading)
    assert {entry.name: entry.count for entry in offered.classes} == {"cats": 6, "dogs": 5}
    assert (offered.class_count, offered.image_count, offered.is_sample) == (2, 11, False)
    for entry in offered.classes:
        assert 0 < len(entry.images) <= IMAGES_OF_A_CLASS
        with Image.open(io.BytesIO(base64.b64decode(entry.images[0]))) as thumbnail:
            assert (thumbnail.format, max(thumbnail.size) <= THUMBNAIL_EDGE) == ("JPEG", True)
    assert offered.left_out == ["Left out: 1 file as you chose."]
    assert offered.choice.options == "--classes-from folders --leave-out masks"


def test_images_of_more_than_8_bits_are_shown_with_one_scale():
    """Those of a camera of 12 bits would be nearly black; a darker one stays darker."""
    dark, bright = np.full((8, 8), 1000, np.uint16), np.full((8, 8), 4000, np.uint16)
    dark[0], bright[0] = 0, 0
    files = {
        f"{name}/{at}.png": encoded(Image.fromarray(pixels))
        for name, pixels in (("dark", dark), ("light", bright))
        for at in range(3)
    }
    (reading,) = readings(listing_of(files), Choice())
    shown = {}
    for entry in offer(reading).classes:
        with Image.open(io.BytesIO(base64.b64decode(entry.images[0]))) as thumbnail:
            shown[entry.name] = int(np.median(np.asarray(thumbnail)))
    assert shown["light"] > 245
    assert 55 < shown["dark"] < 75

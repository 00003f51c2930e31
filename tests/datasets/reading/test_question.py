"""What is offered of a reading: classes with counts and thumbnails, what is left out, options."""

import base64
import io

from PIL import Image

from core.datasets.reading.question import IMAGES_OF_A_CLASS, THUMBNAIL_EDGE, offer
from core.datasets.reading.recognise import readings
from core.datasets.reading_choice import Choice
from tests.datasets.listings import listing_of
from tests.datasets.pictures import two_classes


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

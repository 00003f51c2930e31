"""I13: one picture several times."""

import io

import numpy as np
import pytest
from PIL import Image

from core.datasets.split import leaking_images, make_split
from tests.datasets.bad_inputs.making import add_zip
from tests.datasets.pictures import encoded, noise_png

pytestmark = pytest.mark.usefixtures("home")


def blocks(seed: int) -> Image.Image:
    """An image that survives being saved as JPEG: coloured blocks, 64 x 64."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((64, 64), Image.Resampling.NEAREST)


def many(per_class: int = 20) -> dict[str, bytes]:
    return {
        f"{name}/{number:02d}.png": encoded(blocks(100 * start + number))
        for start, name in enumerate(("cats", "dogs"))
        for number in range(per_class)
    }


COPIES = {
    "same bytes": (encoded(blocks(0)), 1),
    "same pixels, another format": (encoded(blocks(0), "BMP"), 1),
    "saved again as JPEG": (encoded(blocks(0), "JPEG", quality=80), 0),
    "smaller": (encoded(blocks(0).resize((48, 48), Image.Resampling.BOX)), 0),
}


@pytest.mark.parametrize(("copy", "exact"), COPIES.values(), ids=[f"I13-{kind}" for kind in COPIES])
def test_i13_copies_are_one_group_and_never_in_two_subsets(tmp_path, copy, exact):
    dataset = add_zip(tmp_path, many() | {"cats/copy.png": copy})
    position = {name: number for number, name in enumerate(dataset.file_names)}
    first, second = position["cats/00.png"], position["cats/copy.png"]
    assert dataset.groups[first] == dataset.groups[second]
    assert dataset.health.exact_duplicates == exact
    assert dataset.health.near_duplicate_groups == 1
    assert dataset.health.images_in_groups == 2
    for seed in range(5):
        made = make_split(dataset, 0.3, 0.1, seed)
        for subset in (made.train, made.validation, made.test):
            assert (first in subset) == (second in subset)


def test_i13_one_picture_with_two_labels_is_listed(tmp_path):
    again = Image.open(io.BytesIO(noise_png(1)))
    members = {f"cats/{number}.png": noise_png(number) for number in range(3)}
    members |= {f"dogs/{number}.png": noise_png(10 + number) for number in range(3)}
    dataset = add_zip(tmp_path, members | {"dogs/cat.bmp": encoded(again, "BMP")})
    assert dataset.health.label_conflicts == (("cats/1.png", "dogs/cat.bmp"),)


def test_i13_one_picture_in_train_and_test_is_reported(tmp_path):
    members = {f"train/{name}": data for name, data in many().items()}
    members |= {f"test/{name}": encoded(blocks(1000 + n)) for n, name in enumerate(many(3))}
    dataset = add_zip(tmp_path, members | {"test/cats/leak.png": encoded(blocks(5), "BMP")})
    leaking = leaking_images(dataset)
    assert [dataset.file_names[position] for position in leaking] == ["cats/train/05.png"]
    made = make_split(dataset, 0.3, 0.1, 0)
    leak = dataset.file_names.index("cats/test/leak.png")
    assert leak in made.test
    assert leaking[0] not in made.train

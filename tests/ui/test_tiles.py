import io

import numpy as np
from PIL import Image

from core.datasets.add import add_dataset
from core.ui.pictures import tiles


def test_tiles_are_squares_with_the_picture_in_the_middle_of_nothing(home, tmp_path):
    assert home
    random = np.random.default_rng(0)
    for name in ("flat", "tall"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(2):
            shape = (20, 40, 3) if name == "flat" else (40, 20, 3)
            pixels = random.integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    dataset = add_dataset(tmp_path / "set")
    flat, tall = (Image.open(io.BytesIO(png)) for png in tiles(dataset, [0, 3], 80))
    assert flat.mode == tall.mode == "RGBA"
    assert flat.size == tall.size == (80, 80)
    opaque = np.asarray(flat)[..., 3] == 255
    assert opaque[20:60].all()
    assert not opaque[:20].any()
    assert not opaque[60:].any()
    assert (np.asarray(tall)[..., 3] == 255).all(axis=0).tolist() == [
        20 <= column < 60 for column in range(80)
    ]
    assert np.asarray(flat)[20, 0, :3].tolist() == list(dataset.image(0).getpixel((0, 0)))

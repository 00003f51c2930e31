import io

import numpy as np
from PIL import Image

from core.datasets.add import add_dataset
from core.ui.widgets.images import IMAGE_SIZE, class_images


def test_a_class_is_shown_square_by_its_picture_with_the_most_contrast(home, tmp_path):
    assert home
    folder = tmp_path / "shapes"
    random = np.random.default_rng(0)
    for name, count in (("few", 3), ("many", 5), ("some", 4)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(100, 140, (20, 40, 3), dtype=np.uint8)
            if number == 1:
                pixels[:, :20] = (255, 0, 0)
                pixels[:, 20:] = (0, 0, 0)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    dataset = add_dataset(folder, "shapes")
    shown = class_images(dataset, most_classes=2)
    assert [(name, count) for name, count, _ in shown] == [("many", 5), ("some", 4)]
    picture = Image.open(io.BytesIO(shown[0][2]))
    assert picture.size == (IMAGE_SIZE, IMAGE_SIZE)
    assert picture.getpixel((IMAGE_SIZE // 2, 0)) == (255, 255, 255)
    assert picture.getpixel((20, IMAGE_SIZE // 2)) == (255, 0, 0)
    assert picture.getpixel((76, IMAGE_SIZE // 2)) == (0, 0, 0)

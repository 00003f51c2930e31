"""Images for pages: squares, one image a class, and a heat map over its image."""

import io

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.ui.widgets.images import (
    IMAGE_SIZE,
    STRONGEST,
    brightest_words,
    class_images,
    overlay,
    tiles,
)


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


def test_tiles_are_squares_with_the_image_in_the_middle(home, tmp_path):
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


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def shown(picture, heat):
    return np.asarray(Image.open(io.BytesIO(overlay(picture, np.asarray(heat, np.float32)))))


def test_no_heat_leaves_the_picture_in_grey():
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[..., 0] = 200
    grey = np.asarray(Image.fromarray(picture).convert("L"))
    assert np.array_equal(shown(png(picture), np.zeros((2, 2))), np.stack([grey] * 3, axis=2))


def test_full_heat_is_the_brightest_colour_over_the_picture():
    # The last colour of Inferno is rgb(252, 255, 164).
    found = shown(png(np.full((4, 4, 3), 100, np.uint8)), np.ones((2, 2)))
    expected = (1 - STRONGEST) * 100 + STRONGEST * np.array([252, 255, 164])
    assert np.array_equal(found, np.broadcast_to(np.rint(expected), (4, 4, 3)))


def test_the_map_is_enlarged_to_the_picture_and_kept_in_range():
    found = shown(png(np.zeros((40, 60), np.uint8)), [[5.0, -1.0], [0.0, 0.0]])
    assert found.shape == (40, 60, 3)
    brightness = found.sum(axis=2)
    assert brightness[:10, :15].min() > brightness[30:, 45:].max()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((0, 0), "most at the top left"),
        ((4, 4), "most in the middle"),
        ((8, 4), "most at the bottom middle"),
    ],
)
def test_the_brightest_place_is_put_into_words(place, words):
    heat = np.zeros((9, 9), np.float32)
    heat[place] = 1
    assert brightest_words(heat) == words


def test_a_map_of_nothing_is_bright_nowhere():
    assert brightest_words(np.zeros((3, 3), np.float32)) == "nowhere"

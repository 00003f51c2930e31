"""A heat map over its picture: where it is 0 the picture shows, where it is 1 the map does."""

import io

import numpy as np
import pytest
from PIL import Image

from core.ui.compare.image import brightest_words
from core.ui.widgets.heat_map_overlay import STRONGEST, overlay


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
def test_where_it_isbrightest_words_is_said(place, words):
    heat = np.zeros((9, 9), np.float32)
    heat[place] = 1
    assert brightest_words(heat) == words


def test_a_map_of_nothing_is_bright_nowhere():
    assert brightest_words(np.zeros((3, 3), np.float32)) == "nowhere"

import numpy as np
import pytest

from core.datasets.decoding import levels
from core.datasets.decoding.levels import Levels, LevelSurvey, seen_levels, stretched


def survey_of(*images: np.ndarray, kind: str = "whole") -> LevelSurvey:
    survey = LevelSurvey()
    for image in images:
        survey.add(seen_levels([image], kind, image.size))  # type: ignore[arg-type]
    return survey


def test_levels_become_0_to_255_rounded_and_clipped():
    values = np.array([80, 90, 91, 2092, 4095, 5000])
    assert stretched(values, (90, 4095)).tolist() == [0, 0, 0, 127, 255, 255]
    assert stretched(np.array([-1024, 0, 3071], np.int16), (-1024, 3071)).tolist() == [0, 64, 255]
    assert stretched(np.array([0, 0.5, 1], np.float32), (0, 1)).tolist() == [0, 128, 255]


def test_an_image_of_one_level_settles_nothing():
    assert survey_of(np.full((9, 9), 300)).settle() == (Levels(), [])
    assert LevelSurvey().settle() == (Levels(), [])


def test_whole_numbers_and_floats_have_a_scale_each():
    survey = survey_of(np.arange(1000))
    survey.add(seen_levels([np.linspace(0, 0.1, 50)], "floats", 50))
    found, notes = survey.settle()
    assert found == Levels(whole=(0, 999), floats=(0, 0.1))
    assert len(notes) == 2


def test_a_mask_of_few_white_pixels_keeps_its_range():
    mask = np.zeros((200, 200), int)
    mask[0, :5] = 65535
    assert survey_of(mask).settle() == (Levels(), [])


def test_a_float_of_the_usual_range_has_no_note():
    assert survey_of(np.linspace(0, 1, 99), kind="floats").settle() == (Levels(floats=(0, 1)), [])
    found, notes = survey_of(np.linspace(0, 250, 99), kind="floats").settle()
    assert (found, notes) == (Levels(floats=(0, 255)), [])


def test_what_is_kept_of_many_images_is_bounded(monkeypatch):
    monkeypatch.setattr(levels, "MOST_SAMPLED", 5000)
    survey = LevelSurvey()
    for number in range(200):
        image = np.arange(2000) + number
        survey.add(seen_levels([image], "whole", image.size))
        assert survey._count <= 5000
    assert survey.settle()[0] == Levels(whole=(0, 2198))


def test_levels_are_kept_as_json():
    found = Levels(whole=(90, 4095))
    assert found.to_json() == {"whole": (90, 4095), "floats": None}
    assert Levels.from_json({"whole": [90, 4095], "floats": None}) == found
    assert Levels.from_json(None) == Levels()


@pytest.mark.parametrize(
    "damaged", [{"whole": [5, 5]}, {"whole": [1]}, {"whole": "ab"}, {"other": [1, 2]}, [3], "x"]
)
def test_damaged_levels_are_refused(damaged):
    with pytest.raises((TypeError, ValueError)):
        Levels.from_json(damaged)

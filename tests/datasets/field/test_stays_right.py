"""What was right in the field stays right.

More of it is held where it belongs: competitions with submissions, MNIST, FER, ISIC and doubled
IDX files in ``reading/test_new_user_trees.py``, ``reading/test_idx.py``; every kind of pixels in
``bad_inputs/test_i11_kinds_of_pixels.py``; cells of tables in ``reading/test_labelled_table.py``.
"""

from pathlib import Path

import numpy as np
import pytest

from core.datasets.add import add_dataset
from tests.datasets.field import stays
from tests.datasets.field.building import pixels
from tests.datasets.field.expecting import outcome_of, problem_with

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("name", list(stays.CASES))
def test_it_stays_right(name: str, tmp_path: Path) -> None:
    given = stays.CASES[name].build(tmp_path)
    assert isinstance(given, Path)
    problem = problem_with(stays.CASES[name], outcome_of(given, {}), given)
    assert problem is None, problem


def test_pixels_of_every_kind_are_those_that_people_see(tmp_path: Path) -> None:
    dataset = add_dataset(stays.kinds_of_pixels(tmp_path))
    shown = {
        name: np.asarray(dataset.image(at)).astype(int)
        for at, name in enumerate(dataset.file_names)
    }
    assert shown["a/turned.jpg"].shape == (24, 12, 3)  # stored 24 wide, turned upright
    for name, made, allowed in (("cmyk.jpg", 1, 10), ("stereo.mpo", 3, 20), ("film.gif", 5, 20)):
        difference = np.abs(shown[f"b/{name}"] - pixels(f"b{made}")).mean()
        assert difference < allowed, name


def test_16_bits_of_the_whole_range_keep_their_levels(tmp_path: Path) -> None:
    dataset = add_dataset(stays.deep_over_the_whole_range(tmp_path))
    for at, name in enumerate(dataset.file_names):
        inner = slice(6, -1)
        assert (
            np.asarray(dataset.image(at))[inner, :, 0] == pixels(name, channels=1)[inner, :, 0]
        ).all()

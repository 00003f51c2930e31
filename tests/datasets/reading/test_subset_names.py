import numpy as np
import pytest

from core.datasets.reading.subset_names import settle_subsets


@pytest.mark.parametrize(
    ("subsets", "positions"),
    [(["train", "test", "train"], [0, 2, 0]), (["test", "validation", "train"], [2, 1, 0])],
)
def test_a_whole_split_is_taken_as_it_is(subsets, positions):
    found, sentence = settle_subsets(subsets)
    assert found.tolist() == positions
    assert found.dtype == np.int8
    assert sentence is None


def test_without_a_test_validation_becomes_the_test():
    found, sentence = settle_subsets(["train", "validation", "train"])
    assert found.tolist() == [0, 2, 0]
    assert found.dtype == np.int8
    assert "its validation images are used as test images" in sentence


@pytest.mark.parametrize("subsets", [[], [None], [None, None]])
def test_nothing_given_nothing_said(subsets):
    assert settle_subsets(subsets) == (None, None)


@pytest.mark.parametrize(
    ("subsets", "start"),
    [
        (["train", None], "Some images are marked as train or test and others are not"),
        (["train", "test", None], "Some images are marked as train or test and others are not"),
        (["train", "train"], "The images are marked as train only"),
        (["test"], "The images are marked as test only"),
        (["validation"], "The images are marked as validation only"),
        (["validation", "test"], "The images are marked as test and validation only"),
    ],
)
def test_what_is_no_usable_split_is_said(subsets, start):
    found, sentence = settle_subsets(subsets)
    assert found is None
    assert sentence.startswith(start)
    assert sentence.endswith("Headstart makes its own split.")

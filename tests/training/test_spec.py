"""A smaller share of the training images lies inside every larger one, class by class."""

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from core.training.engine import train
from core.training.events import RunResult, TrainingOutcome
from core.training.spec import TrainingSpec, nested_subset

LABELS = np.repeat(np.arange(3, dtype=np.int32), (100, 30, 3))
TRAIN = np.setdiff1d(np.arange(133), [5, 101, 132])  # 99, 29 and 2 of them


@pytest.mark.parametrize(
    ("fraction", "counts"),
    [
        (0.01, [1, 1, 1]),
        (0.05, [5, 2, 1]),
        (0.1, [10, 3, 1]),
        (0.25, [25, 8, 1]),
        (0.5, [50, 15, 1]),
        (0.75, [75, 22, 2]),
        (1.0, [99, 29, 2]),
    ],
)
def test_every_class_gives_its_share_rounded_up(fraction: float, counts: list[int]) -> None:
    chosen = nested_subset(TRAIN, LABELS, fraction, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == counts
    assert np.isin(chosen, TRAIN).all()
    assert (np.diff(chosen) > 0).all()
    assert chosen.dtype == np.int64


def test_a_share_that_is_whole_in_decimals_takes_no_image_more() -> None:
    labels = np.zeros(100, np.int32)
    assert 0.07 * 100 > 7
    assert len(nested_subset(np.arange(100), labels, 0.07, seed=0)) == 7


def test_each_class_gives_the_fewest_or_all_that_it_has() -> None:
    labels = np.repeat([0, 1], [90, 10])
    chosen = nested_subset(np.arange(100), labels, 0.2, seed=0, fewest=15)
    assert np.bincount(labels[chosen]).tolist() == [18, 10]
    assert set(nested_subset(np.arange(100), labels, 0.2, seed=0)) < set(chosen)


def test_shares_are_nested_and_the_whole_is_the_whole() -> None:
    fractions = [
        nested_subset(TRAIN, LABELS, fraction, seed=4) for fraction in (0.05, 0.1, 0.25, 0.5, 1)
    ]
    for smaller, larger in itertools.pairwise(fractions):
        assert np.isin(smaller, larger).all()
    np.testing.assert_array_equal(fractions[-1], TRAIN)


def test_the_seed_of_the_split_chooses_the_images() -> None:
    one, again, other = (nested_subset(TRAIN, LABELS, 0.25, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def majority_on(dataset, fraction: float) -> tuple[RunResult, TrainingSpec]:
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy="majority",
        settings={},
        split={"test": 0.3, "validation": 0.1},
        train_share=fraction,
    )
    *_, outcome = train(spec, dataset, spec.subsets_of(dataset))
    assert isinstance(outcome, TrainingOutcome)
    return outcome.result, spec


def test_a_run_trains_on_its_share_and_is_tested_on_all(tiny_dataset) -> None:
    whole, whole_spec = majority_on(tiny_dataset, 1.0)
    part, spec = majority_on(tiny_dataset, 0.25)
    assert (whole.scores.train.images, part.scores.train.images) == (36, 9)
    for side in ("validation", "test"):
        assert getattr(whole.scores, side).images == getattr(part.scores, side).images
    sides, whole_sides = spec.subsets_of(tiny_dataset), whole_spec.subsets_of(tiny_dataset)
    assert sides.fingerprint == whole_sides.fingerprint
    assert np.isin(sides.train, whole_sides.train).all()
    np.testing.assert_array_equal(sides.test, whole_sides.test)


@pytest.mark.parametrize("fraction", [0, 0.009, 1.01, -1, float("nan")])
def test_a_share_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(ValidationError, match="train_share"):
        TrainingSpec(dataset_id="d", strategy="mlp", settings={}, train_share=fraction)

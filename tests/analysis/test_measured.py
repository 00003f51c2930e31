"""What "How it is measured" computes: subsets, near duplicates, a run in time, the tutorial."""

import numpy as np
import pytest

from core.analysis.comparison import Comparison, compare
from core.analysis.measured import (
    Segment,
    SubsetFacts,
    beside_tutorial,
    class_counts_by_subset,
    divided_origins,
    duplicate_facts,
    epochs_alone,
    four_cells,
    subsets_of,
    time_line,
    widest_gap,
    widths,
)
from core.analysis.significance import wilson_interval
from core.analysis.time_breakdown import Epochs
from core.datasets.split import Split
from tests import made_up
from tests.made_evidence import evidence_of
from tests.stored_home import add_arrows


def test_the_subsets_of_an_experiment():
    assert subsets_of(made_up.spec()) == (
        SubsetFacts("train", 200, 200 / 320),
        SubsetFacts("validation", 20, 20 / 320),
        SubsetFacts("test", 100, 100 / 320),
    )
    assert subsets_of(made_up.spec(images={})) == ()


@pytest.mark.usefixtures("home")
def test_a_split_keeps_fractions_and_near_duplicates():
    dataset = add_arrows()
    split = made_up.spec().split.of(dataset)
    counts = class_counts_by_subset(dataset, split)
    assert {subset: int(found.sum()) for subset, found in counts.items()} == {
        "train": len(split.train),
        "validation": len(split.validation),
        "test": len(split.test),
    }
    assert widest_gap(counts) < 0.02
    assert duplicate_facts(dataset, split).divided == 0


def test_the_widest_gap_is_that_of_the_fractions():
    counts = {
        "train": np.array([30, 70]),
        "validation": np.array([5, 5]),
        "test": np.array([20, 20]),
    }
    assert widest_gap(counts) == pytest.approx(0.2)


def test_groups_of_near_duplicates_are_counted_by_their_subsets():
    class Grouped:
        image_count = 9
        groups = np.array([0, 0, 1, 2, 2, 2, 3, 3, 4])

    split = Split(np.array([0, 1, 2, 6]), np.array([3, 4, 5]), np.array([7]), "made up")
    found = duplicate_facts(Grouped(), split)
    # Image 8 is in no subset.
    assert (found.groups, found.images, found.divided) == (3, 7, 1)
    assert (found.example, found.example_subset) == ((3, 4, 5), "validation")


def test_origins_in_more_than_one_subset_are_counted():
    class Of:
        origins = np.array([0, 0, 1, 1, 2, 3, 2, 2, 3])

    class OfNobody:
        origins = None

    split = Split(np.array([0, 1, 2, 6]), np.array([3, 4, 5]), np.array([7]), "made up")
    # Image 8 is in no subset.
    assert divided_origins(Of(), split) == 2
    assert divided_origins(OfNobody(), split) == 0


def test_nothing_alike_gives_no_example():
    class Grouped:
        image_count = 3
        groups = np.arange(3)

    split = Split(np.array([0]), np.array([1]), np.array([2]), "made up")
    found = duplicate_facts(Grouped(), split)
    assert (found.groups, found.images, found.example) == (0, 0, ())


def test_a_run_in_time_adds_up_to_its_whole():
    epochs: Epochs = (
        made_up.epoch(1, "head", train_seconds=0.5),
        made_up.epoch(1, train_seconds=3.0),
        made_up.epoch(2, train_seconds=1.5),
    )
    result = made_up.result(feature_seconds=4.0, feature_cache="miss", total_seconds=12.0)
    line = time_line(result, epochs)
    assert line == (
        Segment("extraction", "extracting features", 0.0, 4.0),
        Segment("head", "epoch 1 of the head alone", 4.0, 0.5),
        Segment("validation", "validation after epoch 1 of the head alone", 4.5, 0.25),
        Segment("first_epoch", "epoch 1", 4.75, 3.0),
        Segment("validation", "validation after epoch 1", 7.75, 0.25),
        Segment("steady_epochs", "epoch 2", 8.0, 1.5),
        Segment("validation", "validation after epoch 2", 9.5, 0.25),
        Segment("other", "starting, building and scoring", 9.75, 2.25),
    )
    alone = epochs_alone(line)
    assert (alone[0].start, alone[-1].start + alone[-1].seconds) == (0.0, 5.75)


def test_features_from_the_cache_are_counted_and_named():
    result = made_up.result(feature_seconds=4.0, feature_cache="hit", total_seconds=2.0)
    line = time_line(result, ())
    assert [(entry.words, entry.seconds) for entry in line] == [
        ("extracting features (done by an earlier run)", 4.0),
        ("starting, building and scoring", 2.0),
    ]
    assert epochs_alone(line) == ()


def test_the_interval_by_the_number_of_images():
    found = widths(0.64, 404)
    assert [entry.images for entry in found if entry.is_own] == [404]
    own = next(entry for entry in found if entry.is_own)
    assert (own.low, own.high) == wilson_interval(259, 404)
    spans = [entry.high - entry.low for entry in found]
    assert spans == sorted(spans, reverse=True)
    assert len(widths(0.5, 100)) == len(found) - 1


def test_the_four_cells_of_mcnemar():
    first = [[True] * 6 + [False] * 4]
    second = [[True] * 5 + [False] + [True] * 3 + [False]]
    evidence = evidence_of({"cnn": first, "vgg16_probe": second})
    cells = four_cells(evidence.of("cnn"), evidence.of("vgg16_probe"))
    assert (cells.both_correct, cells.fixed, cells.regressed, cells.both_wrong) == (5, 3, 1, 1)
    assert cells.p_value == pytest.approx(0.625)
    differences = evidence.drawn_differences("cnn", "vgg16_probe")
    assert differences.mean() == pytest.approx(0.2, abs=0.02)


def comparison_of(*strategies: str) -> Comparison:
    runs = [made_up.run(name) for name in strategies]
    return compare(made_up.experiment(), runs)


def test_each_model_of_the_tutorial_has_the_nearest_strategy_beside_it():
    found = beside_tutorial(comparison_of("majority", "vgg16_probe", "vgg16_softmax"))
    assert [entry.row.strategy if entry.row else None for entry in found] == [
        "majority",
        None,
        None,
        "vgg16_softmax",
    ]
    without = beside_tutorial(comparison_of("cnn", "vgg16_probe"))
    assert [entry.row.strategy for entry in without if entry.row] == ["cnn", "vgg16_probe"]
    assert [entry.row for entry in beside_tutorial(None)] == [None] * 4

"""Learning curves: shares of the training images, planned and found again."""

from pathlib import Path

import pytest

from core.datasets.add import add_dataset
from core.datasets.storage import open_dataset
from core.errors import BadInput, UnknownName
from core.experiments.planning import plan_experiment, plan_learning_curve, series_of
from core.experiments.store import Store
from tests.datasets.pictures import two_classes, write_zip


def test_a_curve_is_one_experiment_for_each_share(arrows_store: Store) -> None:
    plan = plan_learning_curve("arrows", strategies=["majority"], seeds=(0, 1), image_size=8)
    assert [spec.train_share for spec in plan.specs] == [0.05, 0.1, 0.25, 0.5, 1.0]
    # 76 images: 25, 26 and 25 of the classes, each share rounded up.
    assert plan.specs[-1].images == {"train": 76, "validation": 8, "test": 36}
    assert [spec.images["train"] for spec in plan.specs] == [6, 9, 21, 39, 76]
    assert plan.dropped == ()
    assert {spec.series for spec in plan.specs} == {plan.series}
    assert len(plan.series) == 8
    whole = plan_experiment("arrows", ["majority"], seeds=(0, 1), image_size=8)
    for spec in plan.specs:
        assert spec.split_fingerprint == whole.split_fingerprint
        assert (spec.images["validation"], spec.images["test"]) == (8, 36)
        training = spec.training_spec("majority", 0, {})
        assert training.train_share == spec.train_share
        assert len(training.subsets_of(open_dataset("arrows")).train) == spec.images["train"]
    assert arrows_store.experiments() == []


def test_the_experiments_of_a_curve_are_found_again_in_order(arrows_store: Store) -> None:
    options = {"strategies": ["majority"], "image_size": 8}
    plan = plan_learning_curve("arrows", (1.0, 0.25, 0.5), **options)
    other = plan_learning_curve("arrows", (0.5, 1.0), **options)
    arrows_store.create_experiment(plan_experiment("arrows", **options))
    for spec in (*reversed(plan.specs), *other.specs):
        arrows_store.create_experiment(spec)
    found = series_of(arrows_store, plan.series)
    assert [record.spec.train_share for record in found] == [0.25, 0.5, 1.0]
    assert [record.spec for record in found] == list(plan.specs)
    for unknown in ("", "0badc0de"):
        with pytest.raises(UnknownName, match="There is no learning curve named") as error:
            series_of(arrows_store, unknown)
        assert error.value.known == sorted([plan.series, other.series])


@pytest.mark.usefixtures("home")
def test_shares_that_come_to_the_same_images_are_dropped_and_said(tmp_path: Path) -> None:
    add_dataset(write_zip(tmp_path / "pets.zip", two_classes(10)), "pets")
    options = {"strategies": ["majority"], "image_size": 8}
    plan = plan_learning_curve("pets", **options)
    assert plan.specs[-1].images["train"] == 12
    assert [(spec.train_share, spec.images["train"]) for spec in plan.specs] == [
        (0.1, 2),
        (0.25, 4),
        (0.5, 6),
        (1.0, 12),
    ]
    assert plan.dropped == (
        "5 % of the training images was left out: with at least one of each class it is the "
        "same 2 images as 10 %.",
    )
    with pytest.raises(BadInput, match="at least two fractions") as refused:
        plan_learning_curve("pets", (0.05, 0.1), **options)
    assert refused.value.field == "fractions"
    assert "same 2 images as 10 %" in str(refused.value)
    with pytest.raises(BadInput, match="at least two fractions"):
        plan_learning_curve("pets", (1.0, 1.0), **options)


def test_a_batch_fits_the_smallest_share(arrows_store: Store) -> None:
    overrides = {"mlp.batch_size": "50"}
    plan = plan_learning_curve("arrows", strategies=["mlp"], image_size=8, overrides=overrides)
    sizes = [dict(spec.strategies)["mlp"]["batch_size"] for spec in plan.specs]
    assert sizes == [6, 9, 21, 39, 50]
    assert arrows_store.runs() == []


@pytest.mark.usefixtures("arrows_store")
@pytest.mark.parametrize("fraction", [0, 0.001, 1.5, True, "half", float("nan")])
def test_a_share_out_of_range_is_refused_at_its_field(fraction: object) -> None:
    with pytest.raises(BadInput, match=r"train_share is .*; it must be a number from 0\.01 to 1"):
        plan_experiment("arrows", ["majority"], image_size=8, train_share=fraction)  # type: ignore[arg-type]

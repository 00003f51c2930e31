"""What may be asked, and that nothing is stored where it may not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from core.backbones.registry import BACKBONES
from core.datasets.add import add_dataset, add_pixels
from core.datasets.storage import open_dataset
from core.errors import BadInput, UnknownName
from core.experiments import planning as specs
from core.experiments.planning import plan_experiment, plan_learning_curve, series_of, spec_changes
from core.experiments.records import ExperimentSpec
from core.experiments.store import Store
from core.strategies import selection
from core.strategies.registry import STRATEGIES, USUAL_BACKBONES
from tests.datasets.pictures import noise_png, two_classes, write_zip
from tests.stored_home import add_arrows

# What "all" means where no backbone is named.
USUAL = {
    name
    for name, entry in STRATEGIES.items()
    if entry.backbone is None or entry.backbone.name in USUAL_BACKBONES
}


@pytest.fixture
def arrows(home: Path) -> str:
    add_arrows()
    assert home.is_dir()
    return "arrows"


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def there(*kinds: str) -> None:
        for module in (specs, selection):
            monkeypatch.setattr(module, "is_available", lambda weight_set: weight_set.name in kinds)

    return there


def test_a_spec_holds_everything_a_run_needs(arrows: str) -> None:
    spec = plan_experiment(
        arrows,
        ["mlp", "majority"],
        seeds=(3, 1),
        image_size=16,
        overrides={"mlp.epochs": "4"},
        split={"test": 0.25, "seed": 2},
        resize="pad",
        precision="float32",
    )
    assert [name for name, _ in spec.strategies] == ["majority", "mlp"]
    settings = dict(spec.strategies)["mlp"]
    assert settings == STRATEGIES["mlp"].resolve("quick", {"epochs": 4})
    assert (spec.seeds, spec.image_size, spec.resize) == ((3, 1), 16, "pad")
    assert (spec.split.test, spec.split.validation, spec.split.seed) == (0.25, 0.07, 2)
    assert spec.classes == ("down", "left", "up")
    assert sum(spec.images.values()) == 120
    assert spec.images["test"] == 30
    assert spec.majority_accuracy == pytest.approx(10 / 30)
    assert len(spec.split_fingerprint) == 64
    training = spec.training_spec("mlp", 3, settings)
    assert training.model_dump() == {
        "dataset_id": spec.dataset_id,
        "strategy": "mlp",
        "settings": settings,
        "seed": 3,
        "image_size": 16,
        "resize": "pad",
        "split": {"test": 0.25, "validation": 0.07, "seed": 2, "use_given": True},
        "precision": "float32",
        "train_share": 1.0,
    }
    assert ExperimentSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.usefixtures("home")
def test_the_majority_is_the_largest_class_of_the_training_images() -> None:
    labels = np.repeat([0, 1, 2], [12, 30, 18])
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    add_pixels(pixels, labels, ["a", "b", "c"], "uneven", "made here")
    spec = plan_experiment("uneven", ["majority"], split={"test": 0.5, "validation": 0.1})
    assert spec.majority_class == "b"
    assert spec.majority_accuracy == pytest.approx(15 / 30)


@pytest.mark.parametrize(("use_given", "test_images"), [(True, 4), (False, 10)])
def test_a_split_that_came_with_the_dataset_is_used_unless_it_is_refused(
    tmp_path: Path, use_given: bool, test_images: int
) -> None:
    members = two_classes(14, prefix="train/") | {
        f"test/{name}/{number}.png": noise_png(500 + 10 * number + len(name))
        for name, number in (("cats", 0), ("cats", 1), ("dogs", 2), ("dogs", 3))
    }
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    spec = plan_experiment(dataset.name, ["majority"], split={"use_given": use_given})
    assert spec.images["test"] == test_images
    assert sum(spec.images.values()) == 32
    assert spec.given_split is use_given


@pytest.mark.parametrize(("preset", "size"), [("quick", 96), ("article", 224)])
def test_each_preset_has_its_image_size(arrows: str, preset: str, size: int) -> None:
    assert plan_experiment(arrows, ["majority"], preset).image_size == size


def test_all_is_every_strategy_in_the_order_of_its_cost(
    arrows: str, weights: Callable[..., None]
) -> None:
    weights(*(one.name for entry in BACKBONES.values() for one in entry.weight_sets))
    spec = plan_experiment(arrows)
    costs = [STRATEGIES[name].cost for name, _ in spec.strategies]
    assert costs == sorted(costs)
    assert {name for name, _ in spec.strategies} == USUAL
    assert spec.unavailable == {}
    every = plan_experiment(arrows, backbones="all")
    assert {name for name, _ in every.strategies} == set(STRATEGIES)


def test_all_leaves_out_what_has_no_weights_and_says_so(
    arrows: str, weights: Callable[..., None]
) -> None:
    weights()
    spec = plan_experiment(arrows)
    kept = {name for name, _ in spec.strategies}
    assert kept == {"majority", "mlp", "cnn", *(f"{name}_scratch" for name in USUAL_BACKBONES)}
    assert set(spec.unavailable) == USUAL - kept
    assert spec.unavailable["vgg16_probe"].endswith("python -m core backbones fetch vgg16")
    assert spec.unavailable["vgg16_softmax"].endswith("backbones fetch vgg16 --include-top")


def test_a_strategy_without_weights_asked_for_by_name_is_refused(
    arrows: str, weights: Callable[..., None]
) -> None:
    weights("vgg16")
    assert plan_experiment(arrows, ["vgg16_probe"]).unavailable == {}
    with pytest.raises(BadInput, match=r"needs the full VGG16.*fetch vgg16 --include-top"):
        plan_experiment(arrows, ["vgg16_softmax"])
    with pytest.raises(BadInput, match="needs the full VGG16"):
        plan_experiment(
            arrows, ["vgg16_freeze"], image_size=224, overrides={"vgg16_freeze.head": "fc"}
        )


def test_a_batch_of_the_preset_is_made_to_fit_and_one_asked_for_is_refused(arrows: str) -> None:
    spec = plan_experiment(arrows, ["mlp"], split={"test": 0.6, "validation": 0.2})
    train = spec.images["train"]
    assert train < 32
    assert dict(spec.strategies)["mlp"]["batch_size"] == train
    with pytest.raises(BadInput, match=r"mlp\.batch_size is 200, but only 76 images") as caught:
        plan_experiment(arrows, ["mlp"], overrides={"mlp.batch_size": 200})
    assert caught.value.field == "mlp.batch_size"


BAD = [
    ({"strategies": []}, "strategies"),
    ({"strategies": ["mlp", "mlp"]}, "strategies"),
    ({"strategies": ["nope"]}, "strategy"),
    ({"preset": "slow"}, "preset"),
    ({"dataset_name": "nope"}, "dataset"),
    ({"seeds": ()}, "seeds"),
    ({"seeds": (1, 1)}, "seeds"),
    ({"seeds": (-1,)}, "seeds"),
    ({"seeds": (2**31,)}, "seeds"),
    ({"seeds": (True,)}, "seeds"),
    ({"image_size": 7}, "image_size"),
    ({"image_size": 4096}, "image_size"),
    ({"image_size": "96"}, "image_size"),
    ({"resize": "fill"}, "resize"),
    ({"precision": "float64"}, "precision"),
    ({"split": {"test": 0.0}}, "split.test"),
    ({"split": {"validation": 0.9}}, "split.validation"),
    ({"split": {"colour": 1}}, "split.colour"),
    ({"overrides": {"mlp.epochs": 0}}, "mlp.epochs"),
    ({"overrides": {"mlp.epochs": -1}}, "mlp.epochs"),
    ({"overrides": {"mlp.epochs": 1e9}}, "mlp.epochs"),
    ({"overrides": {"mlp.learning_rate": 0}}, "mlp.learning_rate"),
    ({"overrides": {"mlp.batch_size": 100_000}}, "mlp.batch_size"),
    ({"overrides": {"mlp.nope": 1}}, "setting of mlp"),
    ({"overrides": {"mlp": 1}}, "mlp"),
    ({"overrides": {"cnn.epochs": 1}}, "cnn.epochs"),
    ({"strategies": ["vgg16_freeze"], "overrides": {"vgg16_freeze.k": -1}}, "vgg16_freeze.k"),
    ({"strategies": ["vgg16_freeze"], "overrides": {"vgg16_freeze.k": 99}}, "vgg16_freeze.k"),
    (
        {"strategies": ["cnn"], "image_size": 32, "overrides": {"cnn.padding": "valid"}},
        "image_size",
    ),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=[str(changes) for changes, _ in BAD])
def test_bad_input_is_refused_by_the_name_of_its_field(
    arrows: str, weights: Callable[..., None], changes: dict[str, Any], field: str
) -> None:
    weights("vgg16", "vgg16-top")
    arguments: dict[str, Any] = {"dataset_name": arrows, "strategies": ["mlp"]} | changes
    with pytest.raises(BadInput) as caught:
        plan_experiment(**arguments)
    assert caught.value.field == field


def test_an_unknown_strategy_lists_the_ladder(arrows: str) -> None:
    with pytest.raises(UnknownName, match=r"Known: cnn, .*majority, mlp, .*vgg16_features"):
        plan_experiment(arrows, ["vgg19"])


def test_a_stored_spec_refuses_unknown_keys(arrows: str) -> None:
    document = plan_experiment(arrows, ["majority"]).model_dump()
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        ExperimentSpec.model_validate(document | {"colour": "red"})


# Learning curves ------------------------------------------------------------------------------


def test_a_curve_is_one_experiment_for_each_fraction(arrows_store: Store) -> None:
    plan = plan_learning_curve("arrows", strategies=["majority"], seeds=(0, 1), image_size=8)
    assert [spec.train_share for spec in plan.specs] == [0.05, 0.1, 0.25, 0.5, 1.0]
    # 76 images: 25, 26 and 25 of the classes, each fraction rounded up.
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
def test_fractions_that_give_the_same_images_are_dropped_with_a_sentence(tmp_path: Path) -> None:
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


def test_a_batch_fits_the_smallest_fraction(arrows_store: Store) -> None:
    overrides = {"mlp.batch_size": "50"}
    plan = plan_learning_curve("arrows", strategies=["mlp"], image_size=8, overrides=overrides)
    sizes = [dict(spec.strategies)["mlp"]["batch_size"] for spec in plan.specs]
    assert sizes == [6, 9, 21, 39, 50]
    assert arrows_store.runs() == []


@pytest.mark.usefixtures("arrows_store")
@pytest.mark.parametrize("fraction", [0, 0.001, 1.5, True, "half", float("nan")])
def test_a_fraction_out_of_range_is_refused_at_its_field(fraction: object) -> None:
    with pytest.raises(BadInput, match=r"train_share is .*; it must be a number from 0\.01 to 1"):
        plan_experiment("arrows", ["majority"], image_size=8, train_share=fraction)  # type: ignore[arg-type]


def test_what_differs_between_two_plans_is_said(arrows_store):  # noqa: ARG001 - sets the home
    then = plan_experiment("arrows", ["majority", "mlp"], image_size=64)
    assert spec_changes(then, then) == []
    now = plan_experiment(
        "arrows",
        ["majority", "mlp", "cnn"],
        image_size=96,
        seeds=(0, 1),
        overrides={"mlp.epochs": 3},
    )
    assert spec_changes(then, now) == [
        ("image size", "64 px", "96 px"),
        ("seeds", "0", "0 and 1"),
        ("mlp: epochs", "10", "3"),
        ("cnn", "not run", "run"),
    ]
    other = plan_experiment("arrows", ["majority", "mlp"], image_size=64, split={"seed": 7})
    assert spec_changes(then, other) == [("split", "another", "seed 7")]

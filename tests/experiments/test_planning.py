"""What may be asked, and that nothing is stored where it may not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from core.backbones.registry import BACKBONES
from core.datasets.add import add_dataset
from core.errors import BadInput, UnknownName
from core.experiments import planning as specs
from core.experiments.planning import plan_experiment
from core.experiments.records import ExperimentSpec
from core.strategies.registry import STRATEGIES
from tests.datasets.pictures import noise_png, two_classes, write_zip
from tests.stored_home import add_arrows


@pytest.fixture
def arrows(home: Path) -> str:
    add_arrows()
    assert home.is_dir()
    return "arrows"


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def there(*kinds: str) -> None:
        monkeypatch.setattr(specs, "is_available", lambda weight_set: weight_set.name in kinds)

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
    assert {name for name, _ in spec.strategies} == set(STRATEGIES)
    assert spec.unavailable == {}


def test_all_leaves_out_what_has_no_weights_and_says_so(
    arrows: str, weights: Callable[..., None]
) -> None:
    weights()
    spec = plan_experiment(arrows)
    assert [name for name, _ in spec.strategies] == ["majority", "mlp", "cnn", "vgg16_scratch"]
    assert set(spec.unavailable) == set(STRATEGIES) - {"majority", "mlp", "cnn", "vgg16_scratch"}
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
    with pytest.raises(UnknownName, match=r"Known: cnn, majority, mlp, .*vgg16_features"):
        plan_experiment(arrows, ["vgg19"])


def test_a_stored_spec_refuses_unknown_keys(arrows: str) -> None:
    document = plan_experiment(arrows, ["majority"]).model_dump()
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        ExperimentSpec.model_validate(document | {"colour": "red"})

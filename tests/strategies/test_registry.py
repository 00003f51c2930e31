"""The ladder as data: names, presets, ranges, outlines, and no Keras on the way."""

import subprocess
import sys
from dataclasses import replace

import pytest

from core.backbones.vgg16 import VGG16
from core.datasets.choices import SUBSETS
from core.errors import BadInput, UnknownName
from core.strategies.registry import MAJORITY, STRATEGIES, find_strategy, names_with, registered
from core.strategies.settings import PRESETS
from core.strategies.strategy import Mode, Role

NAMES = list(STRATEGIES)
LADDER = ["majority", "mlp", "cnn", "vgg16_scratch", "vgg16_probe", "vgg16_features"]
LADDER += ["vgg16_softmax", "vgg16_freeze", "vgg16_finetune"]


def test_the_strategies_of_the_first_edition_are_registered_in_their_order():
    assert [name for name in STRATEGIES if name in LADDER] == LADDER


def test_strategies_are_found_by_role_mode_and_backbone():
    assert MAJORITY == names_with(Role.BASELINE)[0] == "majority"
    assert names_with(Role.BASELINE) == ("majority",)
    assert names_with(Role.FROM_SCRATCH, convolutional=False)[0] == "mlp"
    assert names_with(Role.FROM_SCRATCH, convolutional=True)[0] == "cnn"
    assert names_with(mode=Mode.SOFTMAX, backbone="vgg16") == ("vgg16_softmax",)
    assert names_with(Role.LINEAR_PROBE, Role.FROZEN_FEATURES, backbone="vgg16") == (
        "vgg16_probe",
        "vgg16_features",
        "vgg16_softmax",
    )
    assert names_with(backbone="no such") == ()


def test_the_record_of_each_strategy_is_whole():
    for name, entry in STRATEGIES.items():
        needs = entry.needs(entry.resolve("quick"))
        assert (entry.backbone is None) == (entry.mode is None)
        assert entry.has_network == (entry.estimator is None) == ("gradient" in needs)
        assert entry.is_pretrained == ("weights" in needs) == ("weights" in entry.needs({}))
        fits = entry.fits(entry.resolve("quick"))
        assert [fit.name for fit in fits][-1:] == (["main"] if entry.has_network else [])
        assert any(fit.on_features for fit in fits) == ("features" in needs)
        if entry.backbone is not None:
            assert name.startswith(f"{entry.backbone.name}_")


def test_cheap_strategies_come_first_in_the_order_of_work():
    by_cost = sorted(STRATEGIES.values(), key=lambda entry: entry.cost)
    assert [entry.name for entry in by_cost if entry.name in LADDER] == [
        "majority",
        "mlp",
        "cnn",
        "vgg16_probe",
        "vgg16_features",
        "vgg16_softmax",
        "vgg16_freeze",
        "vgg16_finetune",
        "vgg16_scratch",
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", PRESETS)
def test_preset_values_are_inside_their_own_ranges(name, preset):
    strategy = find_strategy(name)
    settings = strategy.resolve(preset)
    assert (
        strategy.resolve(preset, {key: str(value) for key, value in settings.items()}) == settings
    )
    assert strategy.teaches.endswith(".")
    assert strategy.tutorial.endswith(".")
    assert all(entry.help.endswith(".") for entry in strategy.settings)


def test_the_tutorials_own_values_are_in_the_article_preset():
    freeze = find_strategy("vgg16_freeze").resolve("article")
    expected = {"k": 8, "head": "fc", "start": "fresh", "epochs": 10, "batch_size": 16}
    expected |= {"learning_rate": 1e-3, "decay": 1e-6, "momentum": 0.9, "mean": "imagenet"}
    assert expected.items() <= freeze.items()
    head = find_strategy("vgg16_features").resolve("article")
    assert (head["hidden_1"], head["hidden_2"], head["hidden_3"]) == (1000, 500, 150)
    assert (head["dropout_1"], head["dropout_2"], head["dropout_3"]) == (0.3, 0.4, 0.2)
    assert (head["epochs"], head["batch_size"]) == (20, 128)
    mlp = find_strategy("mlp").resolve("article")
    assert (mlp["hidden_layers"], mlp["hidden_width"], mlp["epochs"]) == (3, 500, 10)
    cnn = find_strategy("cnn").resolve("article")
    assert (cnn["padding"], cnn["dropout"], cnn["epochs"]) == ("valid", 0.5, 10)


@pytest.mark.parametrize(
    ("name", "quick", "article"),
    [
        ("vgg16_features", 40, 20),
        ("squeezenet_dense", 40, 20),
        ("vgg16_scratch", 2, 10),
        ("efficientnet_lite0_scratch", 15, 10),
        ("resnet50_scratch", 5, 10),
    ],
)
def test_what_was_tuned_for_quick_leaves_article_and_other_backbones_alone(name, quick, article):
    strategy = find_strategy(name)
    epochs = [strategy.resolve(preset)["epochs"] for preset in ("quick", "article")]
    assert epochs == [quick, article]


@pytest.mark.parametrize(
    ("strategy", "setting", "value", "says"),
    [
        ("mlp", "epochs", 0, r"mlp\.epochs is 0; it must be a whole number from 1 to 1000"),
        ("mlp", "epochs", -1, "from 1 to 1000"),
        ("mlp", "epochs", 1e9, "from 1 to 1000"),
        ("mlp", "epochs", "2.5", "a whole number"),
        ("mlp", "epochs", True, "a whole number"),
        ("mlp", "epochs", "many", "a whole number"),
        ("cnn", "learning_rate", 0, "a number from 1e-07 to 1"),
        ("cnn", "learning_rate", "nan", "a number from 1e-07 to 1"),
        ("cnn", "batch_size", 100000, "from 1 to 1024 images"),
        ("cnn", "padding", "reflect", "one of: same, valid"),
        ("vgg16_freeze", "k", -1, "from 0 to 19 layers"),
        ("vgg16_freeze", "k", 99, "from 0 to 19 layers"),
    ],
)
def test_values_out_of_range_are_refused_at_the_field(strategy, setting, value, says):
    with pytest.raises(BadInput, match=says) as caught:
        find_strategy(strategy).resolve("quick", {setting: value})
    assert caught.value.field == f"{strategy}.{setting}"


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        UnknownName, match=r"no strategy named 'resnet'. Known: cnn, .*majority, mlp"
    ):
        find_strategy("resnet")
    with pytest.raises(UnknownName, match=r"setting of cnn named 'depth'. Known: augment, batch"):
        find_strategy("cnn").resolve("quick", {"depth": 3})
    with pytest.raises(UnknownName, match=r"preset named 'slow'. Known: article, best, quick"):
        find_strategy("cnn").resolve("slow")


def test_a_name_registered_twice_is_refused():
    with pytest.raises(ValueError, match="registered twice: cnn"):
        registered((STRATEGIES["cnn"], replace(STRATEGIES["cnn"], title="Again")))


@pytest.mark.parametrize(
    ("padding", "image_size", "flattened"),
    [("valid", 224, "2×2×32 = 128"), ("same", 224, "3×3×32 = 288"), ("same", 64, "1×1×32 = 32")],
)
def test_the_flattened_size_of_the_cnn_is_shown(padding, image_size, flattened):
    cnn = find_strategy("cnn")
    settings = cnn.resolve("quick", {"padding": padding})
    assert f"flatten {flattened}" in cnn.describe(settings, image_size)


@pytest.mark.parametrize(("padding", "smallest"), [("valid", 148), ("same", 64)])
def test_an_image_too_small_for_the_cnn_names_the_smallest_size(padding, smallest):
    cnn = find_strategy("cnn")
    settings = cnn.resolve("quick", {"padding": padding})
    cnn.describe(settings, smallest)
    with pytest.raises(BadInput, match=f"needs at least {smallest} pixels") as caught:
        cnn.describe(settings, smallest - 1)
    assert caught.value.field == "image_size"


@pytest.mark.parametrize("name", names_with(backbone="vgg16"))
def test_vgg16_needs_32_pixels(name):
    strategy = find_strategy(name)
    strategy.describe(strategy.resolve("quick"), 32)
    with pytest.raises(BadInput, match="VGG16 needs at least 32 pixels"):
        strategy.describe(strategy.resolve("quick"), 31)


def test_the_features_of_224_are_the_tutorials_25088():
    probe = find_strategy("vgg16_probe")
    assert "7×7×512 = 25088 features" in probe.describe(probe.resolve("article"), 224)


def test_the_fc_head_needs_the_full_weights():
    freeze = find_strategy("vgg16_freeze")
    assert "full_weights" not in freeze.needs(freeze.resolve("quick"))
    assert "full_weights" in freeze.needs(freeze.resolve("quick", {"head": "fc"}))
    assert freeze.weights({}) is VGG16.weights
    assert freeze.weights({"head": "fc"}) is VGG16.top.weights
    assert find_strategy("vgg16_scratch").weights({}) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", ["probe", "fresh"])
def test_features_are_needed_of_the_images_that_are_fitted_or_scored_on_them(name, start):
    strategy = find_strategy(name)
    chosen = {"start": start} if any(one.name == "start" for one in strategy.settings) else {}
    settings = strategy.resolve("quick", chosen)
    fits = strategy.fits(settings)
    expected = ()
    if any(fit.on_features for fit in fits):
        expected = SUBSETS if fits[-1].on_features else ("train", "validation")
    assert strategy.subsets_with_features(settings) == expected


def test_a_fresh_head_needs_no_features():
    finetune = find_strategy("vgg16_finetune")
    settings = finetune.resolve("quick", {"start": "fresh"})
    assert "features" not in finetune.needs(settings)
    assert [fit.name for fit in finetune.fits(settings)] == ["main"]
    assert [fit.name for fit in finetune.fits(finetune.resolve("quick"))] == ["head", "main"]


def test_the_top_fixes_the_side_that_the_network_computes_on():
    freeze = find_strategy("vgg16_freeze")
    assert freeze.network_side(freeze.resolve("quick"), 96) == 96
    assert freeze.network_side(freeze.resolve("quick", {"head": "fc"}), 96) == 224
    assert find_strategy("majority").network_side({}, 96) == 96


def test_the_registry_loads_no_deep_learning_library():
    code = (
        "import sys, core.strategies.registry as r; "
        "[s.describe(s.resolve('quick'), 96) for s in r.STRATEGIES.values()]; "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_outline_draws_the_head_that_is_chosen():
    freeze = find_strategy("vgg16_freeze")
    drawn = {
        head: freeze.describe(freeze.resolve("quick", {"head": head}), 96)
        for head in ("linear", "dense", "fc")
    }
    body = "96×96×3 pixels → VGG16 base (first 8 layers frozen) → 3×3×512 = 4608 features"
    assert drawn["linear"] == f"{body} → square root, unit length → softmax, L2 0.001"
    assert drawn["dense"].startswith(f"{body} → dense 1000 → dropout 0.3")
    assert drawn["fc"] == (
        "96×96 pixels, enlarged to 224×224 → VGG16 with fc1 and fc2 (first 8 layers frozen) → "
        "softmax"
    )


def test_the_whole_vgg16_takes_no_larger_images_than_224():
    for name, overrides in (("vgg16_softmax", {}), ("vgg16_freeze", {"head": "fc"})):
        strategy = find_strategy(name)
        settings = strategy.resolve("quick", overrides)
        strategy.describe(settings, 224)
        with pytest.raises(BadInput, match="takes no larger images") as caught:
            strategy.describe(settings, 225)
        assert caught.value.field == "image_size"

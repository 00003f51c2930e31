"""The preset best: good practice for every network that is trained, and nothing else changed."""

import pytest

from core.strategies.best import BEST
from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.settings import fit_settings, with_best
from core.strategies.strategy import Role


def test_networks_that_images_go_through_are_trained_with_care():
    for entry in STRATEGIES.values():
        settings = entry.resolve("best")
        if entry.role not in BEST:
            assert settings == entry.resolve("quick"), entry.name
            continue
        assert (settings["optimizer"], settings["schedule"]) == ("adamw", "cosine")
        assert settings["augment"] == "light"
        assert 0 < settings["patience"] < settings["epochs"]
        assert settings["warmup_epochs"] < settings["epochs"]


def test_a_backbone_is_fine_tuned_after_its_head():
    for entry in STRATEGIES.values():
        if entry.role is Role.FINE_TUNED:
            head, main = entry.fits(entry.resolve("best"))
            assert (head.name, head.on_features, head.options.optimizer) == ("head", True, "adam")
            assert (main.options.optimizer, main.options.schedule) == ("adamw", "cosine")
            assert head.options.label_smoothing == main.options.label_smoothing == 0.1


def test_a_strategys_own_values_come_before_those_of_its_role():
    assert find_strategy("cnn").resolve("best")["learning_rate"] == 1e-3
    assert find_strategy("mlp").resolve("best")["learning_rate"] == 3e-4
    assert find_strategy("vgg16_finetune").resolve("best")["learning_rate"] == 3e-5


def test_a_value_for_no_setting_is_an_error():
    with pytest.raises(ValueError, match="no such settings: epoch"):
        with_best(fit_settings((1, 1), (8, 8), (0.1, 0.1)), {"epoch": 3})

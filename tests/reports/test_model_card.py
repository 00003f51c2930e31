"""The model card: exact for a stored run, its limits drawn from facts, hostile names literal."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.backbones.vgg16 import VGG16
from core.errors import StoreError
from core.experiments.run_files import predictions_path
from core.experiments.store import open_store
from core.reports.model_card import PackageFacts, model_card, pretrained_words
from core.strategies.registry import find_strategy
from tests import made_up
from tests.pages.compared import EXPERIMENT, add_hostile, store_compared
from tests.stored_home import add_arrows

EXPECTED = Path(__file__).parent / "model_card_expected.md"
FACTS = PackageFacts(
    side=8,
    inside=("enlarged bilinearly to 64x64", "grey copied to three channels", "divided by 255"),
    backend="tensorflow",
    versions={"headstart": "0.1.0"},
    parameters=1000,
    keras_bytes=4000,
    onnx_bytes=None,
    why_no_onnx="The library tf2onnx, which makes it, is not installed here.",
    checked_images=36,
    same_answers=35,
    largest_difference=0.00031,
)


@pytest.mark.usefixtures("home")
def test_the_card_of_a_stored_run() -> None:
    store = open_store()
    store_compared(store, add_arrows())
    card = model_card(store, f"{EXPERIMENT}-cnn-1", FACTS)
    assert card == EXPECTED.read_text(encoding="utf-8")


@pytest.mark.usefixtures("home")
def test_what_happened_during_the_run_is_noted() -> None:
    store = open_store()
    store_compared(store, add_arrows())
    noted = made_up.result(0.5, notes=("Its times were measured again.",))
    assert store.replace_result(f"{EXPERIMENT}-cnn-1", noted)
    card = model_card(store, f"{EXPERIMENT}-cnn-1", FACTS)
    assert "| notes | Its times were measured again. |" in card


@pytest.mark.usefixtures("home")
def test_pretrained_weights_are_named_and_hostile_names_are_literal() -> None:
    store = open_store()
    store_compared(store, add_hostile())
    card = model_card(store, f"{EXPERIMENT}-vgg16_probe-0", FACTS)
    assert (
        "ImageNet weights of VGG16 by the Visual Geometry Group, University of Oxford (K. Simonyan "
        'and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", '
        "2014), under CC BY 4.0, in the form that Keras publishes; they were not changed. Name them"
    ) in card
    assert "trained on \\*hostile\\*\n" in card
    assert "| \\*\\*md\\*\\* \\[x\\](http\N{WORD JOINER}://x) |" in card
    assert "<" not in card.replace("\\<", "")
    assert "ImageNet" not in model_card(store, f"{EXPERIMENT}-mlp-0", FACTS)


@pytest.mark.usefixtures("home")
def test_the_authors_of_another_backbone_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(VGG16, name="other", title="Other", attribution="Other by Some Authors, MIT")
    strategy = replace(find_strategy("vgg16_probe"), backbone=other)
    monkeypatch.setattr("core.reports.model_card.find_strategy", lambda _name: strategy)
    store = open_store()
    store_compared(store, add_arrows())
    licence = model_card(store, f"{EXPERIMENT}-vgg16_probe-0", FACTS).partition("## Licence")[2]
    assert "contains ImageNet weights of Other by Some Authors, MIT; they were not" in licence
    assert "VGG16" not in licence


@pytest.mark.parametrize(
    ("strategy", "overrides", "words"),
    [
        ("vgg16_scratch", {}, None),
        ("vgg16_softmax", {}, "they were not changed"),
        ("vgg16_freeze", {}, "some of them were trained further"),
        ("vgg16_freeze", {"k": 19}, "they were not changed"),
        ("vgg16_finetune", {}, "all of them were trained further"),
        # batch normalisation stays as it is
        ("stand_in_finetune", {}, "some of them were trained further"),
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_the_card_says_what_became_of_imagenet_weights(
    strategy: str, overrides: dict[str, int], words: str | None
) -> None:
    entry = find_strategy(strategy)
    layers = entry.layers(entry.resolve("quick", overrides), 96, 16)
    assert pretrained_words(layers) == words


@pytest.mark.usefixtures("home")
def test_without_predictions_there_is_no_card() -> None:
    store = open_store()
    store_compared(store, add_arrows())
    predictions_path(f"{EXPERIMENT}-cnn-1").unlink()
    with pytest.raises(StoreError, match=f"{EXPERIMENT}-cnn-1"):
        model_card(store, f"{EXPERIMENT}-cnn-1", FACTS)

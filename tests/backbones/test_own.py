"""Backbones of one's own in the registries: read from the home, at once, and refused in words."""

import json

import numpy as np
import pytest

from core.backbones import own_folder
from core.backbones.own import OWN_COLOURS, stored_layers
from core.backbones.own_folder import (
    ARRAYS,
    RECORD,
    WEIGHTS,
    keep_record,
    remove_folder,
    remove_weights,
    seen_images,
)
from core.backbones.registry import BACKBONES, SHIPPED, find_backbone, own
from core.backbones.weights.access import fetch, is_available, load_weights, status_of
from core.errors import BadInput, StoreError, WeightsRefused, WeightsUnavailable
from core.layers.record import LayerRecord
from core.strategies.cnn import blocks
from core.strategies.registry import STRATEGIES, find_strategy, names_with, offered_strategies
from core.strategies.strategy import Mode
from tests.own_backbones import ORIGIN, add_own, arrays

pytestmark = pytest.mark.usefixtures("home")
MODES = ["scratch", "probe", "dense", "freeze", "finetune"]


def test_the_registries_see_a_backbone_as_soon_as_it_is_there_and_no_longer_than_that():
    assert list(BACKBONES) == list(SHIPPED)
    before = len(STRATEGIES)
    add_own()
    assert list(BACKBONES)[-1] == "digits_cnn"
    assert "digits_cnn" in BACKBONES
    assert names_with(backbone="digits_cnn") == tuple(f"digits_cnn_{mode}" for mode in MODES)
    assert len(STRATEGIES) == before + len(MODES)
    strategy = find_strategy("digits_cnn_probe")
    assert strategy.title == "CNN of digits probe"
    assert strategy.backbone is find_backbone("digits_cnn")
    remove_folder("digits_cnn")
    assert list(BACKBONES) == list(SHIPPED)
    assert len(STRATEGIES) == before
    assert STRATEGIES.get("digits_cnn_probe") is None


def test_an_unchanged_folder_is_not_read_again(monkeypatch):
    add_own()
    first = own()
    monkeypatch.setattr(own_folder, "_read_all", lambda *_: pytest.fail("read again"))
    assert own() is first
    assert STRATEGIES["digits_cnn_probe"] is STRATEGIES["digits_cnn_probe"]
    assert find_strategy("vgg16_probe").backbone is SHIPPED["vgg16"]


def test_another_home_has_others(monkeypatch, tmp_path):
    add_own()
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "other"))
    assert "digits_cnn" not in BACKBONES
    monkeypatch.setenv("HEADSTART_HOME", "/dev/null/no home")
    assert list(BACKBONES) == list(SHIPPED)


def test_the_record_says_where_it_comes_from_and_what_it_costs():
    add_own()
    backbone = find_backbone("digits_cnn")
    assert backbone.about == (
        "Trained on digits (1,222 images of 10 classes, 64 pixels) as CNN, three blocks, seed 0, "
        "in experiment 3d975862: 97.1 % of 360 test images correct there."
    )
    assert ORIGIN.short == "digits, experiment 3d975862, cnn seed 0, 97.1 % there"
    assert (backbone.trained_on, backbone.published_accuracy) == ("digits", None)
    assert backbone.accuracy_words == "It was not measured on ImageNet."
    assert backbone.smallest_size == 8
    assert [one.output for one in backbone.layers(32, False)][-1] == (8, 8, 6)
    assert backbone.parameters() == sum(one.size for one in arrays().values())
    # 3x3x3 filters of 4 at 224x224, 3x3x4 filters of 6 at 112x112.
    assert backbone.multiply_adds == 27 * 4 * 224**2 + 36 * 6 * 112**2
    with pytest.raises(BadInput, match="CNN of digits needs at least 8 pixels"):
        backbone.side(7, False)


def test_the_layers_of_the_cnn_are_kept_without_their_sizes():
    _, *convolutions = blocks(64, "same")
    add_own(layers=stored_layers(convolutions))
    backbone = find_backbone("digits_cnn")
    assert [one.output for one in backbone.layers(224, False)[1:]] == [
        one.output for one in blocks(224, "same")[1:]
    ]
    assert backbone.smallest_size == 64
    with pytest.raises(BadInput, match=r"strange \(Dense\) cannot be part of a backbone"):
        stored_layers((LayerRecord("strange", "Dense", (1,)),))


def test_its_strategies_say_what_they_start_from():
    add_own()
    size = 16
    finetune = find_strategy("digits_cnn_finetune")
    assert finetune.teaches.startswith("All layers of CNN of digits start from digits")
    drawn = finetune.describe(finetune.resolve("quick"), size)
    assert drawn.startswith("16×16×3 pixels → CNN of digits from digits → ")
    probe = find_strategy("digits_cnn_probe")
    assert "CNN of digits (frozen)" in probe.describe(probe.resolve("quick"), size)
    scratch = find_strategy("digits_cnn_scratch")
    assert scratch.teaches.endswith("what digits gave it.")
    assert "from random weights" in scratch.describe(scratch.resolve("quick"), size)


def test_a_network_of_headstart_has_its_own_settings_and_no_second_random_start():
    add_own("themes_vgg", "VGG16 of themes", network="vgg16", layers=())
    backbone = find_backbone("themes_vgg")
    assert (backbone.smallest_size, backbone.multiply_adds) == (32, 15_470_264_320)
    assert next(one.words for one in backbone.layers(96, False)) == "VGG16 of themes"
    found = names_with(backbone="themes_vgg")
    assert found == tuple(f"themes_vgg_{mode}" for mode in ("probe", "dense", "freeze", "finetune"))
    probe = find_strategy("themes_vgg_probe")
    assert probe.mode is Mode.PROBE
    usual = find_strategy("vgg16_probe").resolve("quick")
    assert probe.resolve("quick") == {k: v for k, v in usual.items() if k != "mean"}
    assert "ImageNet" not in probe.teaches


def test_two_of_them_have_other_colours_with_the_same_markers():
    add_own()
    add_own("second", "Second", colour=OWN_COLOURS[1])
    looks = {(entry.appearance.colour, entry.appearance.marker) for entry in STRATEGIES.values()}
    assert len(looks) == len(STRATEGIES)


def test_the_weights_are_held_to_their_digests():
    add_own()
    weights = find_backbone("digits_cnn").weights
    assert is_available(weights)
    found = load_weights(weights)
    assert all(np.array_equal(found[name], one) for name, one in arrays().items())
    assert status_of(weights).source == "trained here"
    assert fetch(weights).available
    path = weights.own_file
    changed = bytearray(path.read_bytes())
    place = changed.index(arrays()["conv_2/kernel"].tobytes()[:16])
    changed[place] ^= 1
    path.write_bytes(changed)
    assert not is_available(weights)
    says = r"conv_2/kernel does not hold the published values .* Make it again with .*backbones add"
    with pytest.raises(WeightsRefused, match=says):
        load_weights(weights)
    path.write_bytes(b"cut short")
    with pytest.raises(WeightsRefused, match="it is not an HDF5 file"):
        load_weights(weights)
    path.unlink()
    with pytest.raises(WeightsUnavailable, match="copy the folder backbones/digits_cnn"):
        fetch(weights)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / RECORD).write_text("{"), "Invalid JSON"),
        (lambda folder: (folder / RECORD).unlink(), "No such file"),
        (lambda folder: (folder / ARRAYS).write_text("[1]"), "Input should be an object"),
        (
            lambda folder: folder.rename(folder.with_name("other")),
            "it holds the backbone digits_cnn",
        ),
        (lambda folder: changed(folder, network="gone"), "has no network gone"),
        (lambda folder: changed(folder, name="vgg16"), "it holds the backbone vgg16"),
        (lambda folder: changed(folder, size_bytes=-1), "size_bytes"),
    ],
)
def test_a_damaged_folder_is_left_out_and_named(home, damage, says):
    add_own()
    add_own("second", "Second")
    damage(home / "backbones" / "digits_cnn")
    assert list(BACKBONES)[len(SHIPPED) :] == ["second"]
    (reason,) = own().unreadable.values()
    assert says in reason


def changed(folder, **fields):
    document = json.loads((folder / RECORD).read_text()) | fields
    (folder / RECORD).unlink()
    (folder / RECORD).write_text(json.dumps(document))


def test_a_name_that_exists_is_refused_and_nothing_is_left(home):
    record = add_own()
    with pytest.raises(BadInput, match="There is already a backbone named 'digits_cnn'"):
        add_own(seed=1)
    assert [path.name for path in (home / "backbones").iterdir()] == ["digits_cnn"]
    assert own().records["digits_cnn"] == record


def test_a_removed_backbone_keeps_its_record_alone_and_can_be_made_again(home):
    record = add_own(seen=np.ones((2, 32)))
    assert seen_images("digits_cnn").shape == (2, 32)
    remove_weights(record)
    assert [path.name for path in (home / "backbones" / "digits_cnn").iterdir()] == [RECORD]
    backbone = find_backbone("digits_cnn")
    assert not backbone.is_offered
    assert not is_available(backbone.weights)
    assert STRATEGIES["digits_cnn_probe"].title == "CNN of digits probe"
    assert "digits_cnn_probe" not in offered_strategies()
    assert seen_images("digits_cnn") is None
    with pytest.raises(WeightsUnavailable, match="It was removed on 20"):
        load_weights(backbone.weights)
    with pytest.raises(BadInput, match="already a backbone"):
        add_own(seed=1, digest="e" * 64)
    assert add_own() == record
    assert is_available(find_backbone("digits_cnn").weights)


def test_the_record_of_another_machine_is_kept_without_replacing_anything(home):
    record = add_own()
    remove_folder("digits_cnn")
    keep_record(record)
    assert find_backbone("digits_cnn").is_offered
    assert not is_available(find_backbone("digits_cnn").weights)
    again = add_own()
    keep_record(record.model_copy(update={"title": "Another"}))
    assert own().records["digits_cnn"] == again
    assert (home / "backbones" / "digits_cnn" / WEIGHTS).exists()


def test_damaged_digests_of_images_are_named(home):
    add_own()
    path = home / "backbones" / "digits_cnn" / "images.npy"
    for content in (b"nothing", b""):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"images\.npy is damaged"):
            seen_images("digits_cnn")
    np.save(path, np.zeros((2, 3), np.uint8))
    with pytest.raises(StoreError, match=r"images\.npy is damaged"):
        seen_images("digits_cnn")

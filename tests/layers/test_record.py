"""Layers as data: what makes a network, and what a line says of it. No Keras."""

from core.layers.record import LayerRecord, addition, convolution, image_layer, outline_of
from core.strategies.registry import STRATEGIES, find_strategy


def layers_of(name, image_size=96, preset="quick", **overrides):
    entry = find_strategy(name)
    return entry.layers(entry.resolve(preset, overrides), image_size, 16)


def test_every_network_ends_with_a_probability_for_each_class():
    for name, entry in STRATEGIES.items():
        if entry.has_network:
            last = layers_of(name)[-1]
            assert (last.name, last.kind, last.output) == ("predictions", "Dense", (16,))
            assert last.is_trained


def test_the_outline_counts_blocks_that_repeat():
    assert outline_of(layers_of("cnn", 224, "article")) == (
        "224×224×3 pixels → 3 × (convolution 32 of 5×5, valid padding, ReLU, max pooling 4×4) → "
        "flatten 2×2×32 = 128 → dense 64 → dropout 0.5 → softmax"
    )
    assert outline_of(layers_of("mlp")) == (
        "96×96×3 pixels → flatten 96×96×3 = 27648 → 3 × dense 500 → softmax"
    )
    assert "3 × (dense 500, dropout 0.2)" in outline_of(layers_of("mlp", dropout=0.2))


def test_only_layers_with_parameters_that_are_not_frozen_are_trained():
    assert not LayerRecord("pool", "MaxPooling2D", (1, 1, 1)).is_trained
    assert not LayerRecord("kept", "Dense", (1,), 2, frozen=True, origin="ImageNet").is_trained
    assert LayerRecord("new", "Dense", (1,), 2, origin="random").is_trained


def test_a_sum_has_the_shape_of_what_it_adds():
    picture = image_layer("RescaleToUnit", "rescale_to_unit", 16)
    first = convolution(picture, "first", 8, kernel=3)
    second = convolution(first, "second", 8, kernel=3)
    total = addition(second, "total", ("first", "second"))
    assert (total.kind, total.output, total.parameters) == ("Add", (16, 16, 8), 0)
    assert total.inputs == ("first", "second")

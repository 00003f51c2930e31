"""Grad-CAM: what it lights on networks made for it, and that every network of the ladder can be
opened at its last convolution. Nothing is trained here."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from core.errors import BadInput, StoreError
from core.layers.record import (
    LayerRecord,
    build_network,
    convolution,
    flatten,
    image_layer,
    softmax,
)
from core.networks.explain import explain, heat_maps_of
from core.networks.graph import IMAGES, run_steps, steps_of
from core.networks.restore import RestoredModel, restored_model
from core.strategies.network import BuildContext, build_plan
from core.strategies.registry import STRATEGIES, find_strategy
from core.training.spec import TrainingSpec
from tests.strategies.stand_in import REPRESENTATIVE

pytestmark = pytest.mark.tensorflow

QUADRANTS = [(slice(0, 4), slice(0, 4)), (slice(0, 4), slice(4, 8)), (slice(4, 8), slice(0, 4))]
WITH_CONVOLUTIONS = [name for name in REPRESENTATIVE if name not in ("majority", "mlp")]
SIZES = {"cnn": 64}
# Places along each side of the last feature map, of 32 pixels; of cnn of 64.
SIDES = {"cnn": 4, "stand": 8, "efficientnet": 1, "squeezenet": 1}


def quadrant_network(class_weight: float = 1.0) -> RestoredModel:
    """Class i is how bright quadrant i of an 8x8 grey picture is: one filter that copies, and a
    linear layer that looks at one quadrant for each class."""
    inputs = keras.Input((8, 8, 1), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(inputs)
    copied = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")(scaled)
    flat = keras.layers.Flatten()(copied)
    outputs = keras.layers.Dense(3, activation="softmax", name="predictions")(flat)
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((8, 8, 3), np.float32)
    for position, (rows, columns) in enumerate(QUADRANTS):
        kernel[rows, columns, position] = class_weight
    model.get_layer("predictions").set_weights([kernel.reshape(64, 3), np.zeros(3, np.float32)])
    return RestoredModel("quadrants", model)


def bright_quadrants(*positions: int) -> np.ndarray:
    pictures = np.zeros((len(positions), 8, 8, 1), np.uint8)
    for number, position in enumerate(positions):
        pictures[(number, *QUADRANTS[position])] = 200
    return pictures


def test_the_quadrant_that_makes_the_class_is_lit_and_nothing_else() -> None:
    maps = explain(quadrant_network(), bright_quadrants(0, 1, 2), np.array([0, 1, 2]))
    assert (maps.shape, maps.dtype) == ((3, 8, 8), np.float32)
    for number, quadrant in enumerate(QUADRANTS):
        expected = np.zeros((8, 8), np.float32)
        expected[quadrant] = 1
        np.testing.assert_array_equal(maps[number], expected)


def test_each_picture_has_its_own_class_and_more_than_a_batch_is_possible() -> None:
    network = quadrant_network()
    pictures = bright_quadrants(*([0, 1] * 10))
    maps = explain(network, pictures, np.array([0, 1] * 10))
    alone = explain(network, pictures[17:18], np.array([1]))
    assert maps.shape == (20, 8, 8)
    np.testing.assert_array_equal(maps[17], alone[0])


def test_a_nearly_sure_network_is_still_explained() -> None:
    """By its logits: the gradient of a probability that rounds to 1 is 0."""
    network = quadrant_network(class_weight=50.0)
    pictures = bright_quadrants(1)
    assert network.probabilities(pictures)[0, 1] == 1.0
    assert explain(network, pictures, np.array([1])).max() == 1.0


@pytest.mark.parametrize("class_weight", [0.0, -1.0])
def test_where_nothing_speaks_for_the_class_the_map_is_zero(class_weight: float) -> None:
    maps = explain(quadrant_network(class_weight), bright_quadrants(0), np.array([0]))
    np.testing.assert_array_equal(maps, np.zeros((1, 8, 8), np.float32))


def test_the_equations_of_the_paper_by_hand() -> None:
    feature_maps = np.array([[[[1.0, 4.0]], [[2.0, 0.0]]]], np.float32)  # (1, 2, 1, 2)
    gradient = np.array([[[[3.0, -2.0]], [[1.0, 0.0]]]], np.float32)
    # Mean gradients 2 and -1: 2*1 - 1*4 = -2 is cut to 0, 2*2 - 0 = 4 is the largest.
    np.testing.assert_array_equal(heat_maps_of(feature_maps, gradient), [[[0.0], [1.0]]])


@pytest.mark.parametrize(
    "pictures",
    [
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 1), np.float32),
        np.zeros((0, 8, 8, 1), np.uint8),
    ],
)
def test_pictures_of_another_kind_are_refused(pictures: np.ndarray) -> None:
    network = quadrant_network()
    with pytest.raises(BadInput, match=r"images of|no image"):
        network.probabilities(pictures)
    with pytest.raises(BadInput, match=r"images of|no image"):
        explain(network, pictures, np.zeros(len(pictures), int))


def specify(dataset, strategy: str, **overrides) -> TrainingSpec:
    return TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy,
        settings=find_strategy(strategy).resolve("quick", overrides),
        image_size=SIZES.get(strategy, 32),
        split={"test": 0.3, "validation": 0.1},
        precision="float32",
    )


def random_start(spec: TrainingSpec, dataset) -> dict[str, np.ndarray]:
    """Weights of the right shapes, none of them zero, as if they had been trained."""
    shape = (min(40, spec.image_size),) * 2 + (3,)
    no_mean = (0.0, 0.0, 0.0)
    context = BuildContext(shape, spec.image_size, len(dataset.classes), spec.settings, no_mean)
    main = build_plan(find_strategy(spec.strategy), context).stages[-1]
    random = np.random.default_rng(5)
    return {
        variable.path: np.array(variable) + random.normal(0, 0.01, variable.shape).astype("float32")
        for variable in main.changed_variables
    }


@pytest.mark.parametrize(
    ("strategy", "overrides"),
    [(name, {}) for name in WITH_CONVOLUTIONS] + [("vgg16_freeze", {"head": "fc", "k": 19})],
)
@pytest.mark.usefixtures("random_weights", "stand_in")
def test_every_network_with_convolutions_is_opened_at_the_last(
    tiny_dataset, strategy: str, overrides: dict
) -> None:
    spec = specify(tiny_dataset, strategy, **overrides)
    restored = restored_model(spec, random_start(spec, tiny_dataset), tiny_dataset)
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (2, *restored.image_shape), dtype=np.uint8)
    steps = steps_of(restored.model)
    outputs = run_steps(steps, {IMAGES: keras.ops.convert_to_tensor(pictures)})
    assert list(outputs) == [len(steps) - 1]
    walked = np.asarray(outputs[len(steps) - 1])
    np.testing.assert_allclose(walked, restored.probabilities(pictures), rtol=0, atol=2e-6)

    maps = explain(restored, pictures, walked.argmax(axis=1))
    whole = find_strategy(strategy).include_top(spec.settings)
    side = SIDES.get(strategy.split("_")[0], 14 if whole else 2)
    assert maps.shape == (2, side, side)
    assert np.isfinite(maps).all()
    assert set(maps.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}


def test_only_majority_and_the_mlp_have_no_convolutions() -> None:
    without = [name for name, strategy in STRATEGIES.items() if not strategy.convolutional]
    assert without == ["majority", "mlp"]


def test_the_mlp_has_no_place_to_look_at(tiny_dataset) -> None:
    spec = specify(tiny_dataset, "mlp", hidden_width=8)
    restored = restored_model(spec, random_start(spec, tiny_dataset), tiny_dataset)
    pictures = np.zeros((1, *restored.image_shape), np.uint8)
    with pytest.raises(BadInput, match="mlp has no convolutional layer"):
        explain(restored, pictures, np.array([0]))


def test_majority_has_no_network(tiny_dataset) -> None:
    with pytest.raises(BadInput, match="Majority class has no network"):
        restored_model(specify(tiny_dataset, "majority"), {}, tiny_dataset)


def test_the_names_of_kept_weights_do_not_depend_on_what_was_built_before(tiny_dataset) -> None:
    spec = specify(tiny_dataset, "mlp", hidden_width=8, hidden_layers=2)
    first, second = random_start(spec, tiny_dataset), random_start(spec, tiny_dataset)
    layers = ("mlp/dense_1", "mlp/dense_2", "mlp/predictions")
    assert list(first) == [f"{layer}/{part}" for layer in layers for part in ("kernel", "bias")]
    assert list(second) == list(first)
    spec = specify(tiny_dataset, "cnn")
    layers = (
        *(f"cnn/convolution_{place}" for place in (1, 2, 3)),
        "cnn/dense_1",
        "cnn/predictions",
    )
    assert list(random_start(spec, tiny_dataset)) == [
        f"{layer}/{part}" for layer in layers for part in ("kernel", "bias")
    ]


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_that_do_not_fit_are_refused(tiny_dataset, change: str) -> None:
    spec = specify(tiny_dataset, "mlp", hidden_width=8)
    kept = random_start(spec, tiny_dataset)
    if change == "missing":
        del kept["mlp/dense_1/bias"]
    elif change == "extra":
        kept["mlp/dense_9/bias"] = np.zeros(1, np.float32)
    else:
        kept["mlp/dense_1/bias"] = np.zeros(9, np.float32)
    with pytest.raises(StoreError, match=r"kept weights do not fit MLP.*\(mlp/dense_[19]/bias\)"):
        restored_model(spec, kept, tiny_dataset)


def branched_network() -> RestoredModel:
    """A residual block of layer records: the sum of a convolution and what went into it."""
    picture = image_layer("RescaleToUnit", "rescale_to_unit", 8)
    first = convolution(picture, "first", 4, kernel=3)
    second = convolution(first, "second", 4, kernel=3)
    total = LayerRecord("total", "Add", second.output, inputs=("first", "second"))
    records = (picture, first, second, total, flatten(total), softmax(flatten(total), 3))
    keras.utils.set_random_seed(3)
    return RestoredModel("branched", build_network(records, (8, 8, 1), "branched"))


def test_a_network_that_branches_is_explained_at_the_sum() -> None:
    """The gradient of the logit at the sum is the classifier's own column for that class."""
    network = branched_network()
    pictures = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    maps = explain(network, pictures, np.array([0, 2]))
    model = network.model
    sums = keras.Model(model.inputs, model.get_layer("total").output).predict_on_batch(pictures)
    kernel = np.array(model.get_layer("predictions").kernel).reshape(8, 8, 4, 3)
    expected = heat_maps_of(sums, np.stack([kernel[..., 0], kernel[..., 2]]))
    assert maps.max() == 1.0
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_a_network_of_keras_applications_is_explained() -> None:
    """MobileNetV2 adds, normalises and convolves depth by depth; the last map is 1 by 1."""
    keras.utils.set_random_seed(4)
    base = keras.applications.MobileNetV2(
        input_shape=(64, 64, 3), alpha=0.35, include_top=False, weights=None
    )
    images = keras.Input((64, 64, 3), dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D()(base(keras.layers.Rescaling(1 / 128)(images)))
    outputs = keras.layers.Dense(3, activation="softmax", name="predictions")(pooled)
    network = RestoredModel("mobilenet", keras.Model(images, outputs))
    pictures = np.random.default_rng(2).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    steps = steps_of(network.model)
    assert sum(len(step.inputs) > 1 for step in steps) == 10  # its residual sums
    maps = explain(network, pictures, np.array([0, 1]))
    assert maps.shape == (2, 2, 2)
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_maps(backend: str) -> None:
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    code = """
import numpy as np, keras
from tests.networks.test_explain import bright_quadrants, explain, quadrant_network
one, two = explain(quadrant_network(), bright_quadrants(0, 1), np.array([0, 1]))
print(keras.backend.backend(), one[:4, :4].min(), one.sum(), two[:4, 4:].min(), two.sum())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"KERAS_BACKEND": backend},
    )
    assert done.stdout.split() == [backend, "1.0", "16.0", "1.0", "16.0"], done.stderr[-2000:]

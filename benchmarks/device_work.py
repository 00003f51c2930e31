"""What a device can do at most, and what extraction and training get out of it, on the backend that
is installed. A part of ``benchmarks.bench_gpu``, in a process of its own:

    KERAS_BACKEND=jax python -m benchmarks.device_work extract '{"tiny": true, "seconds": 60}'

Needs Keras, its backend, and what the engine reads and checks with: Pillow, pydantic, psutil,
filelock. Images are random pixels in memory. Weights are those of this machine, or random ones of
the same shapes where it has none: the work is the same. Clocks are read when the device has done
all that it was given. The last line of output is the result as JSON.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from benchmarks.scratch import InMemoryImages, linked_home
from benchmarks.training_contestants import float32_stage, main_stage

BACKBONES = ("vgg16", "efficientnet_lite0", "squeezenet")
STRATEGIES = ("mlp", "cnn", "vgg16_freeze", "vgg16_finetune")
CLASSES, EPOCHS = 16, 4
MOST_SECONDS = 15.0  # of all rounds of one measurement
Call = Callable[[Any], Any]


@dataclass(frozen=True)
class Sizes:
    """``large_batch``: a second batch size on the device, for one that wants more work at once.

    ``seconds``: how long a round lasts at least, so that starting it does not count.
    """

    matrix: int
    sides: tuple[int, ...]
    images: int
    batch: int
    large_batch: int
    train_images: int
    rounds: int
    seconds: float


ON_GPU = Sizes(8192, (224, 96), 4096, 32, 256, 4096, 5, 0.5)
TINY = Sizes(512, (64,), 16, 4, 8, 32, 2, 0.05)


# The three backends ----------------------------------------------------------------------------


def backend() -> str:
    import keras

    return str(keras.backend.backend())


def to_device(array: np.ndarray) -> Any:
    """Start the copy; JAX and PyTorch return before it is over."""
    if backend() == "jax":
        import jax

        return jax.device_put(array)
    if backend() == "torch":
        import torch

        tensor = torch.from_numpy(array)
        if not torch.cuda.is_available():
            return tensor
        return tensor.pin_memory().to("cuda", non_blocking=True)
    import tensorflow

    with tensorflow.device("GPU:0" if tensorflow.config.list_logical_devices("GPU") else "CPU:0"):
        return tensorflow.identity(tensorflow.constant(array))


def wait_for(value: Any) -> None:
    """Until the device has done all its work, that which gives ``value`` included."""
    if backend() == "jax":
        import jax

        jax.block_until_ready(value)
    elif backend() == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
    else:
        import tensorflow

        tensorflow.test.experimental.sync_devices()


def compiled(function: Call, with_xla: bool) -> Call:
    """``function`` of one tensor as its backend runs it fastest: PyTorch as it is, as the engine
    leaves its compiler off."""
    if backend() == "jax":
        import jax

        return jax.jit(function)
    if backend() == "torch":
        import torch

        return torch.no_grad()(function)
    import tensorflow

    return tensorflow.function(function, jit_compile=with_xla, autograph=False)


def forward(model: Any, with_xla: bool) -> Call:
    """The compiled call of ``model`` on what lies on the device; it returns before it is over."""
    if backend() != "jax":
        return compiled(lambda batch: model(batch, training=False), with_xla)
    trained = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    import jax

    call = jax.jit(lambda a, b, batch: model.stateless_call(a, b, batch, training=False)[0])
    return lambda batch: call(trained, others, batch)


def training_step(model: Any, loss: Any, with_xla: bool) -> Call:
    """One step on ``(images, labels)`` that lie on the device; nothing is waited for or counted."""
    if backend() == "torch":
        return model.train_step  # type: ignore[no-any-return]
    if backend() == "tensorflow":
        return compiled(model.train_step, with_xla)
    import jax
    import keras

    loss_function = keras.losses.get(loss)

    def loss_of(trained: Any, others: Any, data: Any) -> Any:
        found, others = model.stateless_call(trained, others, data[0], training=True)
        return keras.ops.mean(loss_function(data[1], found)), others

    def step(state: Any, data: Any) -> Any:
        trained, others, moments = state
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (value, others), slopes = gradient(trained, others, data)
        trained, moments = model.optimizer.stateless_apply(moments, slopes, trained)
        return value, (trained, others, moments)

    run = jax.jit(step, donate_argnums=0)
    state = tuple(
        [variable.value for variable in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
    )

    def call(data: Any) -> Any:
        nonlocal state
        value, state = run(state, data)
        return value

    return call


# Clocks ----------------------------------------------------------------------------------------


def rates(call: Callable[[], Any], each: int, sizes: Sizes) -> dict[str, Any]:
    """How many of ``each`` a second: the median of some rounds of calls, one after another, whose
    end is waited for. The first call compiles, the second tells how many there can be."""
    wait_for(call())
    started = time.perf_counter()
    wait_for(call())
    once = time.perf_counter() - started
    calls = max(1, round(sizes.seconds / once))
    found = []
    for _ in range(max(1, min(sizes.rounds, round(MOST_SECONDS / once)))):
        started = time.perf_counter()
        for _ in range(calls):
            last = call()
        wait_for(last)
        found.append(calls * each / (time.perf_counter() - started))
    return {"median": rounded(statistics.median(found)), "rounds": [rounded(one) for one in found]}


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


class Deadline:
    """What begins after it is left out, by name."""

    def __init__(self, seconds: float) -> None:
        self._until = time.perf_counter() + seconds
        self.left_out: dict[str, str] = {}

    def allows(self, name: str) -> bool:
        if time.perf_counter() < self._until:
            return True
        self.left_out[name] = "the time was over"
        return False


# The limit -------------------------------------------------------------------------------------


def measure_limit(sizes: Sizes, deadline: Deadline) -> dict[str, Any]:
    """Multiply-adds a second of a product of two square matrices, by precision."""
    from keras import ops

    policy, found = chosen_policy(), {}
    drawn = np.random.default_rng(0).standard_normal((2, sizes.matrix, sizes.matrix), np.float32)
    for precision in dict.fromkeys((policy.precision, "float32")):
        if not deadline.allows(precision):
            continue
        kind = precision.removeprefix("mixed_")
        left, right = (ops.cast(to_device(one), kind) for one in drawn)
        product = compiled(lambda one, other=right: ops.matmul(one, other), policy.compile_with_xla)
        rate = rates(lambda one=left, call=product: call(one), sizes.matrix**3, sizes)
        # The fastest round: a limit is what can be reached.
        found[precision] = {"multiply_adds_per_second": max(rate["rounds"]), **rate}
    return {"matrix": sizes.matrix, "results": found}


# Extraction ------------------------------------------------------------------------------------


def measure_extraction(sizes: Sizes, deadline: Deadline) -> dict[str, Any]:
    found = []
    with linked_home(*available_weights()):
        for side in sizes.sides:
            for name in BACKBONES:
                if deadline.allows(f"extraction, {name}, {side} px"):
                    found.append(extraction(name, side, sizes, deadline))
    return {"images": sizes.images, "results": found}


def extraction(name: str, side: int, sizes: Sizes, deadline: Deadline) -> dict[str, Any]:
    """Images a second of a backbone. ``on_device``: pixels lie on the device, features stay there.
    ``copied``: pixels and features are copied while the device computes. ``ours``: batch after
    batch, as the engine does it. ``keras_predict``: ``model.predict`` in float32."""
    from core.backbones.backend import load_keras
    from core.backbones.features import FeatureRequest, build_extractor, extract_features
    from core.backbones.registry import find_backbone
    from core.networks.graph import multiply_adds

    load_keras()
    policy, backbone = chosen_policy(), find_backbone(name)
    request = FeatureRequest(
        *(backbone, False, side, backbone.preparation.mean_rgb),
        *(policy.backbone_precision(backbone), policy.compile_with_xla, sizes.batch),
        made_on=policy.made_on,
        pooled=name != "vgg16",
    )
    images = InMemoryImages.random(sizes.images, side, seed=0)
    model = build_extractor(request, images.shape[1:])
    call = forward(model, request.jit)
    rate: dict[str, Any] = {}
    for size in (sizes.batch, sizes.large_batch):
        key = f"{name}, {side} px, batch of {size}"
        if not deadline.allows(key):
            continue
        parts = np.array_split(images.pixels, sizes.images // size)
        batch = to_device(parts[0])
        rate[f"on_device, batch of {size}"] = rates(lambda: call(batch), size, sizes)  # noqa: B023
        rate[f"copied, batch of {size}"] = whole_rounds(lambda: overlapped(call, parts), sizes)  # noqa: B023
    parts = np.array_split(images.pixels, sizes.images // sizes.batch)
    rate["ours"] = whole_rounds(lambda: [model.predict_on_batch(part) for part in parts], sizes)
    if deadline.allows(f"{name}, {side} px, features to disk"):
        started = time.perf_counter()
        extract_features(images, request, np.arange(sizes.images))
        rate["to_disk_seconds"] = rounded(time.perf_counter() - started)
    if deadline.allows(f"{name}, {side} px, keras_predict"):
        plain = build_extractor(replace(request, precision="float32"), images.shape[1:])
        plain.compile()  # as it is without our choices
        given = images.pixels[: max(sizes.batch, sizes.images // 4)]
        plain.predict(given, verbose=0)
        rate["keras_predict"] = whole_rounds(
            lambda: plain.predict(given, verbose=0), replace(sizes, images=len(given))
        )
    return {
        "backbone": name,
        "side": side,
        "precision": request.precision,
        "multiply_adds": multiply_adds(model),
        "images_per_second": rate,
    }


def whole_rounds(job: Callable[[], Any], sizes: Sizes) -> dict[str, Any]:
    """Images a second of a job that takes all images and leaves nothing to wait for."""
    return rates(job, sizes.images, replace(sizes, seconds=0.0))


def overlapped(call: Call, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """All features: the next batch is on its way before those of the last one are read."""
    from keras import ops

    found, waiting = [], None
    for pixels in parts:
        started = call(to_device(pixels))
        if waiting is not None:
            found.append(ops.convert_to_numpy(waiting))
        waiting = started
    return [*found, ops.convert_to_numpy(waiting)]


# Training --------------------------------------------------------------------------------------


def measure_steps(sizes: Sizes, deadline: Deadline) -> dict[str, Any]:
    found = []
    with linked_home(*available_weights()):
        for side in reversed(sizes.sides):
            for name in STRATEGIES:
                if deadline.allows(f"training, {name}, {side} px"):
                    found.append(steps(name, side, sizes, deadline))
    return {"images": sizes.train_images, "results": found}


def steps(name: str, side: int, sizes: Sizes, deadline: Deadline) -> dict[str, Any]:
    """Images a second of the main stage of a strategy. ``on_device``: steps on a batch that lies
    there, one after another. ``ours``: steady epochs of the engine. ``keras_fit``: ``fit`` in
    float32."""
    from core.backbones.backend import dtype_policy
    from core.strategies.registry import find_strategy
    from core.training.events import EpochRecord
    from core.training.fitting import Fitting, TrainingData

    strategy, policy = find_strategy(name), chosen_policy()
    settings = strategy.resolve("quick")
    count = sizes.train_images
    images = InMemoryImages.random(count, side, seed=0)
    labels = (np.arange(count) % CLASSES).astype(np.int32)
    data = TrainingData(images, labels, np.arange(count), np.arange(min(count, CLASSES)))
    rate: dict[str, Any] = {}
    with dtype_policy(policy.precision):
        stage = main_stage(name, settings, side, CLASSES, policy)
        options = replace(stage.options, epochs=EPOCHS, patience=0)
        fitting = Fitting(name, 0, policy.compile_with_xla, lambda: False)
        events = list(fitting.fit(replace(stage, options=options), data))
        epochs = [event.train_seconds for event in events if isinstance(event, EpochRecord)]
        rate["ours"] = {
            "median": rounded(count / statistics.median(epochs[1:])),
            "rounds": [rounded(count / seconds) for seconds in epochs[1:]],
        }
        # One for all sizes: with JAX it takes the weights over, and the model has them no more.
        step = training_step(stage.model, stage.model.loss, policy.compile_with_xla)
        for size in dict.fromkeys((options.batch_size, max(options.batch_size, sizes.large_batch))):
            if not deadline.allows(f"{name}, {side} px, batch of {size}"):
                continue
            chosen = np.arange(size) % count
            batch = (to_device(images.pixels[chosen]), to_device(labels[chosen]))
            key = f"on_device, batch of {size}"
            rate[key] = rates(lambda: step(batch), size, sizes)  # noqa: B023
    if deadline.allows(f"{name}, {side} px, keras_fit"):
        plain = float32_stage(name, settings, side, CLASSES, count).model
        plain.compile(plain.optimizer, plain.loss, metrics=["accuracy"])
        given = {"batch_size": options.batch_size, "verbose": 0}
        rate["keras_fit"] = whole_rounds(
            lambda: plain.fit(images.pixels, labels, **given), replace(sizes, images=count)
        )
    return {
        "strategy": name,
        "side": side,
        "precision": policy.precision,
        "batch_size": options.batch_size,
        "multiply_adds": training_multiply_adds(stage.model),
        "images_per_second": rate,
    }


def training_multiply_adds(model: Any) -> int:
    """Of one step on one image: forwards; the gradients of trained kernels; and those of the
    inputs of all layers after the first trained one."""
    from core.networks.graph import steps_of

    total, is_below = 0, True
    for step in steps_of(model):
        if not hasattr(step.layer, "kernel"):
            continue
        forwards = prod(step.layer.kernel.shape) * prod(step.layer.output.shape[1:-1])
        total += forwards
        if step.layer.trainable:
            total += forwards
        if not is_below:
            total += forwards
        is_below = is_below and not step.layer.trainable
    return total


# What is there ---------------------------------------------------------------------------------


def chosen_policy() -> Any:
    from core.backbones.backend import load_keras
    from core.training.policy import choose_policy

    load_keras()
    return choose_policy()


def available_weights() -> list[Any]:
    """Files of the backbones' weights on this machine; for those that it lacks, random arrays are
    loaded from here on."""
    from core.backbones.registry import find_backbone
    from core.backbones.weights import access

    states = {name: access.status_of(find_backbone(name).weight_set(False)) for name in BACKBONES}
    load = access.load_weights

    def load_or_draw(weight_set: Any) -> dict[str, np.ndarray]:
        is_there = states[weight_set.backbone].available
        return load(weight_set) if is_there else random_weights(weight_set)

    access.load_weights = load_or_draw
    return [status.path for status in states.values() if status.available]


def random_weights(weight_set: Any) -> dict[str, np.ndarray]:
    """Kernels as He et al. scale them, batch normalisation that changes nothing, biases 0."""
    random, found = np.random.default_rng(0), {}
    for name, entry in weight_set.arrays.items():
        scale = np.sqrt(2 / prod(entry.shape[:-1])) if len(entry.shape) == 4 else 0.0
        drawn = random.standard_normal(entry.shape, np.float32) * np.float32(scale)
        found[name] = drawn + float(name.endswith(("/gamma", "/moving_variance")))
    return found


def describe() -> dict[str, Any]:
    from core.backbones.registry import find_backbone
    from core.backbones.weights import access
    from core.training.policy import library_versions

    policy = chosen_policy()
    states = {name: access.status_of(find_backbone(name).weight_set(False)) for name in BACKBONES}
    return {
        "backend": policy.backend,
        "device": policy.device,
        "gpu": policy.device if policy.kind == "gpu" else None,
        "precision": policy.precision,
        "xla": policy.compile_with_xla,
        "weights": {name: "real" if one.available else "random" for name, one in states.items()},
        "versions": library_versions(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


PARTS: dict[str, Callable[[Sizes, Deadline], dict[str, Any]]] = {
    "limit": measure_limit,
    "extract": measure_extraction,
    "steps": measure_steps,
}


def main() -> None:
    part, options = sys.argv[1], json.loads(sys.argv[2])
    if part == "describe":
        found = describe()
    else:
        deadline = Deadline(options["seconds"])
        found = PARTS[part](TINY if options["tiny"] else ON_GPU, deadline)
        found["left_out"] = deadline.left_out
    print(json.dumps(found))


if __name__ == "__main__":
    main()

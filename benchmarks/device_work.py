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
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from benchmarks.on_device import (
    Call,
    Deadline,
    Sizes,
    compiled,
    forward,
    rates,
    rounded,
    to_device,
    training_step,
)
from benchmarks.scratch import InMemoryImages, linked_home
from benchmarks.training_contestants import float32_stage, main_stage

BACKBONES = ("vgg16", "efficientnet_lite0", "squeezenet")
STRATEGIES = ("mlp", "cnn", "vgg16_freeze", "vgg16_finetune")
CLASSES, EPOCHS = 16, 4

ON_GPU = Sizes(8192, (224, 96), 4096, 32, 256, 4096, 5, 0.5)
TINY = Sizes(512, (64,), 16, 4, 8, 32, 2, 0.05)


# The limit -------------------------------------------------------------------------------------


def measure_limit(sizes: Sizes, deadline: Deadline) -> dict[str, Any]:
    """Multiply-adds a second of a product of two square matrices, by precision."""
    from keras import ops

    policy, found = chosen_policy(), {}
    product = compiled(lambda left, right: ops.matmul(left, right), policy.compile_with_xla)
    drawn = np.random.default_rng(0).standard_normal((2, sizes.matrix, sizes.matrix), np.float32)
    for precision in dict.fromkeys((policy.precision, "float32")):
        if not deadline.allows(f"limit, {precision}"):
            continue
        kind = precision.removeprefix("mixed_")
        pair = [ops.cast(to_device(one), kind) for one in drawn]
        rate = rates(partial(product, *pair), sizes.matrix**3, sizes)
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
    ``copied``: pixels and features are copied while the device computes. ``ours_in_memory``:
    batch after batch, as the engine does it. ``keras_predict``: ``model.predict`` in float32."""
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
    rate["ours_in_memory"] = whole_rounds(
        lambda: [model.predict_on_batch(part) for part in parts], sizes
    )
    if deadline.allows(f"{name}, {side} px, features to disk"):
        started = time.perf_counter()
        extract_features(images, request, np.arange(sizes.images))
        rate["to_disk_seconds"] = rounded(time.perf_counter() - started)
    if deadline.allows(f"{name}, {side} px, keras_predict"):
        plain = build_extractor(replace(request, precision="float32"), images.shape[1:])
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
    images: Any = InMemoryImages.random(count, side, seed=0)
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

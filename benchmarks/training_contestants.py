"""Contestants that train: epochs of a network on images, or of a head on features, by the engine
and by its peers.

Started by ``benchmarks.contestants``. Nothing of ``core`` is imported for peers.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

Job = Callable[[], dict[str, Any]]


def _training_spec(options: dict[str, Any], precision: str) -> tuple[Any, Any]:
    from core.datasets.storage import open_dataset
    from core.strategies.registry import find_strategy
    from core.training.spec import TrainingSpec

    dataset, strategy = open_dataset("themes16"), find_strategy(options["strategy"])
    settings = strategy.resolve("quick", {"batch_size": options["batch_size"]})
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy.name,
        settings=settings,
        image_size=options["side"],
        precision=precision,
        train_share=options["train_share"],
    )
    return spec, dataset


def our_steps(options: dict[str, Any]) -> Job:
    """Steady epochs of the engine, as ``runs remeasure`` takes them."""
    from core.training import engine
    from core.training.events import EpochRecord

    spec, dataset = _training_spec(options, "auto")
    split = spec.subsets_of(dataset)
    engine.EPOCHS_AGAIN = 1_000_000
    events = engine.measure_again(spec, dataset, split)
    epochs = (event for event in events if isinstance(event, EpochRecord))
    next(epochs)
    return lambda: {"seconds": next(epochs).train_seconds, "images": len(split.train)}


def main_stage(name: str, settings: Any, side: int, classes: int, policy: Any) -> Any:
    """The network of a strategy that is trained on images of ``side`` pixels, under the current
    dtype policy."""
    from core.strategies.network import BuildContext, build_plan
    from core.strategies.registry import find_strategy

    strategy = find_strategy(name)
    backbone = strategy.backbone
    mean = backbone.preparation.mean_rgb if backbone else (0.0, 0.0, 0.0)
    precision = policy.backbone_precision(backbone) if backbone else None
    context = BuildContext((side, side, 3), side, classes, settings, mean, precision)
    return build_plan(strategy, context).stages[-1]


def float32_stage(name: str, settings: Any, side: int, classes: int, images: int) -> Any:
    """The same in float32, compiled for ``fit`` on so many ``images``, with XLA where it pays."""
    from core.backbones.backend import load_keras
    from core.training.optimisation import loss_of, optimizer_of
    from core.training.policy import choose_policy

    load_keras()
    policy = choose_policy("float32")
    stage = main_stage(name, settings, side, classes, policy)
    stage.model.compile(
        optimizer_of(stage.options, images),
        loss_of(stage.options),
        metrics=["accuracy"],
        jit_compile=policy.compile_with_xla,
    )
    return stage


def fit_steps(options: dict[str, Any]) -> Job:
    """The same network, optimiser and batches in float32, by ``model.fit``."""
    from core.backbones.backend import load_keras
    from core.datasets.prepare import prepare_images

    keras = load_keras()
    spec, dataset = _training_spec(options, "float32")
    train = spec.subsets_of(dataset).train
    arguments = (spec.strategy, spec.settings, spec.image_size, len(dataset.classes), len(train))
    model = float32_stage(*arguments).model
    pixels, labels = prepare_images(dataset, spec.image_size).take(train), dataset.labels[train]

    marks: list[float] = []

    def note(*_: Any) -> None:
        marks.append(time.perf_counter())

    clock = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)
    given = {"batch_size": options["batch_size"], "verbose": 0, "callbacks": [clock]}
    model.fit(pixels, labels, epochs=1, **given)

    def job() -> dict[str, Any]:
        # The first epoch of a call sets up its data; the second is steady.
        model.fit(pixels, labels, epochs=2, **given)
        return {"seconds": marks[-1] - marks[-2], "images": len(train)}

    return job


def torch_steps(options: dict[str, Any]) -> Job:
    """The layers that ``options["layers"]`` lists, in PyTorch, channels last, on random images.

    A layer is ``[kind, frozen, numbers]``; what is frozen needs no gradient.
    """
    import torch as library

    library.set_num_threads(os.cpu_count() or 1)
    library.manual_seed(0)
    network = _torch_network(options["layers"]).to(memory_format=library.channels_last)
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = {"sgd": library.optim.SGD, "adam": library.optim.Adam}[options["optimizer"]]
    stepper = optimiser(trained, lr=1e-4)
    side, size, count = options["side"], options["batch_size"], options["images"]
    images = library.randint(0, 256, (count, 3, side, side), dtype=library.uint8)
    labels = library.randint(0, options["classes"], (count,))
    is_half = options["precision"] == "bfloat16"
    if options["compiled"]:
        network = library.compile(network)

    def step(chosen: Any) -> float:
        batch = images[chosen].float().div(255).contiguous(memory_format=library.channels_last)
        with library.autocast("cpu", library.bfloat16, is_half):
            loss = library.nn.functional.cross_entropy(network(batch).float(), labels[chosen])
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        return loss.item()

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        for chosen in library.randperm(count).split(size):
            step(chosen)
        return {"seconds": time.perf_counter() - started, "images": count}

    step(library.arange(size))
    return job


def _torch_network(layers: list[tuple[str, bool, dict[str, int]]]) -> Any:
    from torch import nn

    makers: dict[str, Callable[[dict[str, int]], list[Any]]] = {
        "Conv2D": lambda n: [
            nn.Conv2d(n["channels"], n["filters"], n["kernel"], padding="same"),
            nn.ReLU(),
        ],
        "MaxPooling2D": lambda n: [nn.MaxPool2d(n["pool"])],
        "Flatten": lambda _: [nn.Flatten()],
        "Dropout": lambda _: [nn.Dropout()],
        "Dense": lambda n: [nn.Linear(n["width"], n["units"]), nn.ReLU()],
    }
    made: list[Any] = []
    for kind, is_frozen, numbers in layers:
        for module in makers[kind](numbers):
            module.requires_grad_(not is_frozen)
            made.append(module)
    return nn.Sequential(*made[:-1])  # the loss takes what comes before the last activation


# A head on cached features -----------------------------------------------------------------------

ROWS_AT_ONCE = 1024  # 100 MB of flattened VGG16 features


def our_head(options: dict[str, Any]) -> Job:
    """Epochs of the linear probe on VGG16's features in the cache."""
    from benchmarks.feature_shards import identity_of, labels_of
    from core.backbones.backend import dtype_policy, load_keras
    from core.backbones.feature_cache import find_stored, key_of
    from core.strategies.registry import find_strategy
    from core.training.events import EpochRecord
    from core.training.fitting import Fitting, TrainingData
    from core.training.policy import choose_policy

    load_keras()
    policy, count = choose_policy(), options["images"]
    settings = find_strategy("vgg16_probe").resolve("quick", {"batch_size": options["batch_size"]})
    found: Any = find_stored(key_of(identity_of(count, "shards")), np.arange(count))
    labels, few = labels_of(count), np.arange(0, count, max(1, count // 100))
    with dtype_policy(policy.precision):
        stage = main_stage("vgg16_probe", settings, options["side"], options["classes"], policy)
        endless = replace(stage, options=replace(stage.options, epochs=1_000_000, patience=0))
        fitting = Fitting("head", 0, policy.compile_with_xla, lambda: False)
        events = fitting.fit(endless, TrainingData(found, labels, np.arange(count), few))
        epochs = (event for event in events if isinstance(event, EpochRecord))
        next(epochs)
    return lambda: {"seconds": next(epochs).train_seconds, "images": count}


def feature_files(options: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Rows (mapped, float16) and labels of each file."""
    return [
        (np.load(rows, mmap_mode="r"), np.load(labels)) for rows, labels in options["feature_files"]
    ]


def as_the_probe_sees(rows: Any) -> Any:
    """Square roots of length 1, float32."""
    found = np.sqrt(rows, dtype=np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def sklearn_head(options: dict[str, Any]) -> Job:
    """scikit-learn's way for what does not fit into memory: ``partial_fit``, once through all."""
    from sklearn.linear_model import SGDClassifier

    model, files = SGDClassifier("log_loss", random_state=0, n_jobs=-1), feature_files(options)

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        for rows, labels in files:
            order = np.random.default_rng(0).permutation(len(labels))
            for chosen in np.array_split(order, -(-len(order) // ROWS_AT_ONCE)):
                batch = as_the_probe_sees(rows[np.sort(chosen)])
                model.partial_fit(batch, labels[np.sort(chosen)], np.arange(options["classes"]))
        return {"seconds": time.perf_counter() - started, "images": options["images"]}

    return job


def torch_head(options: dict[str, Any]) -> Job:
    """A linear layer in PyTorch with Adam, on batches gathered from the mapped files."""
    import torch as library

    library.set_num_threads(os.cpu_count() or 1)
    files = feature_files(options)
    width, size = files[0][0].shape[1], options["batch_size"]
    network = library.nn.Linear(width, options["classes"])
    stepper = library.optim.Adam(network.parameters(), lr=2e-3)
    starts = np.cumsum([0, *(len(labels) for _, labels in files)])

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        order = np.random.default_rng(0).permutation(starts[-1])
        for first in range(0, len(order), size):
            chosen = np.sort(order[first : first + size])
            of_file = np.searchsorted(starts, chosen, "right") - 1
            parts = [
                (rows[chosen[of_file == n] - starts[n]], labels[chosen[of_file == n] - starts[n]])
                for n, (rows, labels) in enumerate(files)
                if (of_file == n).any()
            ]
            batch = as_the_probe_sees(np.concatenate([rows for rows, _ in parts]))
            wanted = library.from_numpy(np.concatenate([labels for _, labels in parts])).long()
            loss = library.nn.functional.cross_entropy(network(library.from_numpy(batch)), wanted)
            stepper.zero_grad()
            loss.backward()
            stepper.step()
        return {"seconds": time.perf_counter() - started, "images": options["images"]}

    return job


def page_cache(options: dict[str, Any]) -> Job:
    """Not a head: every file read once, from the page cache after the first time."""
    buffer = bytearray(8 << 20)

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        for rows, _ in options["feature_files"]:
            with open(rows, "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass
        return {"seconds": time.perf_counter() - started, "images": options["images"]}

    job()
    return job


KINDS: dict[str, Callable[[dict[str, Any]], Job]] = {
    each.__name__: each
    for each in (
        *(our_steps, fit_steps, torch_steps),
        *(our_head, sklearn_head, torch_head, page_cache),
    )
}

"""One way to do a job, in a process of its own, as ``benchmarks.bench`` sets it against the others.

    python benchmarks/contestants.py '{"kind": "onnxruntime", "job": "extract", ...}'

It loads and warms up, prints ``ready``, does the job once for each line that it reads, and prints
what that took as JSON; at the end of its input it ends. Peers run in an environment of their own
(``requirements-peers.txt``), without Headstart: nothing of ``core`` is imported for them, and no
library before the kind that needs it.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Features = Callable[[np.ndarray], np.ndarray]
"""uint8 ``(n, side, side, 3)`` to float32 ``(n, width)``."""
Job = Callable[[], dict[str, Any]]


# From JPEG files to features on disk -----------------------------------------------------------


def jpegs(options: dict[str, Any]) -> list[Path]:
    """In order, as many of them as this contestant can do in some seconds."""
    return sorted(Path(options["images"]).glob("*/*.jpg"))[: options.get("most_images")]


def read_jpegs(paths: list[Path]) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])


def in_batches(paths: list[Path], size: int) -> Iterator[np.ndarray]:
    """The pixels of ``paths``, the next batch being read while the last one is used."""
    parts = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(read_jpegs, parts[0])
        for following in [*parts[1:], None]:
            pixels = waiting.result()
            if following is not None:
                waiting = reader.submit(read_jpegs, following)
            yield pixels


def extraction(features_of: Features, options: dict[str, Any]) -> Job:
    paths, output, size = jpegs(options), Path(options["output"]), options["batch_size"]
    features_of(read_jpegs(paths[:size]))

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        found = np.concatenate([features_of(pixels) for pixels in in_batches(paths, size)])
        np.save(output, found.astype(np.float16))
        return {"seconds": time.perf_counter() - started, "images": len(found)}

    return job


def tutorial(options: dict[str, Any]) -> Job:
    """As tutorials do it: all images in memory, and ``model.predict``."""
    model, paths = extractor(options, "float32"), jpegs(options)
    model.predict(read_jpegs(paths[:32]), verbose=0)

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        found = model.predict(read_jpegs(paths), verbose=0)
        np.save(options["output"], found)
        return {"seconds": time.perf_counter() - started, "images": len(found)}

    return job


def keras_call(options: dict[str, Any]) -> Job:
    return extraction(extractor(options, "float32").predict_on_batch, options)


def _request(options: dict[str, Any], precision: str) -> Any:
    from core.backbones.features import FeatureRequest
    from core.backbones.registry import find_backbone

    backbone = find_backbone(options["backbone"])
    return FeatureRequest(
        *(backbone, False, options["side"], backbone.preparation.mean_rgb),
        *(precision, False, options["batch_size"]),
        pooled=backbone.name != "vgg16",
    )


def _our_precision() -> str:
    from core.training.policy import choose_policy

    return choose_policy().precision


def extractor(options: dict[str, Any], precision: str, as_published: bool = True) -> Any:
    from core.backbones.backend import load_keras
    from core.backbones.features import build_extractor

    load_keras()
    side = options["side"]
    return build_extractor(_request(options, precision), (side, side, 3), as_published)


def ours(options: dict[str, Any]) -> Job:
    """What a run does: it reads the dataset's JPEGs, keeps the pixels, and then the features.

    The dataset was added before, as it is for every run; adding is the benchmark ``ingest``.
    """
    from core.backbones import features
    from core.backbones.backend import load_keras
    from core.backbones.feature_cache import features_folder
    from core.datasets.prepare import prepare_images
    from core.datasets.storage import open_dataset

    load_keras()
    dataset, precision = open_dataset(options["dataset"]), _our_precision()
    request = _request(options, precision)
    # Built before the clock runs, as the networks of all are; a run takes 0.3 to 1 s for it once.
    features.build_extractor = cache(features.build_extractor)

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        prepared = prepare_images(dataset, options["side"])
        found = features.extract_features(prepared, request, np.arange(prepared.shape[0]))
        seconds = time.perf_counter() - started
        np.save(options["output"], found.take(np.arange(len(dataset.labels))))
        prepared.path.unlink()
        shutil.rmtree(features_folder())
        return {"seconds": seconds, "images": prepared.shape[0], "precision": precision}

    job()
    return job


def ours_in_memory(options: dict[str, Any]) -> Job:
    """The compiled call of ours alone, on pixels in memory: what reading and writing cost."""
    paths, size = jpegs(options), options["batch_size"]
    model = extractor(options, _our_precision(), as_published=False)
    parts = [read_jpegs(paths[start : start + size]) for start in range(0, len(paths), size)]
    for pixels in (parts[0], parts[-1]):
        model.predict_on_batch(pixels)

    def job() -> dict[str, Any]:
        started = time.perf_counter()
        for pixels in parts:
            model.predict_on_batch(pixels)
        return {"seconds": time.perf_counter() - started, "images": len(paths)}

    return job


def prepared(pixels: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """What the network of the ONNX file takes, float32; ours prepares inside the network."""
    found = (pixels.astype(np.float32) - options["mean_rgb"]) / options["deviation_rgb"]
    return np.ascontiguousarray(found[..., :: -1 if options["blue_first"] else 1], np.float32)


def onnxruntime(options: dict[str, Any]) -> Job:
    import onnxruntime

    session = onnxruntime.InferenceSession(options["onnx"], providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return extraction(
        lambda pixels: session.run(None, {name: prepared(pixels, options)})[0], options
    )


def openvino(options: dict[str, Any]) -> Job:
    import openvino

    side, core = options["side"], openvino.Core()
    model = core.read_model(options["onnx"])
    model.reshape([options["batch_size"], side, side, 3])
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": options["precision"].replace("float", "f")}
    )
    return extraction(lambda pixels: compiled(prepared(pixels, options))[0].copy(), options)


def torch(options: dict[str, Any]) -> Job:
    """The graph of the ONNX file as PyTorch modules, channels last."""
    import onnx
    import onnx2torch
    import torch as library

    library.set_num_threads(os.cpu_count() or 1)
    network = onnx2torch.convert(onnx.load(options["onnx"])).eval()
    network = network.to(memory_format=library.channels_last)
    if options["compiled"]:
        network = library.compile(network)
    is_half = options["precision"] == "bfloat16"

    def features_of(pixels: np.ndarray) -> np.ndarray:
        with library.inference_mode(), library.autocast("cpu", library.bfloat16, is_half):
            return network(library.from_numpy(prepared(pixels, options))).float().numpy()

    return extraction(features_of, options)


# Training steps --------------------------------------------------------------------------------


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


def float32_stage(options: dict[str, Any], strategy_name: str, side: int) -> Any:
    """The main stage of a strategy on whole images, compiled as ``model.fit`` needs it."""
    from core.datasets.prepare import prepare_images
    from core.strategies.network import build_plan
    from core.strategies.registry import find_strategy
    from core.training.engine import build_context
    from core.training.optimisation import loss_of, optimizer_of
    from core.training.policy import choose_policy

    spec, dataset = _training_spec(options | {"strategy": strategy_name, "side": side}, "float32")
    shape = prepare_images(dataset, side).shape[1:]
    backbone = find_strategy(strategy_name).backbone
    mean = (0.0, 0.0, 0.0) if backbone is None else backbone.preparation.mean_rgb
    context = build_context(spec, dataset, shape, mean, choose_policy("float32"))
    stage = build_plan(find_strategy(strategy_name), context).stages[-1]
    images = len(spec.subsets_of(dataset).train)
    stage.model.compile(
        optimizer_of(stage.options, images),
        loss_of(stage.options),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return stage


def fit_steps(options: dict[str, Any]) -> Job:
    """The same network, optimiser and batches in float32, by ``model.fit``."""
    from core.backbones.backend import load_keras
    from core.datasets.prepare import prepare_images

    keras = load_keras()
    spec, dataset = _training_spec(options, "float32")
    train = spec.subsets_of(dataset).train
    stage = float32_stage(options, options["strategy"], options["side"])
    pixels, labels = prepare_images(dataset, spec.image_size).take(train), dataset.labels[train]

    marks: list[float] = []

    def note(*_: Any) -> None:
        marks.append(time.perf_counter())

    clock = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)
    given = {"batch_size": options["batch_size"], "verbose": 0, "callbacks": [clock]}
    stage.model.fit(pixels, labels, epochs=1, **given)

    def job() -> dict[str, Any]:
        # The first epoch of a call sets up its data; the second is steady.
        stage.model.fit(pixels, labels, epochs=2, **given)
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


def export(options: dict[str, Any]) -> Job:
    """Not a contestant: writes a backbone, from prepared pixels to features, as the ONNX file that
    peers read."""
    import keras

    from core.networks.deployment import multiply_adds

    *_, network, row = extractor(options, "float32").layers
    pixels = keras.Input((options["side"], options["side"], 3), dtype="float32", name="pixels")
    model = keras.Model(pixels, row(network(pixels)))
    model(np.zeros((1, *model.input_shape[1:]), np.float32))

    def job() -> dict[str, Any]:
        model.export(options["onnx"], format="onnx", verbose=False)
        return {"multiply_adds": multiply_adds(model)}

    return job


KINDS: dict[str, Callable[[dict[str, Any]], Job]] = {
    each.__name__: each
    for each in (
        *(export, ours, ours_in_memory, tutorial, keras_call),
        *(onnxruntime, openvino, torch, our_steps, fit_steps, torch_steps),
    )
}


def main() -> None:
    options = json.loads(sys.argv[1])
    # What libraries say must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = KINDS[options["kind"]](options)
    answers.write("ready\n")
    answers.flush()
    for _ in sys.stdin:
        answers.write(json.dumps(job()) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

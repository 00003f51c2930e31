"""One way to do a job, in a process of its own, as ``benchmarks.bench`` sets it against the others.

    python -m benchmarks.contestants '{"kind": "onnxruntime", ...}'

It loads and warms up, prints ``ready``, does the job once for each line that it reads, and prints
what that took as JSON; at the end of its input it ends. Peers run in an environment of their own
(``requirements-peers.txt``), without Headstart: nothing of ``core`` is imported for them, and no
library before the kind that needs it. The kinds that train are in ``training_contestants``.
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

from benchmarks import training_contestants
from benchmarks.scratch import peak_bytes

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
    dataset = open_dataset(options["dataset"])
    request = _request(options, _our_precision())
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
        return {"seconds": seconds, "images": prepared.shape[0]}

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


def export(options: dict[str, Any]) -> Job:
    """Not a contestant: writes a backbone, from prepared pixels to features, as the ONNX file that
    peers read."""
    import keras

    *_, network, row = extractor(options, "float32").layers
    pixels = keras.Input((options["side"], options["side"], 3), dtype="float32", name="pixels")
    model = keras.Model(pixels, row(network(pixels)))
    model(np.zeros((1, *model.input_shape[1:]), np.float32))

    def job() -> dict[str, Any]:
        model.export(options["onnx"], format="onnx", verbose=False)
        return {}

    return job


KINDS: dict[str, Callable[[dict[str, Any]], Job]] = {
    each.__name__: each
    for each in (export, ours, ours_in_memory, tutorial, keras_call, onnxruntime, openvino, torch)
}


def main() -> None:
    options = json.loads(sys.argv[1])
    # What libraries say must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = (KINDS | training_contestants.KINDS)[options["kind"]](options)
    answers.write("ready\n")
    answers.flush()
    for _ in sys.stdin:
        answers.write(json.dumps(job() | {"peak_bytes": peak_bytes()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

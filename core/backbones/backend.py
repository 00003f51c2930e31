"""Choosing and loading Keras' backend, in one place, before Keras is imported.

Only workers call this: the web process never loads Keras.
"""

import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import HeadstartError, OutOfMemory

BACKENDS = ("tensorflow", "jax", "torch")


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start-up messages out of logs, unless the user set a level; errors show."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def configure_backend() -> str:
    """Choose the backend and return its name: ``KERAS_BACKEND``, else the first one installed.

    The order is TensorFlow, JAX, PyTorch. Raises ``HeadstartError`` when none is installed.
    """
    quiet_tensorflow()
    chosen = os.environ.get("KERAS_BACKEND")
    if not chosen:
        chosen = next((name for name in BACKENDS if importlib.util.find_spec(name)), None)
        if chosen is None:
            raise HeadstartError(
                "None of TensorFlow, JAX and PyTorch is installed; "
                "run `python -m pip install tensorflow`."
            )
        os.environ["KERAS_BACKEND"] = chosen
    return chosen


def load_keras() -> Any:
    """Import Keras on the configured backend, with channels last as all arrays here have them."""
    configure_backend()
    import keras

    keras.config.set_image_data_format("channels_last")
    return keras


def forget_networks() -> None:
    """Let go of what Keras and TensorFlow keep of networks that nobody uses any more.

    TensorFlow registers a gradient for each compiled training step and never drops it; through it
    the step, its weights and the optimiser's moments stay in memory.
    """
    if "keras" not in sys.modules:
        return
    load_keras().utils.clear_session()
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import ops

        registered = ops.gradient_registry._registry
        for name in [name for name in registered if name.startswith("CustomGradient-")]:
            del registered[name]
    gc.collect()


def trace_for_any_batch(model: Any, dtype: str) -> None:
    """Let the compiled ``model``, which has one input, predict batches of any size, of ``dtype``.

    TensorFlow traces a network for the size of its first batch, and once more for the shorter last
    one; with many networks in one process it warns of that. Other backends, and XLA, need the size.
    """
    if load_keras().backend.backend() != "tensorflow" or model.jit_compile:
        return
    import tensorflow

    model.make_predict_function()
    batch = tensorflow.TensorSpec((None, *model.input_shape[1:]), dtype)
    model.predict_function.get_concrete_function([(batch,)])


@contextmanager
def dtype_policy(name: str | None) -> Iterator[None]:
    """Build layers under a Keras dtype policy (``"mixed_bfloat16"``); None keeps the current one.

    The policy is global in Keras, so the former one is restored at the end.
    """
    keras = load_keras()
    former = keras.config.dtype_policy()
    try:
        if name is not None:
            keras.config.set_dtype_policy(name)
        yield
    finally:
        keras.config.set_dtype_policy(former)


@contextmanager
def out_of_memory_named(message: str) -> Iterator[None]:
    """Raise ``OutOfMemory`` with ``message`` where memory runs out inside, on any backend."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory(message) from error
        raise


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of any backend says that the processor or the GPU ran out of memory."""
    if isinstance(error, MemoryError):
        return True
    if type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    text = str(error)
    if type(error).__name__ == "AbortedError":  # oneDNN's own words; its status 1 is out of memory
        return "Status: 1," in text or "memory" in text.lower()
    return type(error).__name__ in ("XlaRuntimeError", "JaxRuntimeError", "InternalError") and (
        "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()
    )

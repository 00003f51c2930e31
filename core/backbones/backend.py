"""Choosing and loading Keras' backend, in one place, before Keras is imported.

Only workers call this: the web process never loads Keras.
"""

import importlib.util
import os
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

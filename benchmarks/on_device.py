"""Work that stays on a device, on TensorFlow, JAX or PyTorch, and clocks that wait for it.

A GPU returns from a call before its work is over: a clock that is read then shows nothing. Each
backend has another way to wait, to copy and to compile; they are here and nowhere else.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Call = Callable[..., Any]
MOST_SECONDS = 15.0  # of all rounds of one measurement


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
    """``function`` of tensors as its backend runs it fastest: PyTorch as it is, as the engine
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
        return model.train_step
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

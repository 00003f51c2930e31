"""Weights from the network: the official download.

It has what Keras' own lacks: time limits, a temporary name, a check. Nothing is ever seen under the
final name that is not the whole, right file.
"""

import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.backbones.weights.digests import WeightSet
from core.backbones.weights.files import file_hash, hash_words, read_weights_file
from core.errors import WeightsRefused, WeightsUnavailable
from core.files import written_whole

BLOCK_BYTES = 1 << 18
Report = Callable[[str], None]


@dataclass(frozen=True)
class DownloadLimits:
    """How long the official download may take, in seconds.

    ``open_seconds``: name look-up, connection and the first answer together; a machine without
    network gives up after it. ``read_seconds``: silence between two blocks. ``total_seconds``:
    the whole file.
    """

    open_seconds: float = 8.0
    read_seconds: float = 15.0
    total_seconds: float = 3600.0


def download_official(
    expected: WeightSet, base_url: str, target: Path, limits: DownloadLimits, report: Report
) -> None:
    """Download ``expected.file_name`` to ``target``, replacing it only by the right file.

    Raises ``WeightsUnavailable`` (no network, too slow, an HTTP error) or ``WeightsRefused`` (an
    error page, a broken-off or different file).
    """
    url = base_url.rstrip("/") + "/" + expected.file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    response = _open_within(url, limits)
    try:
        with response, written_whole(target) as file:
            received = _save(response, file, started, limits, report)
            if expected.file_hash is None:
                read_weights_file(Path(file.name), expected)
            elif (found := file_hash(Path(file.name), expected.file_hash)) != expected.file_hash:
                kind = response.headers.get("Content-Type", "unknown type")
                raise WeightsRefused(
                    f"What {url} sent was refused: {received:,} bytes of {kind} "
                    f"with {hash_words(found)}, the official file has "
                    f"{hash_words(expected.file_hash)}."
                )
    except TimeoutError as error:
        raise WeightsUnavailable(
            f"{url} fell silent for {limits.read_seconds:g} s; the download was given up"
        ) from error
    except OSError as error:
        raise WeightsUnavailable(f"{url} could not be saved: {error}") from error


def _open_within(url: str, limits: DownloadLimits) -> Any:
    """Open ``url`` within ``open_seconds`` in all.

    A socket time limit counts for each address anew and not at all for the name look-up, so the
    opening happens in a thread that is left behind when it takes too long.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    given_up = threading.Event()

    def open_url() -> None:
        try:
            answer = urllib.request.urlopen(url, timeout=limits.open_seconds)
        except (OSError, ValueError) as error:  # URLError, HTTPError, time-outs; a bad URL
            answers.put(error)
            return
        if given_up.is_set():
            answer.close()
        else:
            answers.put(answer)

    threading.Thread(target=open_url, name="official-download", daemon=True).start()
    try:
        answer = answers.get(timeout=limits.open_seconds)
    except queue.Empty:
        given_up.set()
        raise WeightsUnavailable(f"{url} did not answer within {limits.open_seconds:g} s") from None
    if isinstance(answer, urllib.error.HTTPError):
        answer.close()
        raise WeightsUnavailable(f"{url} answered {answer.code} {answer.reason}")
    if isinstance(answer, Exception):
        raise WeightsUnavailable(f"{url} cannot be reached: {getattr(answer, 'reason', answer)}")
    # Where the socket cannot be reached, the limit of the opening stays.
    connection = getattr(getattr(answer.fp, "raw", None), "_sock", None)
    if connection is not None:
        connection.settimeout(limits.read_seconds)
    return answer


def _save(
    response: Any, file: BinaryIO, started: float, limits: DownloadLimits, report: Report
) -> int:
    """Returns the number of bytes, all of them written."""
    expected_bytes = int(response.headers.get("Content-Length") or 0)
    received, announced = 0, -1
    # read1 returns what has come; read would wait for a whole block, past every limit.
    while block := response.read1(BLOCK_BYTES):
        file.write(block)
        received += len(block)
        if time.perf_counter() - started > limits.total_seconds:
            raise WeightsUnavailable(
                f"the download was given up after {limits.total_seconds:g} s with "
                f"{received:,} of {expected_bytes:,} bytes"
            )
        tenth = received * 10 // expected_bytes if expected_bytes else 0
        if tenth > announced:
            announced = tenth
            report(f"Downloading {response.url}: {received:,} of {expected_bytes:,} bytes")
    file.flush()
    if received < expected_bytes:
        raise WeightsRefused(
            f"What {response.url} sent was refused: it broke off after {received:,} of "
            f"{expected_bytes:,} bytes."
        )
    return received

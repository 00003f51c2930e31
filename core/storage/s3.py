"""The second adapter: object storage that speaks S3 (Amazon's, MinIO, Ceph and others).

Who may use it is said as every S3 program is told: ``AWS_ACCESS_KEY_ID`` and
``AWS_SECRET_ACCESS_KEY``, ``~/.aws/credentials``, or the role of the machine; ``AWS_REGION`` names
the region. The bucket has to be there.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from core.storage.objects import COPIED_AT_ONCE_BYTES, Entry, unavailable

CONNECT_SECONDS = 5.0
SILENT_SECONDS = 20.0
"""A request is given up after this long without a byte."""
ATTEMPTS = 3
_AMAZON = re.compile(
    r"AWS Error (.+?) during \w+ operation: (?:curlCode: \d+, )?([^;]*?)(?: \(Request|;|$)"
)
_STATUS = re.compile(r"HTTP status (\d+)")


class S3Objects:
    """Objects of a bucket below a folder: ``s3://BUCKET/FOLDER``."""

    def __init__(self, url: str, endpoint: str = "") -> None:
        """``endpoint``: ``http://HOST:PORT`` of a server that is not Amazon's. Asks for nothing."""
        self.address = f"{url} at {endpoint}" if endpoint else url
        self._base = url.removeprefix("s3://")
        self._endpoint = endpoint

    def entries(self, folder: str) -> list[Entry]:
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(f"{self._base}/{folder}", allow_not_found=True, recursive=True)
        with self._answering():
            found = self._system.get_file_info(selector)
        begin = len(self._base) + 1
        return sorted(
            Entry(each.path[begin:], each.size, each.mtime_ns / 1e9)
            for each in found
            if each.type == FileType.File
        )

    def put(self, key: str, source: BinaryIO) -> None:
        place = f"{self._base}/{key}"
        with self._answering():
            target = self._system.open_output_stream(place)
            try:
                shutil.copyfileobj(source, target, COPIED_AT_ONCE_BYTES)
            except BaseException:
                # Arrow has no way to give an upload up: what was sent becomes an object.
                with suppress(OSError):
                    target.close()
                    self._system.delete_file(place)
                raise
            target.close()

    @contextmanager
    def read(self, key: str) -> Iterator[BinaryIO]:
        with self._answering():
            stream = self._system.open_input_stream(f"{self._base}/{key}")
        with stream:
            yield stream

    def remove(self, key: str) -> None:
        with self._answering():
            try:
                self._system.delete_file(f"{self._base}/{key}")
            except FileNotFoundError:
                return

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unavailable(self.address, _reason(error)) from error

    @cached_property
    def _system(self) -> Any:
        # Imported here: without object storage it costs no start anything.
        from pyarrow.fs import AwsStandardS3RetryStrategy, FileType, S3FileSystem

        where: dict[str, str] = {}
        if self._endpoint:
            address = urlsplit(self._endpoint)
            where = {"scheme": address.scheme, "endpoint_override": address.netloc}
        system = S3FileSystem(
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
            connect_timeout=CONNECT_SECONDS,
            request_timeout=SILENT_SECONDS,
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
            **where,
        )
        bucket = self._base.partition("/")[0]
        # Listing a bucket that is not there gives nothing, which would pass for an empty storage.
        if system.get_file_info(bucket).type == FileType.NotFound:
            raise OSError(f"there is no bucket {bucket}")
        return system


def _reason(error: OSError) -> str:
    """What went wrong, without the names of Arrow's and Amazon's operations."""
    found = _AMAZON.search(str(error))
    if found is None:
        return str(error)
    kind, text = found.groups()
    status = _STATUS.search(kind)
    return f"HTTP status {status[1]}: {text}" if status else text

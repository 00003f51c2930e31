"""Parquet files, read some rows at a time, and a copy of their images that is read in any order."""

import io
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.byte_ranges import ByteRanges, Scratch
from core.datasets.reading.members import HIGHEST_RATIO
from core.datasets.reading.parquet_columns import ParquetColumns
from core.datasets.reading.raw_files import RawFile, bad_source
from core.errors import HeadstartError
from core.settings import current_settings
from core.text import size_text

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Few, because a page that names one large image again and again unfolds in memory; fewer of files
# that are large enough to hold very large images.
ROWS_AT_ONCE = 16
UNFOLDED_BYTES = 64 * 1024**2
_LARGEST_FOOTER_BYTES = 64 * 1024**2
_BUFFER_BYTES = 1024**2
# Encoded images hardly shrink; a large column that does is a decompression bomb.
RATIO_MATTERS_FROM_BYTES = 64 * 1024**2


@contextmanager
def opened(raw: RawFile) -> "Iterator[pq.ParquetFile]":
    """The file; damage becomes ``BadInput``."""
    # Imported here, because commands that only list datasets do not need it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with raw.stream() as stream:
            stream.seek(0, io.SEEK_END)
            size = stream.tell()
            if size >= 12:
                stream.seek(-8, io.SEEK_END)
                footer = int.from_bytes(stream.read(4), "little")
                if footer > _LARGEST_FOOTER_BYTES:
                    raise bad_source(
                        f"{raw.path}: its list of contents is damaged. Download it again."
                    )
            stream.seek(0)
            with pq.ParquetFile(stream, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
                yield file
    except (UnreadableImageError, pa.ArrowException, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise bad_source(
            f"{raw.path}: this Parquet file is cut short or damaged ({reason}). Download it again."
        ) from error


def parquet_rows(raw: RawFile, names: Sequence[str]) -> "Iterator[tuple[int, pa.RecordBatch]]":
    """Some rows at a time, with the number of the first, from 0. Raises ``BadInput``."""
    start = 0
    rows = max(1, min(ROWS_AT_ONCE, UNFOLDED_BYTES // max(1, raw.size_bytes)))
    with opened(raw) as file:
        for batch in file.iter_batches(rows, columns=list(names), use_threads=False):
            batch.validate(full=True)  # words may be no UTF-8
            yield start, batch
            start += batch.num_rows


def check_ratio(raw: RawFile, metadata: "pq.FileMetaData", layout: ParquetColumns) -> None:
    """Raise ``BadInput`` where the images would unpack to far more than encoded images do."""
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for at in range(row_group.num_columns):
            column = row_group.column(at)
            if column.path_in_schema != layout.bytes_path:
                continue
            unpacked, packed = column.total_uncompressed_size, max(1, column.total_compressed_size)
            if unpacked > RATIO_MATTERS_FROM_BYTES and unpacked > HIGHEST_RATIO * packed:
                raise bad_source(
                    f"{raw.path} would unpack to more than {HIGHEST_RATIO} times its size, which"
                    " images never do. Save them in it as JPEG or PNG."
                )


def image_cells(
    batch: "pa.RecordBatch", layout: ParquetColumns
) -> Iterator[tuple[bytes | None, str | None]]:
    """Encoded image and path of each row."""
    for value in batch.column(layout.image):
        cell = value.as_py()
        if not isinstance(cell, dict):
            cell = {"bytes": cell}
        path = cell.get("path")
        yield cell["bytes"], path if isinstance(path, str) else None


class ImageCopy:
    """The images of all files, one after another in a temporary file, made when one is opened."""

    def __init__(self) -> None:
        self._files: list[tuple[RawFile, ParquetColumns, dict[int, int]]] = []
        self._places: dict[tuple[str, int], ByteRanges] | None = None
        self._lock = threading.Lock()
        self._scratch = Scratch()

    def add(self, raw: RawFile, layout: ParquetColumns, rows: dict[int, int]) -> None:
        """Copy these ``rows`` (their numbers, from 0, with the size of each image), too."""
        self._files.append((raw, layout, rows))

    def open(self, path: str, number: int) -> BinaryIO:
        """Raises ``BadInput``, ``HeadstartError``, and ``OSError`` where the file has changed."""
        with self._lock:
            if self._places is None:
                self._places = self._made()
        if (path, number) not in self._places:
            raise OSError("the Parquet file changed while it was read")
        return self._places[path, number].opened()

    def _made(self) -> dict[tuple[str, int], ByteRanges]:
        folder = current_settings().datasets_folder
        folder.mkdir(parents=True, exist_ok=True)
        needed = sum(size_bytes for *_, rows in self._files for size_bytes in rows.values())
        free = shutil.disk_usage(folder).free
        # Twice: here, and in the dataset that is made of them.
        if 2 * needed > free:
            raise HeadstartError(
                f"The disk of {folder} has {size_text(free)} free; reading these Parquet files"
                f" takes {size_text(2 * needed)} for a while."
            )
        return {
            (raw.path, start + at): self._scratch.keep(io.BytesIO(data), lambda _: None)
            for raw, layout, rows in self._files
            for start, batch in parquet_rows(raw, [layout.image])
            for at, (data, _) in enumerate(image_cells(batch, layout))
            if data is not None and start + at in rows
        }

"""Work on many images in a pool of threads: in order, in bounded memory, ready to be stopped."""

import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from core.errors import Cancelled

ProgressCallback = Callable[[int, int], None]
StopCallback = Callable[[], bool]
Item = TypeVar("Item")
Result = TypeVar("Result")

WAITING_PER_THREAD = 8
# Encoded bytes that may wait for a thread at one time.
WAITING_BYTES = 32 * 1024**2

_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_context: warnings.catch_warnings | None = None


def raise_if_stopped(should_stop: StopCallback | None, message: str) -> None:
    """Raise ``Cancelled`` with ``message`` once ``should_stop()`` says so."""
    if should_stop is not None and should_stop():
        raise Cancelled(message)


def decoding_threads() -> int:
    """Pillow releases the interpreter lock while it decodes, so threads are enough."""
    return max(1, min(8, os.cpu_count() or 1))


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    size_bytes: Callable[[Item], int] = lambda _: 0,
) -> Generator[Result, None, None]:
    """``work(item)`` of each item, computed in threads and yielded in the order of ``items``.

    Items are taken one by one, in the calling thread, while no more than 8 a thread and
    ``WAITING_BYTES`` of them (by ``size_bytes``) wait. Close the iterator to stop early.
    """
    threads = decoding_threads()
    waiting: deque[tuple[int, Future[Result]]] = deque()
    waiting_bytes = 0
    with without_pillow_warnings(), ThreadPoolExecutor(threads, "decode") as pool:
        try:
            for item in items:
                size = size_bytes(item)
                waiting_bytes += size
                waiting.append((size, pool.submit(work, item)))
                while waiting and (
                    len(waiting) > WAITING_PER_THREAD * threads or waiting_bytes > WAITING_BYTES
                ):
                    size, future = waiting.popleft()
                    waiting_bytes -= size
                    yield future.result()
            while waiting:
                yield waiting.popleft()[1].result()
        finally:
            for _, future in waiting:
                future.cancel()


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Silence Pillow's warnings (odd EXIF, large images) while any thread is inside.

    The decoder checks for what they warn of and reports it as a reason. ``catch_warnings`` is not
    safe in several threads, hence the counter: the first thread in sets the filter, the last one
    out restores it.
    """
    global _quiet_depth, _quiet_context
    with _quiet_lock:
        if _quiet_depth == 0:
            _quiet_context = warnings.catch_warnings()
            _quiet_context.__enter__()
            warnings.simplefilter("ignore")
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0 and _quiet_context is not None:
                _quiet_context.__exit__(None, None, None)
                _quiet_context = None

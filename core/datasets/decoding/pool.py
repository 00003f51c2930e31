"""Take pictures in: decode each once in a pool of threads, keep its bytes, note what it is."""

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ProgressCallback = Callable[[int, int], None]
StopCallback = Callable[[], bool]

_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_context: warnings.catch_warnings | None = None


def decoding_threads() -> int:
    """Pillow frees the interpreter lock while it decodes, so threads are enough."""
    return max(1, min(8, os.cpu_count() or 1))


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Silence Pillow's warnings (odd EXIF, large pictures) while any thread is inside.

    What they warn of is checked here and reported as a reason. ``warnings.catch_warnings`` is
    not safe in several threads, hence the counter: the first one in sets the filter, the last
    one out restores it.
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

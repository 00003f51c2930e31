"""Reading ahead: the next piece of work is done in a thread while its caller uses this one."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    read: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[Result, None, None]:
    """``read(item)`` of each item, in their order; two results are in memory at most.

    What ``read`` raises is raised here when its item's turn comes. Close the iterator to stop
    early: it waits for the read that is going on.
    """
    with ThreadPoolExecutor(1, "read_ahead") as reader:
        reading: Future[Result] | None = None
        for item in items:
            following = reader.submit(read, item)
            if reading is not None:
                yield reading.result()
            reading = following
        if reading is not None:
            yield reading.result()

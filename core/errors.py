"""The typed errors of Headstart, worded for the person who must act.

The command line turns ``BadInput`` into exit status 2 and every other ``HeadstartError`` into
exit status 1; pages show the message in a box at the field or the page concerned. ``words_of``
gives the words for both, also where the system refused a file.
"""

import errno
from collections.abc import Iterable, Iterator

DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DISK_IS_FULL_TEXT = (
    "The disk is full. Make room on it, or set HEADSTART_HOME to a folder on another disk, and try "
    "again."
)
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO})


class HeadstartError(Exception):
    """Base of all errors that Headstart raises on purpose; the message is fit to be shown."""


class BadInput(HeadstartError):
    """Something that the user gave cannot be used; nothing was stored.

    ``field`` names the setting concerned (``"cnn.epochs"``, ``"image_size"``), or is None.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnknownName(BadInput):
    """A name that does not exist; the message lists the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.known = sorted(known)
        listed = ", ".join(self.known) if self.known else "none yet"
        super().__init__(f"There is no {kind} named {name!r}. Known: {listed}.", field=kind)


class LimitReached(HeadstartError):
    """The request is valid, but above a limit of this installation.

    The message names the limit, the variable that sets it, and what makes room.
    """


class NotAllowed(HeadstartError):
    """This visitor, signed in or not, may not do this; the message says who may."""


class WeightsUnavailable(HeadstartError):
    """The pre-trained weights are not on this machine; the message says how to get them."""


class WeightsRefused(HeadstartError):
    """A weights file is partial or not the published one; it was left where it is."""


class Cancelled(HeadstartError):
    """The user asked for the work to stop, and it stopped."""


class TrainingDiverged(HeadstartError):
    """The loss of a run became NaN or infinite."""


class OutOfMemory(HeadstartError):
    """The device ran out of memory; the message names the batch that was tried."""


class DamagedFile(HeadstartError):
    """A file of ours is cut short or is something else; the caller adds what to do."""


class CacheLost(HeadstartError):
    """A cached file was deleted or damaged while it was in use; starting again makes it anew."""


class StorageUnavailable(HeadstartError):
    """The storage that machines share does not answer, or refuses; what is here still works."""


class LockTimeout(HeadstartError):
    """Another process held a lock for longer than this one may wait."""


class StoreError(HeadstartError):
    """The run store cannot be read or written (locked, read-only, damaged, of a newer version)."""


class StoreLost(StoreError):
    """The database server went away before it answered: what was asked may be done or not."""


def words_of(error: BaseException) -> str | None:
    """What people read about an error; None for one that nobody foresaw.

    A full disk is told in the same words wherever it was met, also where an error of ours was
    raised from it.
    """
    ours = str(error) if isinstance(error, HeadstartError) else None
    if any(isinstance(each, OSError) and each.errno in DISK_IS_FULL for each in _chain(error)):
        return f"{DISK_IS_FULL_TEXT} {ours}" if ours else DISK_IS_FULL_TEXT
    if isinstance(error, OSError) and error.errno in _REFUSED:
        name = error.filename or "A file"
        return (
            f"{name} cannot be used ({error.strerror}). Check who owns it and its folder, and "
            "whether their disk can be written."
        )
    return ours


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__

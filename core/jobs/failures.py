"""What to tell people about a job that did not finish: the one set of words for it."""

import errno
import signal

from core.errors import HeadstartError
from core.jobs.kinds import JobKind

LONGEST_DETAIL = 300
NOT_STARTED = "The {noun} could not be started: {error}."


def in_words(error: BaseException, kind: JobKind) -> str:
    """An error that ended a handler."""
    if isinstance(error, HeadstartError):
        return str(error)
    if isinstance(error, MemoryError):
        # Whoever knows more says it in the error: the batch that was tried, the step.
        return str(error) or f"The {kind.noun} ran out of memory: {_again_with_less(kind)}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk is full. Make room, and start the {kind.noun} again."
    lines = str(error).strip().splitlines()
    detail = f": {lines[0][:LONGEST_DETAIL]}" if lines else ""
    return (
        f"The {kind.noun} stopped with an unexpected {type(error).__name__}{detail}. See its log."
    )


def death_in_words(status: int, last_words: str, kind: JobKind) -> str:
    """A child process that ended without a word to the queue; a negative ``status`` is a signal."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
        message = f"The process of this {kind.noun} was killed by signal {-status} ({name})."
        if -status == getattr(signal, "SIGKILL", 9):
            message += f" Most likely the machine ran out of memory: {_again_with_less(kind)}"
        return message
    message = f"The process of this {kind.noun} ended early, with exit status {status}."
    return f"{message} Its last words: {last_words}" if last_words else message


def worker_died(kind: JobKind) -> str:
    return f"The worker of this {kind.noun} died. Start the {kind.noun} again."


def stopped(kind: JobKind) -> str:
    """Its worker or its process was told to go before it was done."""
    return f"The {kind.noun} was stopped before its end. Start the {kind.noun} again."


def _again_with_less(kind: JobKind) -> str:
    return f"{kind.saves_memory}, and start the {kind.noun} again."

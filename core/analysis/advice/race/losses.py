"""Trainings that ended the process of a race: noted before they begin, as nobody can afterwards.

A training that takes all memory takes the process with it. So what is at work stands in the
arguments of the job, beside the race, and is taken out again when the training is over, whatever
its end. A note that is left where the process died names the culprit. It outlives the race: the
next one leaves that strategy out, unless somebody chooses it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from core.experiments.store import Store
from core.jobs.records import JobRecord
from core.text import count_text

_AT_WORK, _LOST = "at_work", "lost"


class Notes:
    """What the job of a race notes about its trainings. ``lost``: by strategy, how many images it
    was trained on when the process ended."""

    def __init__(self, store: Store, job: JobRecord) -> None:
        self._store, self._job = store, job
        self.lost: dict[str, int] = dict(job.arguments.get(_LOST) or {})
        if job.error:  # the process before this one was killed
            self.lost |= _at_work(job)

    @contextmanager
    def at_work(self, strategy: str, images: int) -> Iterator[None]:
        """While ``strategy`` is trained on so many ``images``."""
        self._write({strategy: images})
        try:
            yield
        finally:
            self._write({})

    def _write(self, at_work: dict[str, int]) -> None:
        job = self._job
        known = {"race": job.arguments["race"], _LOST: self.lost, _AT_WORK: at_work}
        with self._store.database.writing() as connection:
            self._store.change_running(connection, job.id, job.attempts, arguments=known)


def lost_in(job: JobRecord | None) -> dict[str, int]:
    """By strategy, on how many images it was trained when the process of a race ended.

    What was at work counts where the job failed: a race that was cancelled, or whose worker was
    stopped, ended its trainings itself.
    """
    if job is None:
        return {}
    last = _at_work(job) if job.state == "failed" else {}
    return dict(job.arguments.get(_LOST) or {}) | last


def arguments_without(job: JobRecord | None, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """What the next race keeps of the job before it: those of ``names`` are tried again."""
    tried = set(names)
    return {_LOST: {name: count for name, count in lost_in(job).items() if name not in tried}}


def describe_lost(images: int) -> str:
    """Why a strategy is left out, and what can be done."""
    return (
        f"Its training on {count_text(images, 'training image')} ended the process of a race, most "
        "likely for lack of memory. It is left out until you choose it yourself; close other "
        "programs before you try it again."
    )


def _at_work(job: JobRecord) -> dict[str, int]:
    return dict(job.arguments.get(_AT_WORK) or {})

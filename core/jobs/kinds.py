"""The kinds of jobs: the one table to add a kind to, its pools, and the words for its failures."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import DISK_IS_FULL, HeadstartError, UnknownName
from core.text import seconds_text, shorten

if TYPE_CHECKING:
    from core.jobs.context import JobContext

Pool = Literal["device", "import", "cpu", "live"]
Handler = Callable[[dict[str, Any], "JobContext"], dict[str, Any] | None]

POOLS: Mapping[Pool, int] = {"device": 1, "import": 1, "cpu": 1, "live": 1}
"""How many jobs of each pool run on one machine at a time."""

POLITE, YIELDING, LOWEST = 5, 10, 19
LONGEST_DETAIL = 300
# How a process ends that gets no more memory: killed by the kernel, or by its libraries.
SHORT_OF_MEMORY = frozenset(
    getattr(signal, name, number)
    for name, number in (("SIGABRT", 6), ("SIGBUS", 7), ("SIGSEGV", 11), ("SIGKILL", 9))
)


@dataclass(frozen=True)
class JobKind:
    """What to call for a job, and under which conditions.

    ``handler`` is the dotted path ``module:function`` of ``run(arguments, context)``; what that
    returns (JSON) is the result of the job. Only jobs of the pool ``device`` see a GPU.
    ``folder`` is where its jobs keep files, below the home. ``niceness`` is 0 (first) to 19
    (last). ``noun`` and ``saves_memory`` are words for people: what such a job is called, and what
    to do where memory runs out. A kind that ``takes_less`` is started once more where its process
    was killed, most likely because memory ran out: its handler finds the message about that in
    ``context.job.error``, and continues with less or gives up. A kind that ``keeps_process``
    has the jobs of one group done by one process while they end well, so that it loads the
    libraries once.
    """

    name: str
    handler: str
    pool: Pool
    noun: str
    folder: str = "jobs"
    niceness: int = 0
    saves_memory: str = "close other programs"
    takes_less: bool = False
    keeps_process: bool = False

    def load(self) -> Handler:
        """Import the handler; it may bring in heavy libraries, so a child process calls this."""
        module, _, function = self.handler.partition(":")
        return getattr(import_module(module), function)

    def failure_message(self, error: BaseException) -> str:
        """What people read about an error that ended the handler."""
        if isinstance(error, HeadstartError):
            return str(error)
        if isinstance(error, MemoryError):
            # Who raised it may know more: the batch that was tried, the step.
            return str(error) or f"The {self.noun} ran out of memory: {self._again_with_less()}"
        if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
            name = error.filename and Path(error.filename).name
            failed = f": {name} could not be written" if name else ""
            return self.disk_full_message(failed)
        first = str(error).strip().partition("\n")[0]
        detail = f": {shorten(first, LONGEST_DETAIL)}" if first else ""
        name = type(error).__name__
        return f"The {self.noun} stopped with an unexpected {name}{detail}. See its log."

    def disk_full_message(self, failed: str = "") -> str:
        """``failed``: what could not be written, after a colon."""
        return f"The disk is full{failed}. Make room, and start the {self.noun} again."

    def death_message(self, status: int, last_line: str) -> str:
        """What people read about a child process that ended without reporting.

        ``status`` is its exit status, negative for a signal; ``last_line`` is that of its log.
        """
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
            message = f"The process of this {self.noun} was killed by signal {-status} ({name})."
            if -status in SHORT_OF_MEMORY:
                message += f" Most likely the machine ran out of memory: {self._again_with_less()}"
                if -status != getattr(signal, "SIGKILL", 9):
                    message += " If it has plenty, a library is at fault: see the log."
            return message
        message = f"The process of this {self.noun} ended early, with exit status {status}."
        return f"{message} Last line of its log: {last_line}" if last_line else message

    def silent_worker_message(self, seconds: float, starts: int = 1) -> str:
        duration = f"{seconds:.0f} s" if seconds < 60 else seconds_text(seconds)
        tried = f" It was started {starts} times." if starts > 1 else ""
        return (
            f"The worker of this {self.noun} was silent for {duration}: it died, or the machine "
            f"was asleep.{tried} Start the {self.noun} again."
        )

    def stopped_message(self) -> str:
        """Its worker or its process was ended before the job was done."""
        return f"The {self.noun} was stopped before its end. Start the {self.noun} again."

    def _again_with_less(self) -> str:
        return f"{self.saves_memory}, and start the {self.noun} again."


KINDS: dict[str, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(
            "train",
            "core.experiments.train_job:run",
            "device",
            "run",
            folder="runs",
            saves_memory="choose a smaller batch_size or image size",
            takes_less=True,
            keeps_process=True,
        ),
        JobKind("remeasure", "core.experiments.remeasure:run", "device", "measurement"),
        JobKind("extract", "core.experiments.extract_job:run", "device", "extraction"),
        # Features are extracted as runs do it, and must not disturb their times.
        JobKind("advice", "core.analysis.advice.measure:run", "device", "measurement"),
        JobKind("race", "core.analysis.advice.race.job:run", "device", "race", takes_less=True),
        JobKind(
            "import",
            "core.experiments.import_job:run",
            "import",
            "import",
            folder="imports",
            niceness=YIELDING,
            saves_memory="close other programs, or give fewer images at a time",
        ),
        JobKind("explain", "core.experiments.heat_maps:run", "cpu", "heat map", niceness=LOWEST),
        JobKind("feature_map", "core.analysis.feature_map:run", "cpu", "map", niceness=LOWEST),
        JobKind(
            "image_properties",
            "core.analysis.image_properties:run",
            "cpu",
            "measurement of images",
            niceness=LOWEST,
        ),
        # Loading its libraries must not slow down the page that asked for it.
        JobKind("live", "core.live.server:run", "live", "live process", niceness=POLITE),
        JobKind(
            "backbone", "core.experiments.own_backbones:run", "cpu", "backbone", niceness=LOWEST
        ),
        JobKind("export", "core.reports.export_model:run", "cpu", "export", niceness=LOWEST),
    )
}


def find_kind(name: str) -> JobKind:
    """The kind of that name, or ``UnknownName`` listing the known ones."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownName("kind of job", name, KINDS) from None

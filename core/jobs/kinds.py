"""The kinds of jobs and the pools that they run in: the one table to add a kind to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from core.errors import UnknownName

if TYPE_CHECKING:
    from core.jobs.context import JobContext

Pool = Literal["device", "import", "cpu", "live"]
Handler = Callable[[dict[str, Any], "JobContext"], dict[str, Any] | None]

POOLS: Mapping[Pool, int] = {"device": 1, "import": 1, "cpu": 1, "live": 1}
"""How many jobs of each pool run on one machine at a time."""

YIELDING, LOWEST = 10, 19


@dataclass(frozen=True)
class JobKind:
    """What to call for a job, and under which conditions.

    ``handler`` is the dotted path ``module:function`` of ``run(arguments, context)``; what that
    returns (JSON) is the result of the job. Only jobs of the pool ``device`` see a GPU.
    ``folder`` is where its jobs keep files, below the home. ``niceness`` is 0 (first) to 19
    (last). ``noun`` and ``saves_memory`` are words for people: what such a job is called, and what
    to do where memory runs out. A kind that ``takes_less`` is started once more where its process
    was killed, most likely for want of memory: its handler finds the words for that in
    ``context.job.error``, and goes on with less or gives up.
    """

    name: str
    handler: str
    pool: Pool
    noun: str
    folder: str = "jobs"
    niceness: int = 0
    saves_memory: str = "close other programs"
    takes_less: bool = False

    def load(self) -> Handler:
        """Import the handler; it may bring in heavy libraries, so a child process calls this."""
        module, _, function = self.handler.partition(":")
        return getattr(import_module(module), function)


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
        ),
        JobKind(
            "import",
            "core.experiments.import_job:run",
            "import",
            "import",
            folder="imports",
            niceness=YIELDING,
            saves_memory="close other programs, or give fewer images at a time",
        ),
        JobKind("explain", "core.experiments.explain_job:run", "cpu", "heat map", niceness=LOWEST),
        JobKind("feature_map", "core.analysis.feature_map_job:run", "cpu", "map", niceness=LOWEST),
        JobKind("live", "core.live.server:run", "live", "live process"),
        JobKind("export", "core.reports.export_model:run", "cpu", "export", niceness=LOWEST),
    )
}


def find_kind(name: str) -> JobKind:
    """The kind of that name, or ``UnknownName`` listing the known ones."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownName("kind of job", name, KINDS) from None

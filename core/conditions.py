"""What a machine did while a clock ran: was a time spoilt by something else?

A ``Meter`` looks at the machine when it starts and when it is asked, and the difference is a
``Conditions`` record. One look takes less than 0.1 ms. What a system does not tell (macOS and
Windows have no ``/proc``) is None, "not recorded".
"""

import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import psutil

from core.nvidia import GpuState, look_at_gpu

PRESSURE = Path("/proc/pressure/cpu")
PROCESSORS = Path("/sys/devices/system/cpu")
# Stored with four digits: a tenth of a millisecond.
_DIGITS = 4
DISTURBED_LOAD = 0.10
"""The rule: a time is disturbed where others used more than this fraction of the processors."""
# Two ticks by which systems count; without them a short epoch would seem disturbed by nothing.
_UNSURE_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the machine did during ``wall_seconds``.

    ``own_processor_seconds``: used by all threads of this process. ``other_processor_seconds``: by
    everything else, time that a hypervisor took away included, of the ``processor_seconds`` that
    the processors which this process may use had in all; systems count these two in ticks of
    10 ms. ``load``: the load average of the last minute, at the end. ``waiting_seconds``: how long
    at least one thread of the machine, be it one of ours, had to wait for a processor (Linux:
    pressure). ``throttled``: how often a processor was slowed down because of its temperature.
    ``gpu``: at the end, where the work ran on a GPU. None was not recorded.
    """

    # Read from JSON by pydantic, which is not imported here: a measuring process stays small.
    __pydantic_config__: ClassVar = {"allow_inf_nan": False}

    wall_seconds: float
    own_processor_seconds: float
    other_processor_seconds: float | None = None
    processor_seconds: float | None = None
    load: float | None = None
    waiting_seconds: float | None = None
    throttled: int | None = None
    gpu: GpuState | None = None

    @property
    def other_load(self) -> float | None:
        """The fraction of the processors, 0 to 1, that others used; None was not recorded."""
        if self.other_processor_seconds is None or not self.processor_seconds:
            return None
        return min(1.0, self.other_processor_seconds / self.processor_seconds)

    @property
    def is_disturbed(self) -> bool:
        """Whether a time taken meanwhile says more about something else than about the work.

        Others used more than ``DISTURBED_LOAD`` of the processors, a processor or the GPU was
        slowed down, or another process computed on the GPU. What was not recorded disturbs nothing.
        """
        others = (self.other_processor_seconds or 0.0) - _UNSURE_SECONDS
        if others > DISTURBED_LOAD * (self.processor_seconds or math.inf) or self.throttled:
            return True
        return self.gpu is not None and bool(self.gpu.slowed_down or self.gpu.other_processes)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON, without what was not recorded."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def part(self, fraction: float) -> "Conditions":
        """Those of a ``fraction`` of the work."""
        return Conditions(
            **vars(self)
            | {
                name: round(value * fraction, _DIGITS)
                for name, value in vars(self).items()
                if name.endswith("_seconds") and value is not None
            }
        )


def conditions_of_all(found: Iterable[Conditions | None]) -> Conditions | None:
    """Those of several intervals together; None where there are none or one was not recorded.

    Seconds and throttling are added; load and GPU are the highest load and the last GPU.
    """
    known: list[Conditions] = []
    for each in found:
        if each is None:
            return None
        known.append(each)
    if not known:
        return None

    def values(name: str) -> list[Any] | None:
        named = [getattr(each, name) for each in known]
        return None if None in named else named

    def added(name: str) -> float | None:
        named = values(name)
        return None if named is None else round(math.fsum(named), _DIGITS)

    throttled, load = values("throttled"), values("load")
    return Conditions(
        wall_seconds=added("wall_seconds") or 0.0,
        own_processor_seconds=added("own_processor_seconds") or 0.0,
        other_processor_seconds=added("other_processor_seconds"),
        processor_seconds=added("processor_seconds"),
        load=None if load is None else max(load),
        waiting_seconds=added("waiting_seconds"),
        throttled=None if throttled is None else sum(throttled),
        gpu=known[-1].gpu,
    )


@dataclass(frozen=True)
class Reading:
    """Counters of the machine at one moment, in seconds since some beginning."""

    wall: float
    own: float
    busy: float
    idle: float
    load: float | None = None
    waiting: float | None = None
    throttled: int | None = None
    gpu: GpuState | None = None


Look = Callable[[], Reading]


def look_at_machine() -> Reading:
    """The counters now, for work on the processor."""
    busy, idle = _busy_and_idle()
    return Reading(
        wall=time.perf_counter(),
        own=time.process_time(),
        busy=busy,
        idle=idle,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        waiting=_waiting(),
        throttled=_throttled(),
    )


def look_at_machine_and_gpu() -> Reading:
    """The counters now, for work on the GPU."""
    return Reading(**vars(look_at_machine()) | {"gpu": look_at_gpu()})


class Meter:
    """Measures the conditions from when it is made, or was last asked; ``look`` can be replaced, as
    a clock can."""

    def __init__(self, look: Look = look_at_machine) -> None:
        self._look = look
        self._start = look()

    def conditions(self) -> Conditions:
        """Those until now; the next ones begin here."""
        start, self._start = self._start, self._look()
        end = self._start
        busy, idle = max(0.0, end.busy - start.busy), max(0.0, end.idle - start.idle)
        own = end.own - start.own
        # A sandbox may show a machine whose counters stand still, which says nothing of others.
        is_reported = busy + idle > 0

        def since(name: str) -> Any:
            before, after = getattr(start, name), getattr(end, name)
            return None if before is None or after is None else after - before

        waiting = since("waiting")
        return Conditions(
            wall_seconds=round(end.wall - start.wall, _DIGITS),
            own_processor_seconds=round(own, _DIGITS),
            # Ticks are coarse: never below zero.
            other_processor_seconds=round(max(0.0, busy - own), _DIGITS) if is_reported else None,
            processor_seconds=round(busy + idle, _DIGITS) if is_reported else None,
            load=None if end.load is None else round(end.load, 2),
            waiting_seconds=None if waiting is None else round(waiting, _DIGITS),
            throttled=since("throttled"),
            gpu=end.gpu,
        )


def _busy_and_idle() -> tuple[float, float]:
    """Seconds of the processors that this process may use; time taken by a hypervisor is busy."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if not usable or len(usable) == os.cpu_count():
        found = [psutil.cpu_times()]
    else:
        found = [each for i, each in enumerate(psutil.cpu_times(percpu=True)) if i in usable]
    total = idle = 0.0
    for times in found:
        named = times._asdict()
        idle += named["idle"] + named.get("iowait", 0.0)
        # Linux counts guests as user and nice, too.
        total += math.fsum(named.values()) - named.get("guest", 0.0) - named.get("guest_nice", 0.0)
    return total - idle, idle


def _waiting() -> float | None:
    try:
        with open(PRESSURE, "rb", buffering=0) as file:  # half the time of a buffered text
            some = file.read().partition(b"\n")[0]  # "some avg10=... total=MICROSECONDS"
        return int(some.rpartition(b"total=")[2]) / 1e6
    except (OSError, ValueError):  # not Linux, an older one, or a container that hides it
        return None


def _throttled() -> int | None:
    files = _throttle_counts()
    try:
        return sum(int(path.read_text()) for path in files) if files else None
    except (OSError, ValueError):
        return None


@cache
def _throttle_counts() -> tuple[Path, ...]:
    """A counter of each processor package (Intel's, where Linux runs on the machine itself)."""
    found: dict[str, Path] = {}
    for path in sorted(PROCESSORS.glob("cpu[0-9]*/thermal_throttle/package_throttle_count")):
        try:
            package = (path.parents[1] / "topology/physical_package_id").read_text()
        except OSError:
            package = ""
        found.setdefault(package, path)
    return tuple(found.values())

"""What the machine did meanwhile: exact counters that the test sets, and a real busy neighbour."""

import json
import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
from pydantic import TypeAdapter

from core import conditions
from core.conditions import Conditions, Meter, Reading, conditions_of_all, look_at_machine
from core.nvidia import GpuState

START = Reading(100.0, 5.0, 50.0, 150.0, load=0.5, waiting=2.0, throttled=7)
# Two processors for 10 s: 12 s of this process, 3 s of others, 5 s idle.
END = Reading(110.0, 17.0, 65.0, 155.0, load=1.754, waiting=2.5, throttled=9)
FOUND = Conditions(
    wall_seconds=10.0,
    own_processor_seconds=12.0,
    other_processor_seconds=3.0,
    processor_seconds=20.0,
    load=1.75,
    waiting_seconds=0.5,
    throttled=2,
)
QUIET = Conditions(wall_seconds=2.0, own_processor_seconds=3.0)

Machine = namedtuple("Machine", "user system idle iowait steal guest")


def between(start: Reading, end: Reading) -> Conditions:
    """What a meter finds whose two looks are these."""
    looks = [start, end]
    return Meter(lambda: looks.pop(0)).conditions()


def test_the_difference_of_two_looks() -> None:
    assert between(START, END) == FOUND
    assert FOUND.other_load == 0.15


def test_ticks_are_coarse_but_nothing_is_below_zero() -> None:
    coarse = between(Reading(0.0, 0.0, 0.0, 0.0), Reading(0.05, 0.04, 0.03, 0.07))
    assert (coarse.other_processor_seconds, coarse.processor_seconds) == (0.0, 0.1)


def test_what_a_system_does_not_tell_is_not_recorded() -> None:
    # A sandbox whose machine stands still, without load, pressure and throttling.
    silent = between(Reading(0.0, 0.0, 0.0, 0.0), Reading(2.0, 3.0, 0.0, 0.0))
    assert silent == QUIET
    assert silent.other_load is None
    assert silent.as_dict() == {"wall_seconds": 2.0, "own_processor_seconds": 3.0}


@pytest.mark.parametrize(
    "found", [FOUND, QUIET, Conditions(**vars(QUIET) | {"gpu": GpuState(1980, False, None)})]
)
def test_it_comes_back_as_it_went(found: Conditions) -> None:
    document = json.loads(json.dumps(found.as_dict()))
    assert TypeAdapter(Conditions).validate_python(document) == found


def test_a_number_that_is_none_is_damage() -> None:
    for damaged in ("long", float("nan")):
        with pytest.raises(ValueError, match="wall_seconds"):
            TypeAdapter(Conditions).validate_python(FOUND.as_dict() | {"wall_seconds": damaged})


def test_several_intervals_add_up() -> None:
    other = Conditions(**vars(FOUND) | {"other_processor_seconds": 1.0, "load": 0.2})
    both = conditions_of_all([FOUND, other])
    assert both is not None
    assert (both.wall_seconds, both.own_processor_seconds, both.throttled) == (20.0, 24.0, 4)
    assert (both.other_processor_seconds, both.load, both.other_load) == (4.0, 1.75, 0.1)
    # What one does not tell, all together do not tell.
    silent = conditions_of_all([FOUND, QUIET])
    assert silent == Conditions(wall_seconds=12.0, own_processor_seconds=15.0)
    assert conditions_of_all([FOUND, None]) is None
    assert conditions_of_all([]) is None


def test_a_part_has_the_same_load() -> None:
    part = FOUND.part(0.25)
    assert (part.wall_seconds, part.other_processor_seconds, part.load) == (2.5, 0.75, 1.75)
    assert part.other_load == FOUND.other_load


def test_the_processors_count_as_the_system_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # Guests are counted as user, too; a stolen second is busy, waiting for a disk is idle.
    monkeypatch.setattr(psutil, "cpu_times", lambda: Machine(5.0, 1.0, 2.0, 1.0, 1.0, 3.0))
    monkeypatch.setattr(conditions.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(conditions.os, "sched_getaffinity", lambda _own: {0, 1}, raising=False)
    look = look_at_machine()
    assert (look.busy, look.idle) == (7.0, 3.0)


def test_only_the_processors_that_it_may_use_count(monkeypatch: pytest.MonkeyPatch) -> None:
    each = [Machine(float(i), 0.0, 10.0, 0.0, 0.0, 0.0) for i in range(4)]
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: each if percpu else None)
    monkeypatch.setattr(conditions.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(conditions.os, "sched_getaffinity", lambda _own: {1, 3}, raising=False)
    look = look_at_machine()
    assert (look.busy, look.idle) == (4.0, 20.0)


@pytest.mark.parametrize("text", [None, "", "some avg10=0.00 total=none\n"])
def test_a_machine_without_pressure_still_works(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressure = tmp_path / "cpu"
    if text is not None:
        pressure.write_text(text)
    monkeypatch.setattr(conditions, "PRESSURE", pressure)
    assert look_at_machine().waiting is None
    pressure.write_text("some avg10=1.00 avg60=0.5 avg300=0.1 total=2500000\nfull total=0\n")
    assert look_at_machine().waiting == 2.5


def test_throttling_is_counted_once_for_each_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (package, count) in enumerate([(0, 4), (0, 4), (1, 3)]):
        for name, text in (
            ("thermal_throttle/package_throttle_count", count),
            ("topology/physical_package_id", package),
        ):
            path = tmp_path / f"cpu{number}" / name
            path.parent.mkdir(parents=True)
            path.write_text(f"{text}\n")
    monkeypatch.setattr(conditions, "PROCESSORS", tmp_path)
    conditions._throttle_counts.cache_clear()
    try:
        assert look_at_machine().throttled == 7
    finally:
        conditions._throttle_counts.cache_clear()


def test_a_look_costs_less_than_a_thousandth_of_a_short_epoch() -> None:
    """In processor time, so that a busy machine does not fail it: 0.5 ms of half a second."""
    look_at_machine()
    before = time.process_time()
    for _ in range(100):
        Meter().conditions()
    assert (time.process_time() - before) / 100 < 0.0005


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a processor of its own")
def test_a_busy_neighbour_disturbs() -> None:
    """A real process that works on the same processor as this one."""
    code = "import time\nwhile time.process_time() < 30: pass"
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})  # the neighbour inherits it
    neighbour = subprocess.Popen([sys.executable, "-c", code])
    try:
        meter = Meter()
        while psutil.Process(neighbour.pid).cpu_times().user < 0.3:
            time.sleep(0.02)
        found = meter.conditions()
    finally:
        os.sched_setaffinity(0, usable)
        neighbour.kill()
        neighbour.wait()
    if found.other_processor_seconds is None:
        pytest.skip("this system does not tell what others use")
    assert found.other_processor_seconds >= 0.25
    assert found.is_disturbed


def with_others(seconds: float, **changes: object) -> Conditions:
    """Two processors for 10 s."""
    values = {"other_processor_seconds": seconds, "throttled": 0} | changes
    return Conditions(**vars(FOUND) | values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "is_disturbed"),
    [
        (with_others(2.02), False),  # a tenth of 20 s, and two ticks
        (with_others(2.03), True),
        (with_others(0.0, throttled=1), True),
        (with_others(0.0, gpu=GpuState(1980, False, 0)), False),
        (with_others(0.0, gpu=GpuState(900, True, 0)), True),
        (with_others(0.0, gpu=GpuState(1980, False, 1)), True),
        (with_others(0.0, gpu=GpuState(None, None, None)), False),
        # In 30 ms two ticks of others are no evidence, five are.
        (with_others(0.02, processor_seconds=0.06), False),
        (with_others(0.05, processor_seconds=0.06), True),
        (QUIET, False),  # not recorded
    ],
)
def test_the_rule(found: Conditions, is_disturbed: bool) -> None:
    assert found.is_disturbed is is_disturbed

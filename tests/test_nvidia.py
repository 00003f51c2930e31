"""The GPU's driver, as a stand-in of its library tells it: no machine of ours has a GPU."""

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest

from core import nvidia
from core.nvidia import GpuState, gpu_name, look_at_gpu


class Driver:
    """Answers as NVML does: a status, and the values through pointers."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"clock": 1755, "reasons": 0x4, "processes": 3, "init": 0}
        self.answers |= {"name": b"NVIDIA Test 80GB"} | answers
        self.asked: list[tuple[str, Any]] = []

    def nvmlInit_v2(self) -> int:  # noqa: N802 - the library's name
        return int(self.answers["init"])

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, _handle: Any) -> int:  # noqa: N802
        self.asked.append(("index", index.value))
        return 0 if index.value < 8 else 2  # invalid argument

    def nvmlDeviceGetHandleByUUID(self, name: bytes, _handle: Any) -> int:  # noqa: N802
        self.asked.append(("name", name))
        return 0

    def nvmlDeviceGetName(self, _handle: Any, text: Any, length: int) -> int:  # noqa: N802
        if self.answers["name"] is None:
            return 3  # not supported
        assert length == 96
        text.value = self.answers["name"]
        return 0

    def nvmlDeviceGetClockInfo(self, _handle: Any, kind: int, found: Any) -> int:  # noqa: N802
        assert kind == 1  # multiprocessors
        self.asked.append(("clock", kind))
        return self._put(found, ctypes.c_uint, "clock")

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, _handle: Any, found: Any) -> int:  # noqa: N802
        return self._put(found, ctypes.c_ulonglong, "reasons")

    def nvmlDeviceGetComputeRunningProcesses_v3(  # noqa: N802
        self, _handle: Any, count: Any, room: None
    ) -> int:
        assert room is None
        status = self._put(count, ctypes.c_uint, "processes")
        return status if status or not self.answers["processes"] else 7  # insufficient size

    def _put(self, found: Any, kind: Any, name: str) -> int:
        if self.answers[name] is None:
            return 3  # not supported
        ctypes.cast(found, ctypes.POINTER(kind))[0] = self.answers[name]
        return 0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A machine whose driver is ``machine["driver"]``; none at first."""
    found: dict[str, Any] = {"driver": None}

    def load(_name: str) -> Any:
        if found["driver"] is None:
            raise OSError("cannot open shared object file")
        return found["driver"]

    monkeypatch.setattr(nvidia.ctypes, "CDLL", load)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    nvidia._device.cache_clear()
    yield found
    nvidia._device.cache_clear()


def test_it_is_silent_where_there_is_no_driver(machine: dict[str, Any]) -> None:
    assert machine["driver"] is None
    assert look_at_gpu() is None


@pytest.mark.parametrize("status", [9, None])
def test_it_is_silent_where_the_driver_does_not_start(
    machine: dict[str, Any], status: int | None
) -> None:
    machine["driver"] = object() if status is None else Driver(init=status)
    assert look_at_gpu() is None


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({}, GpuState(1755, False, 2)),  # at its power limit, which is how a GPU works
        ({"reasons": 0x4 | 0x20, "processes": 1}, GpuState(1755, True, 0)),  # too hot
        ({"reasons": 0x80, "processes": 0}, GpuState(1755, True, 0)),  # a container hides us
        ({"clock": None, "reasons": None, "processes": None}, GpuState(None, None, None)),
    ],
)
def test_what_it_says(machine: dict[str, Any], answers: dict[str, Any], state: GpuState) -> None:
    machine["driver"] = Driver(**answers)
    assert look_at_gpu() == state


@pytest.mark.parametrize(
    ("visible", "asked"),
    [
        ("", ("index", 0)),
        ("3,1", ("index", 3)),
        ("GPU-8f2a, GPU-77", ("name", b"GPU-8f2a")),
        ("MIG-1", ("name", b"MIG-1")),
        ("9", None),  # there is no such GPU
        ("-1", None),
        ("NoDevFiles", None),
    ],
)
def test_the_gpu_is_the_one_that_cuda_uses(
    machine: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    visible: str,
    asked: tuple[str, Any] | None,
) -> None:
    driver = machine["driver"] = Driver()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    state = look_at_gpu()
    assert (state is None) == (asked is None)
    assert asked is None or driver.asked[0] == asked


def test_it_is_asked_once_a_second_at_most(
    machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [50.0]
    monkeypatch.setattr(nvidia.time, "monotonic", lambda: now[0])
    driver = machine["driver"] = Driver()
    assert look_at_gpu() == look_at_gpu()
    now[0] += 1.0
    driver.answers["clock"] = 900
    state = look_at_gpu()
    assert state is not None
    assert state.clock_mhz == 900
    assert [name for name, _ in driver.asked] == ["index", "clock", "clock"]


def test_the_name_of_the_gpu_is_the_drivers(machine: dict[str, Any]) -> None:
    assert gpu_name() is None
    nvidia._device.cache_clear()
    machine["driver"] = Driver()
    assert gpu_name() == "NVIDIA Test 80GB"
    machine["driver"].answers["name"] = None
    assert gpu_name() is None

"""What the NVIDIA driver says of the GPU; nothing where there is no driver.

Asks NVML (``libnvidia-ml``), which comes with the driver, through ``ctypes``; its header ``nvml.h``
has the constants. It was written without a GPU at hand: tests hold it to a stand-in of the library.
"""

import ctypes
import os
import sys
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

_LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
_SUCCESS, _INSUFFICIENT_SIZE = 0, 7
_CLOCK_SM = 1
# nvmlClocksThrottleReason: HwSlowdown, SwThermalSlowdown, HwThermalSlowdown, HwPowerBrakeSlowdown.
# SwPowerCap (4) is left out: a GPU at work is always near its power limit.
_SLOWED_DOWN = 0x08 | 0x20 | 0x40 | 0x80
_LONGEST_NAME = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE
# Epochs on cached features can take milliseconds; the driver is not asked more often than this.
_SECONDS_BETWEEN = 1.0


@dataclass(frozen=True)
class GpuState:
    """``clock_mhz`` of its multiprocessors; ``slowed_down`` because of temperature or power supply;
    ``other_processes`` that compute on it. None: the driver does not say."""

    clock_mhz: int | None
    slowed_down: bool | None
    other_processes: int | None


def look_at_gpu() -> GpuState | None:
    """The first GPU that this process may use, at most a second ago; None without a driver."""
    device = _device(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    return None if device is None else device.state()


def gpu_name() -> str | None:
    """Name of the first GPU that this process may use; None without a driver."""
    device = _device(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    return None if device is None else device.name()


class _Device:
    """A GPU, asked through the loaded library."""

    def __init__(self, library: Any, handle: ctypes.c_void_p) -> None:
        self._library, self._handle = library, handle
        self._asked_at = float("-inf")
        self._state = GpuState(None, None, None)

    def state(self) -> GpuState:
        if time.monotonic() - self._asked_at >= _SECONDS_BETWEEN:
            reasons = self._number("nvmlDeviceGetCurrentClocksThrottleReasons", ctypes.c_ulonglong)
            processes = self._processes()
            self._state = GpuState(
                clock_mhz=self._number("nvmlDeviceGetClockInfo", ctypes.c_uint, _CLOCK_SM),
                slowed_down=None if reasons is None else bool(reasons & _SLOWED_DOWN),
                # This process is one of them, unless a container hides it.
                other_processes=None if processes is None else max(0, processes - 1),
            )
            self._asked_at = time.monotonic()
        return self._state

    def name(self) -> str | None:
        text = ctypes.create_string_buffer(_LONGEST_NAME)
        status = _call(self._library, "nvmlDeviceGetName", self._handle, text, _LONGEST_NAME)
        return text.value.decode() if status == _SUCCESS else None

    def _number(self, name: str, kind: Any, *arguments: int) -> int | None:
        found = kind()
        status = _call(self._library, name, self._handle, *arguments, ctypes.byref(found))
        return int(found.value) if status == _SUCCESS else None

    def _processes(self) -> int | None:
        """Asked with no room for them, the driver says how many there are."""
        count = ctypes.c_uint(0)
        name = "nvmlDeviceGetComputeRunningProcesses_v3"
        status = _call(self._library, name, self._handle, ctypes.byref(count), None)
        return int(count.value) if status in (_SUCCESS, _INSUFFICIENT_SIZE) else None


@cache
def _device(visible: str) -> _Device | None:
    """``visible``: positions or names (``GPU-...``, ``MIG-...``), as CUDA reads them."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    if _call(library, "nvmlInit_v2") != _SUCCESS:
        return None
    first = visible.partition(",")[0].strip()
    handle = ctypes.c_void_p()
    by_name = first.startswith(("GPU-", "MIG-"))
    if not (by_name or first.isdigit() or first == ""):
        return None  # CUDA sees no GPU then
    name = "nvmlDeviceGetHandleByUUID" if by_name else "nvmlDeviceGetHandleByIndex_v2"
    which = first.encode() if by_name else ctypes.c_uint(int(first or 0))
    if _call(library, name, which, ctypes.byref(handle)) != _SUCCESS:
        return None
    return _Device(library, handle)


def _call(library: Any, name: str, *arguments: Any) -> int | None:
    """The status of a call; None where an older driver does not have it."""
    function = getattr(library, name, None)
    return None if function is None else function(*arguments)

"""What this machine computes on: the name of its processor, and the kind of device of a worker."""

import os
import platform
import re
from pathlib import Path

from core.nvidia import gpu_name

THREADS_VARIABLE = "OMP_NUM_THREADS"
_PROCESSOR_FILE = Path("/proc/cpuinfo")


def device_kind() -> str:
    """What a worker started here takes its times on, told without loading a library that computes.

    The GPU that it may use, as the driver names it; else the processor, with the threads that its
    libraries are allowed where that is limited. Two workers of one kind take the same times.
    """
    if (gpu := gpu_name()) is not None:
        return gpu
    threads = os.environ.get(THREADS_VARIABLE, "")
    return f"{processor_name()}, {threads} threads" if threads else processor_name()


def processor_name() -> str:
    """The processor's name with the number of cores this process may use."""
    found = re.search(r"model name\s*:\s*(.+)", processor_information())
    name = found.group(1).strip() if found else platform.processor() or platform.machine()
    return f"{name}, {usable_cores()} cores"


def processor_information() -> str:
    """What Linux tells about the processor; empty elsewhere."""
    return _PROCESSOR_FILE.read_text() if _PROCESSOR_FILE.exists() else ""


def usable_cores() -> int:
    import psutil

    process = psutil.Process()
    # macOS has no affinity call: all logical cores are usable there.
    return (
        len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
    )
